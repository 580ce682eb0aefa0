"""While a table is published, the next ones are read; each still stands or falls by itself."""

from collections import Counter

import dagster as dg
import pytest

from campaign_monitor_assets.orchestration.reading_ahead import MOST_AHEAD
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.project import Project, at_once, failures, key

ROOTS = ("campaigns", "draft_campaigns", "scheduled_campaigns", "suppression_list", "templates")
"""Tables of which each asks one question a client."""


def _paths(box: Sandbox) -> Counter[str]:
    return Counter(request["path"] for request in box.requests()["requests"])


@pytest.mark.parametrize(("connections", "seconds"), [(2, 0.3), (10, 1.5)])
def test_several_tables_are_asked_for_at_once(
    box: Sandbox, with_parents: Project, connections: int, seconds: float
) -> None:
    """Tables that need not wait for each other are, within `connections` over all of them."""
    # The second table has as long to begin as the first one is answered.
    box.faults([{"what": "slow", "seconds": seconds, "path": "^/clients/", "times": None}])
    result = with_parents.materialize(*ROOTS, connections=connections)
    assert result.success, failures(result)
    requests = box.requests()["requests"]
    # A table alone asks one question a client.
    alone = with_parents.count("clients")
    assert min(alone + 1, connections) <= at_once(requests) <= connections
    assert set(_paths(box).values()) == {1}


def test_children_are_read_once_their_parent_is_there(box: Sandbox, with_parents: Project) -> None:
    """What is read ahead is asked for the parents that this run has published, and no others."""
    lists = with_parents.query("select ListID from lists order by all")
    [(client, kept)] = with_parents.query("select ClientID, ListID from lists order by all limit 1")
    for (other,) in with_parents.query("select ClientID from clients"):
        rows = [{"ListID": kept, "Name": "The only one"}] if other == client else []
        box.mutate("lists", other, rows)
    result = with_parents.materialize("lists", "list_stats", "list_details", "templates")
    assert result.success, failures(result)
    assert len(lists) > 1
    for table in ("lists", "list_stats", "list_details"):
        assert with_parents.query(f"select ListID from {table}") == [(kept,)]
    assert not [path for path in _paths(box) if "/lists/" in path and kept not in path]


def test_a_table_fails_by_itself(box: Sandbox, with_parents: Project) -> None:
    """What fails before its step fails in its step, with its own words, and nothing else does."""
    box.faults([{"what": "error", "path": "/templates", "status": 500, "times": None}])
    result = with_parents.materialize(*ROOTS)
    assert list(failures(result)) == ["templates"]
    assert "/templates" in failures(result)["templates"]
    assert with_parents.count("suppression_list")
    assert with_parents.leftovers() == []


def test_children_of_a_failed_parent_are_not_asked_for(box: Sandbox, with_parents: Project) -> None:
    """Where the parent fails its children are not read, neither in their steps nor before."""
    box.faults([{"what": "error", "path": "/lists.json", "status": 400, "code": 1, "times": None}])
    result = with_parents.materialize("lists", "list_stats", "list_custom_fields", "templates")
    assert list(failures(result)) == ["lists"]
    assert not [path for path in _paths(box) if path.startswith("/lists/")]
    assert with_parents.leftovers() == []


def test_what_is_said_stands_in_its_own_step(
    box: Sandbox, with_parents: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    """A transient error of a table that is read ahead is told in that table's step."""
    box.faults([{"what": "503", "path": "/templates", "times": 1}])
    result = with_parents.materialize(*ROOTS)
    assert result.success, failures(result)
    [told] = [line for line in capfd.readouterr().err.splitlines() if "attempt 1 of" in line]
    assert "campaign_monitor__templates" in told


def test_what_is_configured_waits_for_its_step(box: Sandbox, with_parents: Project) -> None:
    """A trial asks for its part only, whatever else the run reads."""
    [(only,)] = with_parents.query("select any_value(ClientID) from clients")
    result = with_parents.materialize(
        "draft_campaigns", "templates", config={"only_clients": [only]}
    )
    assert result.success, failures(result)
    assert set(_paths(box)) == {f"/clients/{only}/drafts.json", f"/clients/{only}/templates.json"}


def test_only_the_tables_of_the_run_are_read(box: Sandbox, with_parents: Project) -> None:
    """A run of some tables asks for no other."""
    assert with_parents.materialize("templates", "draft_campaigns").success
    asked = {path.rpartition("/")[2] for path in _paths(box)}
    assert asked == {"templates.json", "drafts.json"}


def test_few_tables_stand_on_disk(with_parents: Project) -> None:
    """Not more than a few endpoints are read before their steps, whatever is still to come."""
    folders: list[int] = []
    staging = with_parents.path.with_name(f"{with_parents.path.name}.staging")

    @dg.asset(deps=[key("campaigns")])
    def look() -> None:
        folders.append(len(list(staging.glob("sync-*"))))

    tables = [*ROOTS, "client_details", "people", "lists", "segments", "journeys"]
    result = with_parents.materialize(*tables, more=[look])
    assert result.success, failures(result)
    assert len(folders) == 1
    assert folders[0] <= MOST_AHEAD
    assert not staging.exists()


def test_what_others_wait_for_goes_first(project: Project) -> None:
    """Parents are stored before tables without children, and what has pages is stored last."""
    expected = ["clients", "lists", "campaigns", "draft_campaigns", "list_stats"]
    paged = ["active_subscribers", "bounced_subscribers"]
    result = project.materialize(*reversed(expected), *paged)
    assert result.success, failures(result)
    stored = [
        event.asset_key.path[-1]
        for event in result.all_events
        if event.is_step_materialization and event.asset_key
    ]
    assert stored == [*expected, *paged]
