"""What a run of an asset can be told: a trial's part, a report's window."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.orchestration.account import Account
from campaign_monitor_assets.orchestration.assets import build_assets
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.project import Project, checks, failures, metadata

WINDOW_DAYS = 30


def _windowed(project: Project, table: str) -> dg.ExecuteInProcessResult:
    """Materializes a report that is read again for campaigns of the last thirty days only."""
    tables = [CATALOGUE[name] for name in ("clients", "campaigns", table)]
    account = Account(windows={table: WINDOW_DAYS}, warn_drop_percent=50)
    definitions = dg.Definitions(
        assets=build_assets(tables, account),
        resources=project.definitions().resources,
    )
    return definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        raise_on_error=False
    )


def _send_lately(box: Sandbox, count: int) -> tuple[str, set[str]]:
    """Makes the last campaigns of the first client ones that were sent yesterday."""
    campaigns = box.account("campaigns")
    client, rows = next(iter(campaigns.get("campaigns", campaigns).items()))
    yesterday = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S")
    by_date = sorted(rows, key=lambda row: str(row["SentDate"]))
    changed = [
        row | {"SentDate": yesterday} if place >= len(by_date) - count else row
        for place, row in enumerate(by_date)
    ]
    box.mutate("campaigns", client, changed)
    return client, {row["CampaignID"] for row in changed if row["SentDate"] == yesterday}


def _asked(box: Sandbox, path: str) -> set[str]:
    """The identifiers that an endpoint was asked for."""
    paths = [request["path"] for request in box.requests()["requests"]]
    return {found.split("/")[2] for found in paths if found.endswith(path)}


def test_a_window_reads_only_late_campaigns_again(box: Sandbox, project: Project) -> None:
    """After the first full reading only campaigns of the window are asked for; the rest stays."""
    _, late = _send_lately(box, 2)
    assert _windowed(project, "campaign_opens").success
    everything = project.count("campaign_opens")
    first = _asked(box, "/opens.json")
    assert len(first) == project.count("campaigns")

    result = _windowed(project, "campaign_opens")
    assert result.success
    assert len(late) == 2
    asked_twice = [
        request["path"].split("/")[2]
        for request in box.requests()["requests"]
        if request["path"].endswith("/opens.json")
    ]
    assert {one for one in asked_twice if asked_twice.count(one) == 2} == late
    assert project.count("campaign_opens") == everything
    told = metadata(result, "campaign_opens")
    assert told["parents_kept_by_the_window"] == len(first) - 2
    assert told["dagster/row_count"] == everything
    assert all(check.passed for check in checks(result, "campaign_opens").values())


def test_a_window_brings_what_is_new_and_drops_what_is_gone(box: Sandbox, project: Project) -> None:
    """Late campaigns change, new ones come, and those that left `campaigns` leave the report."""
    client, late = _send_lately(box, 2)
    assert _windowed(project, "campaign_bounces").success
    bounces = box.account("campaign_bounces")
    bounces = bounces.get("campaign_bounces", bounces)
    changed = min(late)
    old = [
        campaign
        for (campaign,) in project.query("select CampaignID from campaigns order by SentDate")
        if campaign not in late
    ]
    gone, kept = old[0], old[1]
    box.mutate("campaign_bounces", changed, [])
    box.mutate("campaign_bounces", kept, [])
    campaigns = box.account("campaigns")
    rows = campaigns.get("campaigns", campaigns)[client]
    box.mutate("campaigns", client, [row for row in rows if row["CampaignID"] != gone])

    result = _windowed(project, "campaign_bounces")
    assert result.success
    assert all(check.passed for check in checks(result, "campaign_bounces").values())
    counts: Mapping[str, int] = dict(
        project.query("select CampaignID, count(*) from campaign_bounces group by all")
    )
    assert changed not in counts
    assert gone not in counts
    assert counts.get(kept, 0) == len(bounces[kept])


def test_two_tables_of_one_answer_keep_their_windows(box: Sandbox, project: Project) -> None:
    """Lists and segments of campaigns are asked for once, also within a window."""
    late = _send_lately(box, 1)[1]
    tables = [CATALOGUE[name] for name in ("clients", "campaigns", "campaign_lists")]
    account = Account(
        windows={"campaign_lists": 7},
    )
    definitions = dg.Definitions(
        assets=build_assets(tables, account), resources=project.definitions().resources
    )
    job = definitions.resolve_implicit_global_asset_job_def()
    assert job.execute_in_process().success
    before = project.query("select * exclude _synced_at from campaign_lists order by all")
    seen = len(box.requests()["requests"])
    assert job.execute_in_process().success
    again = [request["path"] for request in box.requests()["requests"][seen:]]
    assert [path for path in again if "listsandsegments" in path] == [
        f"/campaigns/{one}/listsandsegments.json" for one in late
    ]
    after = project.query("select * exclude _synced_at from campaign_lists order by all")
    assert before == after


@pytest.mark.parametrize("limit", ["only_lists", "only_clients"])
def test_a_trial_leaves_the_full_snapshot_as_it_is(with_parents: Project, limit: str) -> None:
    """A limited run fills a table of the trial schema and records no materialization."""
    assert with_parents.materialize("active_subscribers").success
    before = with_parents.query("from active_subscribers order by all")
    column = {"only_lists": "ListID", "only_clients": "ClientID"}[limit]
    [(one,)] = with_parents.query(
        f"select {column} from active_subscribers group by all order by count(*) desc limit 1"
    )
    result = with_parents.materialize("active_subscribers", config={limit: [one]})
    assert result.success
    assert with_parents.query("from active_subscribers order by all") == before
    tried = with_parents.query(
        f"select {column}, count(*) from campaign_monitor_trial.active_subscribers group by all"
    )
    assert tried == [(one, sum(row[0 if column == "ClientID" else 1] == one for row in before))]
    assert not result.get_asset_materialization_events()
    [observed] = result.get_asset_observation_events()
    told: Mapping[str, Any] = observed.asset_observation_data.asset_observation.metadata
    assert told["dagster/table_name"].value == "campaign_monitor_trial.active_subscribers"


def test_a_trial_of_a_list_that_is_not_there_says_so(with_parents: Project) -> None:
    """The error names the list, and where to look it up."""
    result = with_parents.materialize("active_subscribers", config={"only_lists": ["nowhere"]})
    assert not result.success
    assert "ListID nowhere: not in the parent's" in failures(result)["active_subscribers"]


def test_a_trial_of_what_one_request_tells_is_refused(box: Sandbox, project: Project) -> None:
    """The clients can't be limited; the error says so, and nothing is read."""
    result = project.materialize("clients", config={"only_clients": ["any"]})
    assert "clients can't be limited to a part" in failures(result)["clients"]
    assert not box.requests()["requests"]


