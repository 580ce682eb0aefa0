"""Parents that are deleted or forbidden: left out and named, unless there is no other."""

from collections import Counter
from typing import Any

import pytest

from campaign_monitor_assets_tests.project import Project, checks, failures, metadata

REFUSED = {"status": 401, "code": 102}
BY_CLIENT = ("lists", "campaigns", "templates", "suppression_list")
CASES = [
    ("active_subscribers", "/active", {"what": "gone"}),
    ("list_details", r"lists/[^/]+\.json", {"what": "gone"}),
    ("campaign_summary", "/summary", {"what": "gone"}),
    ("campaign_opens", "/opens", {"what": "error", **REFUSED}),
    ("lists", "/lists", {"what": "error", **REFUSED}),
]


def test_one_forbidden_client(with_parents: Project, capfd: pytest.CaptureFixture[str]) -> None:
    """A client that is refused with code 102 is left out and named; the others arrive."""
    box = with_parents.box
    [refused, *others] = sorted(row["ClientID"] for row in box.account("clients")["clients"])
    rule = {"what": "error", "path": f"clients/{refused}", "times": None, **REFUSED}
    box.faults([rule])
    result = with_parents.materialize("clients", *BY_CLIENT, "active_subscribers")
    assert result.success, failures(result)
    told = capfd.readouterr().err
    for table in BY_CLIENT:
        held = box.account(table)[table]
        expected = Counter({client_id: len(held[client_id]) for client_id in others})
        found = with_parents.query(f"select ClientID, count(*) from {table} group by all")
        assert Counter(dict(found)) == expected, table
        assert metadata(result, table)["forbidden_parents"] == [{"ClientID": refused}]
        assert f"{table}: {{'ClientID': '{refused}'}} is not of this account" in told
        assert checks(result, table)["row_count_matches_source"].passed
    assert with_parents.query("select sum(left_out) from sync_log where table_name = 'lists'") == [
        (1,)
    ]
    assert with_parents.count("clients") == 3


@pytest.mark.parametrize(("table", "path", "rule"), CASES)
def test_every_parent_is_missing(
    with_parents: Project, table: str, path: str, rule: dict[str, Any]
) -> None:
    """Where all parents seem gone, as with another account's key, nothing is replaced."""
    assert with_parents.materialize(table).success
    before = with_parents.count(table)
    assert before > 0
    with_parents.box.faults([{"path": path, "times": None, **rule}])
    [text] = failures(with_parents.materialize(table)).values()
    assert "AllParentsMissingError" in text
    assert "materialize" in text
    assert with_parents.count(table) == before


def test_an_account_of_one_list_that_is_deleted(with_parents: Project) -> None:
    """Its subscribers fail with what to do, which helps: the parent's snapshot tells them apart."""
    box = with_parents.box
    with_parents.change("delete from lists where ListID <> (select min(ListID) from lists)")
    [(only,)] = with_parents.query("select ListID from lists")
    box.mutate("active_subscribers", only, None)
    [text] = failures(with_parents.materialize("active_subscribers")).values()
    assert "materialize lists again" in text
    for client in box.account("clients")["clients"]:
        box.mutate("lists", client["ClientID"], [])
    result = with_parents.materialize("lists", "active_subscribers")
    assert result.success, failures(result)
    assert with_parents.count("active_subscribers") == 0


def test_a_key_that_is_not_valid(with_parents: Project) -> None:
    """It fails at once, whatever stands in the snapshots, and is no deletion."""
    result = with_parents.materialize("lists", api_key="made-up", connections=1)
    [text] = failures(result).values()
    assert "code 100" in text
    # One more may have been on its way.
    assert with_parents.box.requests()["statuses"]["401"] <= 2
    assert with_parents.count("lists") > 0
