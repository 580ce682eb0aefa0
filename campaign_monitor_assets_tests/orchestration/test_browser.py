"""What a person sees of Dagster's UI, in a real Chromium.

`CAMPAIGN_MONITOR_SCREENSHOTS=docs/images pytest -m browser` takes the documentation's
pictures anew.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import tenacity
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from campaign_monitor_assets.cli.cluster.services import free_port
from campaign_monitor_assets.orchestration.attributes import BLOCKS, shown_name
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets_tests.browser import NEEDS_BROWSER
from campaign_monitor_assets_tests.cli.test_home import LISTS, run
from campaign_monitor_assets_tests.orchestration.deployment import (
    PATIENCE,
    SHIPPED,
    Deployment,
    answers,
    eventually,
    shipped_settings,
)
from campaign_monitor_assets_tests.project import PREFIX, Project

WITHOUT_ANALYTICS = quote('not group:"analytics"')

pytestmark = NEEDS_BROWSER


@pytest.fixture
def dagster_url(project: Project, tmp_path: Path) -> Iterator[str]:
    """Dagster on the sandbox's account, as `make dev` starts it."""
    home, port = tmp_path / "dagster_home", free_port()
    shipped_settings(home)
    deployment = Deployment(home, project)
    try:
        deployment.start("dagster", "dev", "-w", str(SHIPPED / "workspace.yaml"), "-p", str(port))
        eventually(lambda: answers(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        deployment.stop()


def switch_of(page: Page, schedule: str) -> Locator:
    row = page.locator(f"div:has(> a[href$='/schedules/{schedule}'])")
    return row.locator("label[class*=Switch]")


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(PlaywrightTimeoutError),
    stop=tenacity.stop_after_delay(PATIENCE),
    reraise=True,
)
def choose(page: Page, choice: str) -> None:
    """Chooses from the graph's menu, which closes when the graph is drawn again meanwhile."""
    item = page.get_by_role("menuitem", name=choice)
    if not item.is_visible():
        page.get_by_label("settings").last.click(timeout=10_000)
    item.click(timeout=10_000)


def test_first_visit(dagster_url: str, page: Page, project: Project, screenshots: Path) -> None:
    """A person opens the graph, materializes all, sees rows and checks, and starts a schedule."""
    page.goto(f"{dagster_url}/asset-groups")
    for group in ("account", "campaigns", "lists", "subscribers", "campaign_reports"):
        expect(page.get_by_text(group, exact=True).first).to_be_visible()
    page.get_by_role("button", name="Materialize all").click()
    page.get_by_text("View", exact=True).click()
    ended = page.get_by_text(re.compile("^(Success|Failure)$")).first
    expect(ended).to_be_visible(timeout=1000 * PATIENCE)
    expect(ended).to_have_text("Success")

    page.set_viewport_size({"width": 1900, "height": 760})
    page.goto(f"{dagster_url}/asset-groups~{WITHOUT_ANALYTICS}")
    page.get_by_text("Hide navigation").click()
    page.get_by_label("panel_show_right").last.click()
    expect(page.get_by_text("campaign_reports").first).to_be_visible()
    for choice in ("Change graph to vertical orientation", "Expand all groups"):
        choose(page, choice)
    expect(page.get_by_text("suppression_list").first).to_be_visible()
    page.wait_for_timeout(2000)  # the graph glides into its place
    page.screenshot(path=screenshots / "graph.png")

    page.set_viewport_size({"width": 1400, "height": 900})
    page.goto(f"{dagster_url}/assets/{PREFIX}/active_subscribers")
    expect(page.get_by_text("Latest check results")).to_be_visible()
    rows = project.count("active_subscribers")
    assert rows > 1000
    expect(page.get_by_text(f"{rows:,}", exact=True)).to_be_visible()
    for column in ("EmailAddress", "ListJoinedDate"):
        expect(page.get_by_text(column, exact=True)).to_be_visible()
    page.screenshot(path=screenshots / "asset.png")

    page.goto(f"{dagster_url}/assets/{PREFIX}/active_subscribers?view=checks")
    expect(page.get_by_text("Succeeded", exact=True)).to_have_count(5)
    page.screenshot(path=screenshots / "checks.png")

    page.goto(f"{dagster_url}/automation")
    switch = switch_of(page, f"{PREFIX}_daily")
    expect(switch.locator("input")).not_to_be_checked()
    switch.click()
    expect(switch.locator("input")).to_be_checked()
    page.reload()
    expect(switch.locator("input")).to_be_checked()
    expect(switch_of(page, f"{PREFIX}_hourly").locator("input")).not_to_be_checked()
    page.screenshot(path=screenshots / "schedules.png")


def test_a_command_stands_in_the_timeline(page: Page, project: Project, tmp_path: Path) -> None:
    """A run of `sync` is shown like one that the UI launched: in the timeline, and by its job."""
    home, port = tmp_path / "dagster_home", free_port()
    shipped_settings(home)
    deployment = Deployment(home, project)
    done = run(tmp_path, "sync", "--select", LISTS, **deployment.variables)
    assert done.returncode == 0, done.stdout + done.stderr
    job = f"{PREFIX}_all"
    try:
        workspace = str(SHIPPED / "workspace.yaml")
        deployment.start("dagster-webserver", "-w", workspace, "-p", str(port))
        eventually(lambda: answers(port))
        page.goto(f"http://127.0.0.1:{port}/overview/activity/timeline")
        expect(page.get_by_role("link", name=job)).to_be_visible()
        expect(page.get_by_text("No runs or scheduled ticks")).to_have_count(0)
        page.goto(f"http://127.0.0.1:{port}/locations/{PREFIX}/jobs/{job}/runs")
        expect(page.get_by_text("Success", exact=True)).to_be_visible()
    finally:
        deployment.stop()


def test_the_components_page(dagster_url: str, page: Page, screenshots: Path) -> None:
    """Every attribute of the component has a description and an example; old names aren't there."""
    page.goto(
        f"{dagster_url}/locations/campaign_monitor/components/library/packages/"
        "campaign_monitor_assets/campaign_monitor_assets.CampaignMonitorComponent"
    )
    blocks = {name: page.get_by_role("button").filter(has_text=name) for name in BLOCKS}
    expect(page.get_by_text("Campaign Monitor Component", exact=True)).to_be_visible()
    names = [each for each in CampaignMonitorComponent.model_fields if each not in BLOCKS]
    for block, model in BLOCKS.items():
        description = str(CampaignMonitorComponent.model_fields[block].description)
        blocks[block].filter(has_text=description).click()
        names += [shown_name(model, each) for each in model.model_fields]
    for name in [*names, *BLOCKS]:
        card = page.get_by_role("button").filter(has=page.get_by_text(name, exact=True))
        expect(card.filter(has_text="example:")).to_have_count(1)
    expect(page.get_by_text("Deprecated")).to_have_count(0)
    expect(page.get_by_text("refuse_drop_percent: 33")).to_be_visible()
    page.screenshot(path=screenshots / "components.png")
