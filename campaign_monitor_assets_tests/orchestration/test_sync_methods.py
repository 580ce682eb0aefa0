"""Incremental reading as a user has it: YAML, launchpad, metadata, checks, trials, killed runs."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from rich.console import Console

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.cli.terminal import run_job
from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.project import Project, checks, failures, metadata
from campaign_monitor_assets_tests.runner import finish, launch

ACTIVE = "active_subscribers"
OPENS = "campaign_opens"
INCREMENTAL = {
    "sync_methods": {ACTIVE: "incremental", OPENS: "incremental"},
    "report_windows": {OPENS: 300},
}


@pytest.fixture(scope="module")
def _running() -> Iterator[Sandbox]:
    size = ("--today", "2026-10-01", "--lists", "2", "--subscribers", "260", "--campaigns", "5")
    with sandbox.start(*size) as box:
        yield box


@pytest.fixture(scope="module")
def _synced(_running: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Project:
    path = tmp_path_factory.mktemp("synced") / "account.duckdb"
    made = Project(_running, path, {"page_size": 20}, component=INCREMENTAL)
    result = made.materialize("clients", "lists", "campaigns", ACTIVE, OPENS)
    assert result.success, failures(result)
    return made


@pytest.fixture
def project(_synced: Project, tmp_path: Path) -> Iterator[Project]:
    """A project that reads two tables incrementally, read once."""
    _synced.box.reset()
    yield _synced.copy_to(tmp_path / "account.duckdb")
    _synced.box.reset()


def has_right_rows(project: Project) -> bool:
    held = project.box.account(ACTIVE)[ACTIVE]
    right = {(parent, row["EmailAddress"]) for parent, rows in held.items() for row in rows}
    return set(project.query(f"select ListID, EmailAddress from {ACTIVE}")) == right


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"sync_methods": {"lists": "incremental"}}, "Possible for: suppression_list, active_sub"),
        ({"sync_methods": {"actives": "incremental"}}, "'actives' is not known here"),
        ({"sync_methods": {ACTIVE: "delta"}}, "full_refresh"),
        ({"sync_methods": {ACTIVE: "incremental"}, "full_refresh_days": 0}, "full_refresh_days"),
        (
            {
                "sync_methods": {ACTIVE: "incremental"},
                "privacy": {"columns": {f"{ACTIVE}.Date": "drop"}},
            },
            "needs the column Date",
        ),
    ],
)
def test_what_is_not_possible(attributes: dict[str, Any], said: str) -> None:
    """A table that can't be read incrementally is an error at load, which says which can."""
    with pytest.raises((ConfigurationError, ValueError), match=said):
        dg.build_defs_for_component(CampaignMonitorComponent(tables=list(CATALOGUE), **attributes))


def test_a_run_says_how_it_read(project: Project) -> None:
    """Metadata tell how each list was read, what it saved and what can't be seen; the log too."""
    project.box.live(kinds=["join", "leave"], most=2)
    result = project.materialize(ACTIVE)
    told = metadata(result, ACTIVE)
    assert told["read_incrementally"] == 2
    assert set(told["read_in_full"].values()) == {0}
    assert told["requests_saved"] == told["requests_of_a_full_refresh"] - told["requests"] > 0
    assert "addresses" in told["not_seen_since_then"]
    assert has_right_rows(project)
    assert checks(result, ACTIVE)["fully_read_recently"].passed
    assert checks(result, ACTIVE)["row_count_matches_source"].passed
    logged = project.query(
        "select method, proof, full_at < synced_at, rows = reported from sync_log_parents"
        f" where table_name = '{ACTIVE}'"
    )
    assert len(logged) == 2
    for method, proof, earlier, counted in logged:
        assert (method, earlier, counted) == ("incremental", True, True)
        assert "as the API counts" in proof


def test_the_launchpad_reads_all_in_full(project: Project) -> None:
    """`full: true` reads every list in full, and edits show."""
    project.box.live(kinds=["edit"], most=9)
    assert metadata(project.materialize(ACTIVE), ACTIVE)["read_incrementally"] == 2
    result = project.materialize(ACTIVE, config={"full": True})
    assert metadata(result, ACTIVE)["read_in_full"]["asked"] == 2
    names = {row["Name"] for rows in project.box.account(ACTIVE)[ACTIVE].values() for row in rows}
    assert {name for (name,) in project.query(f"select Name from {ACTIVE}")} == names