def test_a_child_without_its_parents_snapshot_says_what_to_do(project: Project) -> None:
    """Subscribers can't be read before the lists; the error says to materialize them."""
    assert project.materialize("clients").success
    result = project.materialize("active_subscribers")
    assert not result.success
    assert "campaign_monitor.lists is not in the DuckDB file yet" in str(failures(result))


def test_another_accounts_key(with_parents: Project) -> None:
    """A schema that holds another account's clients is left alone, unless it is forced."""
    before = with_parents.query("select ClientID from clients order by all")
    others = [{"ClientID": f"{number:032x}", "Name": f"Other {number}"} for number in range(3)]
    with_parents.box.mutate("clients", "", others)
    [text] = failures(with_parents.materialize("clients")).values()
    assert "holds the clients of another account" in text
    assert with_parents.query("select ClientID from clients order by all") == before
    assert with_parents.materialize("clients", config={"force": True}).success
    assert with_parents.count("clients") == 3


@pytest.mark.parametrize("kept", [1, 0])
def test_clients_that_come_and_go(with_parents: Project, kept: int) -> None:
    """One client that stays is the same account, and so is an account with none left."""
    rows = with_parents.box.account("clients")["clients"]
    news = [{"ClientID": "f" * 32, "Name": "New"}] if kept else []
    with_parents.box.mutate("clients", "", [*rows[:kept], *news])
    assert with_parents.materialize("clients").success
    assert with_parents.count("clients") == kept + len(news)
