"""The asset checks: each passes after a good sync, and each can fail, with its figures."""

import dataclasses
from typing import Any

import dagster as dg
import pytest

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets_tests.project import Project, checks, failures, key, metadata, people

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
LISTS = ("clients", "lists", "list_stats")
SUBSCRIBERS = ("active_subscribers", "unsubscribed_subscribers", "bounced_subscribers")


@pytest.fixture(scope="module")
def _synced_subscribers(_synced: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    _synced.box.reset()
    project = _synced.copy_to(tmp_path_factory.mktemp("checks") / "account.duckdb")
    assert project.materialize(*LISTS, *SUBSCRIBERS, "campaign_opens").success
    return project


@pytest.fixture
def synced(_synced_subscribers: Project, with_parents: Project) -> Project:
    """A project with a good snapshot of lists and subscribers."""
    return _synced_subscribers.copy_to(with_parents.path)


def check(project: Project, table: str, name: str) -> dg.AssetCheckEvaluation:
    """What a check finds now, run by hand, without a request to the API."""
    before = project.box.requests()["requests"]
    result = project.check(table)
    assert result.success, failures(result)
    assert project.box.requests()["requests"] == before
    return checks(result, table)[name]


def figures(found: dg.AssetCheckEvaluation) -> dict[str, Any]:
    return {name: value.value for name, value in found.metadata.items()}


def test_before_the_first_sync(with_parents: Project) -> None:
    """A check of a table that is not there yet fails and says what to do."""
    found = check(with_parents, "templates", "row_count_matches_source")
    assert not found.passed
    assert "materialize it first" in str(found.description)


def test_rows_that_are_missing(synced: Project) -> None:
    """Rows missing from DuckDB are an error that names the parents that lack most."""
    [(worst,), (second,)] = synced.query(
        "select ListID from active_subscribers group by 1 order by count(*) desc limit 2"
    )
    delete = "delete from active_subscribers where rowid in (select rowid from active_subscribers"
    synced.change(f"{delete} where ListID = ? limit 7)", worst)
    synced.change(f"{delete} where ListID = ? limit 2)", second)
    found = check(synced, "active_subscribers", "row_count_matches_source")
    assert (found.passed, found.severity) == (False, ERROR)
    said = figures(found)
    assert said["reported"] - said["dagster/row_count"] == 9
    assert said["parents_that_differ"] == 2
    assert said["worst"].index(worst) < said["worst"].index(second)


def test_rows_that_moved_between_parents(synced: Project) -> None:
    """Rows under the wrong parent are an error, though the number of all rows is right."""
    [(one,), (other,)] = synced.query("select distinct ListID from active_subscribers limit 2")
    synced.change(
        "update active_subscribers set ListID = ? where rowid ="
        " (select min(rowid) from active_subscribers where ListID = ?)",
        one,
        other,
    )
    found = check(synced, "active_subscribers", "row_count_matches_source")
    assert (found.passed, found.severity) == (False, ERROR)
    assert figures(found)["parents_that_differ"] == 2


def test_a_settled_list_that_differs_beside_one_that_never_stood_still(synced: Project) -> None:
    """A list that never stood still does not make light of another one that lacks rows."""
    [(one,), (other,)] = synced.query("select distinct ListID from active_subscribers limit 2")
    synced.change(
        "update sync_parents set settled = false"
        " where table_name = 'active_subscribers' and parent = ?",
        one,
    )
    found = check(synced, "active_subscribers", "row_count_matches_source")
    assert (found.passed, found.severity) == (False, WARN)
    synced.change(
        "delete from active_subscribers where rowid ="
        " (select min(rowid) from active_subscribers where ListID = ?)",
        other,
    )
    found = check(synced, "active_subscribers", "row_count_matches_source")
    assert (found.passed, found.severity) == (False, ERROR)


@pytest.mark.parametrize(
    ("tampering", "repeated", "incomplete"),
    [
        ("insert into lists select * from lists limit 3", 3, 0),
        ("update lists set ListID = null where rowid < 2", 1, 2),
        ("insert into lists select * replace (null as ListID) from lists limit 1", 0, 1),
    ],
)
def test_keys(synced: Project, tampering: str, repeated: int, incomplete: int) -> None:
    """Keys that come twice and keys with a part missing are an error, and counted."""
    synced.change(tampering)
    found = check(synced, "lists", "primary_key_unique")
    assert (found.passed, found.severity) == (False, ERROR)
    assert figures(found)["incomplete_keys"] == incomplete
    assert figures(found)["repeated_keys"] == repeated


def test_a_fall(synced: Project) -> None:
    """A fall by more than half since the last snapshot is a warning with both figures."""
    synced.change("delete from lists where ListID <> (select min(ListID) from lists)")
    [(only,)] = synced.query("select ListID from lists")

    def sync(*rows: int) -> dg.ExecuteInProcessResult:
        for table, number in zip(SUBSCRIBERS, rows, strict=True):
            synced.box.mutate(table, only, people(number))
        return synced.materialize(*SUBSCRIBERS)

    sync(2000, 2000, 200)
    left, passes = (1000, 999, 0), (True, False, False)
    result = sync(*left)
    for table, before, now, passed in zip(
        SUBSCRIBERS, (2000, 2000, 200), left, passes, strict=True
    ):
        found = checks(result, table)["row_count_not_dropped"]
        assert (found.passed, found.severity) == (passed, WARN)
        assert figures(found)["previous_rows"] == before
        assert figures(found)["dagster/row_count"] == now
        assert figures(found)["fall_percent"] == pytest.approx(100 * (before - now) / before)


@pytest.mark.parametrize("table", ["clients", "lists"])
def test_nothing_where_something_must_be(synced: Project, table: str) -> None:
    """No client and no list at all is an error."""
    parents = [""] if table == "clients" else list(synced.box.account(table)[table])
    for parent in parents:
        synced.box.mutate(table, parent, [])
    result = synced.materialize(table)
    assert result.success, failures(result)
    found = checks(result, table)["row_count_not_dropped"]
    assert (found.passed, found.severity) == (False, ERROR)
    # An empty answer is a table without rows, not no table.
    assert synced.count(table) == 0


def test_rows_without_their_parent(synced: Project) -> None:
    """Rows whose list is not among the lists are a warning, and counted."""
    [(gone, rows)] = synced.query(
        "select ListID, count(*) from active_subscribers group by 1 order by 2 desc limit 1"
    )
    synced.change("delete from lists where ListID = ?", gone)
    found = check(synced, "active_subscribers", "parents_exist")
    assert (found.passed, found.severity) == (False, WARN)
    assert figures(found) == {"rows_without_ClientID": 0, "rows_without_ListID": rows}


@pytest.mark.parametrize("table", SUBSCRIBERS)
def test_the_vendors_own_totals(synced: Project, table: str) -> None:
    """Lists that differ from the vendor's own total of them are a warning that names them."""
    assert check(synced, table, "subscribers_agree_with_list_stats").passed
    stat = str(CATALOGUE[table].stat)
    [(only,)] = synced.query("select min(ListID) from list_stats")
    synced.change(f"update list_stats set {stat} = {stat} + 1 where ListID = ?", only)
    found = check(synced, table, "subscribers_agree_with_list_stats")
    assert (found.passed, found.severity) == (False, WARN)
    assert figures(found)["lists_that_differ"] == 1
    assert only in figures(found)["worst"]


def test_other_checks_run_where_the_stats_fail(synced: Project) -> None:
    """A failure of list_stats takes only the comparison with them away."""
    synced.box.faults([{"what": "error", "path": "/stats", "status": 400, "times": None}])
    result = synced.materialize("list_stats", "active_subscribers")
    assert set(failures(result)) == {"list_stats"}
    found = checks(result, "active_subscribers")
    assert "row_count_matches_source" in found
    assert "subscribers_agree_with_list_stats" not in found


def test_events_of_every_page_are_counted(synced: Project) -> None:
    """Events, which have no key, are counted like everything else."""
    assert check(synced, "campaign_opens", "row_count_matches_source").passed
    synced.change("insert into campaign_opens select * from campaign_opens limit 1")
    assert not check(synced, "campaign_opens", "row_count_matches_source").passed


def test_a_failed_run_is_no_snapshot(synced: Project) -> None:
    """What a failed run read is in no log, so the next check compares with what DuckDB holds."""
    logged = synced.query("select * from sync_log order by all")
    synced.box.faults([{"what": "500", "path": "/active", "skip": 3, "times": None}])
    assert failures(synced.materialize("active_subscribers"))
    assert synced.query("select * from sync_log order by all") == logged
    synced.box.faults([])
    assert check(synced, "active_subscribers", "row_count_matches_source").passed


# The guard --------------------------------------------------------------------------------


def test_the_guard(synced: Project) -> None:
    """With the guard on, a deep fall is not published unless it is forced."""
    guarded = Project(synced.box, synced.path, store={"refuse_drop_percent": 20})
    synced.change("delete from lists where ListID <> (select min(ListID) from lists)")
    [(only,)] = synced.query("select ListID from lists")

    def sync(rows: int, **config: Any) -> dg.ExecuteInProcessResult:
        guarded.box.mutate("active_subscribers", only, people(rows))
        return guarded.materialize("active_subscribers", config=config)

    assert sync(125, force=True).success
    assert sync(100).success
    [text] = failures(sync(79)).values()
    assert "SnapshotRefusedError" in text
    assert "79 rows" in text
    assert "a fall by 21.0 % where 20 % are allowed" in text
    assert "`force: true`" in text
    assert guarded.count("active_subscribers") == 100
    assert check(guarded, "active_subscribers", "row_count_matches_source").passed
    guarded.box.faults([])
    forced = sync(79, force=True)
    assert forced.success, failures(forced)
    assert metadata(forced, "active_subscribers")["dagster/row_count"] == 79
    assert guarded.count("active_subscribers") == 79


def test_without_the_guard(synced: Project) -> None:
    """The guard is off by default."""
    for list_id in synced.box.account("active_subscribers")["active_subscribers"]:
        synced.box.mutate("active_subscribers", list_id, [])
    assert synced.materialize("active_subscribers").success
    assert synced.count("active_subscribers") == 0


@pytest.mark.parametrize("blocking", [False, True])
def test_a_check_can_block_what_is_downstream(
    with_parents: Project,
    blocking: bool,  # noqa: FBT001
) -> None:
    """Where it is wished, a check at ERROR fails the run; the table is stored in any case."""
    for client in with_parents.box.account("lists")["lists"]:
        with_parents.box.mutate("lists", client, [])
    project = dataclasses.replace(with_parents, component={"blocking_checks": blocking})
    result = project.materialize("lists", "list_stats")
    assert result.success is not blocking
    assert not checks(result, "lists")["row_count_not_dropped"].passed
    assert project.count("lists") == 0
    made = {event.asset_key for event in result.get_asset_materialization_events()}
    assert (key("list_stats") in made) is not blocking