def test_old_full_readings_are_warned_of(project: Project) -> None:
    """A list whose full reading is older than twice the days is named by a check."""
    project.change("update sync_parents set full_at = full_at - interval 15 day")
    found = checks(project.check(ACTIVE), ACTIVE)["fully_read_recently"]
    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.WARN
    assert found.metadata["collections_overdue"].value == 2
    result = project.materialize(ACTIVE)
    assert metadata(result, ACTIVE)["read_in_full"]["due"] == 2
    assert checks(result, ACTIVE)["fully_read_recently"].passed


def test_a_failed_proof_is_named(project: Project) -> None:
    """A list whose proof failed is in the log of the run and in its metadata, with the reason."""
    listed = project.box.account(ACTIVE)[ACTIVE]
    touched = next(iter(listed))
    project.box.mutate(ACTIVE, touched, listed[touched][1:])
    with dg.DagsterInstance.ephemeral() as instance:
        result = project.materialize(ACTIVE, instance=instance)
        log = [entry.user_message for entry in instance.all_logs(result.run_id)]
    told = metadata(result, ACTIVE)
    assert [each["ListID"] for each in told["proof_failed"]] == [touched]
    assert told["read_in_full"]["unproved"] == told["read_incrementally"] == 1
    [warning] = [said for said in log if "could not be proved" in said]
    assert touched in warning
    assert has_right_rows(project)


def test_windows_and_trials(project: Project) -> None:
    """A campaign outside its window is not asked at all, and a trial leaves the snapshot alone."""
    before = project.query(f"from {OPENS} order by all")
    project.box.live(kinds=["join"], days=1, reports=40)
    log = len(project.box.requests()["requests"])
    told = metadata(project.materialize(OPENS), OPENS)
    asked = {each["path"].split("/")[2] for each in project.box.requests()["requests"][log:]}
    kept = [
        campaign
        for (campaign,) in project.query(
            "select CampaignID from campaigns where SentDate < $1", "2026-01-28"
        )
    ]
    assert asked.isdisjoint(kept)
    assert told["parents_kept_by_the_window"] > 0
    assert project.query(f"from {OPENS} order by all") != before
    snapshot = project.query(f"from {ACTIVE} order by all")
    [(list_id,)] = project.query("select ListID from lists limit 1")
    assert project.materialize(ACTIVE, config={"only_lists": [list_id]}).success
    assert project.query(f"from {ACTIVE} order by all") == snapshot
    assert metadata(project.materialize(ACTIVE), ACTIVE)["read_incrementally"] == 2
    assert has_right_rows(project)


def test_the_closing_table(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make sync` says of each incremental table how its lists were read, and at which cost."""
    monkeypatch.setenv("DAGSTER_HOME", str(project.path.parent))
    found = project.definitions()
    job = dg.define_asset_job("one", dg.AssetSelection.assets(["campaign_monitor", ACTIVE]))
    console = Console(record=True, width=200)
    listed = project.box.account(ACTIVE)[ACTIVE]
    touched = next(iter(listed))
    project.box.mutate(ACTIVE, touched, listed[touched][1:])
    made = dg.Definitions(
        assets=found.assets, asset_checks=found.asset_checks, resources=found.resources, jobs=[job]
    )
    assert run_job(made, "one", None, console) == 0
    said = console.export_text()
    assert f"1 read incrementally, in full 1 because the proof failed ({touched}); " in said
    assert "where a full refresh takes about 2" in said


@pytest.mark.slow
def test_killed_runs(project: Project) -> None:
    """Whenever a run is killed, the snapshot is the old one or the new one, and so is its log."""
    began = time.monotonic()
    assert finish(launch(project, ACTIVE)) == {}
    length = time.monotonic() - began
    for number in range(1, 8, 2):
        project.box.live(seed=number, kinds=["join", "join", "leave", "import_old"])
        run = launch(project, ACTIVE)
        assert run.stdout is not None
        run.stdout.readline()
        time.sleep(length * number / 16)
        run.kill()
        run.wait()
        rows = project.query(f"select ListID, count(*) from {ACTIVE} group by all order by all")
        assert rows == project.query(
            "select parent, rows from sync_log_parents"
            f" where table_name = '{ACTIVE}' order by parent"
        )
    result = project.materialize(ACTIVE)
    assert result.success, failures(result)
    assert has_right_rows(project)
