"""What becomes of a snapshot's rows, by each strategy: figures, times, and the rows themselves."""

from pathlib import Path
from typing import Any

import pytest

from campaign_monitor_assets.errors import DatabaseError, SnapshotRefusedError
from campaign_monitor_assets.warehouse.publish import Published, Superseded
from campaign_monitor_assets.warehouse.settings import PublishSettings, Strategy
from campaign_monitor_assets_tests.warehouse.snapshots import FIRST, Warehouse, opened, person
from campaign_monitor_assets_tests.warehouses import KIND

FIGURES = "select inserted, updated, deleted, unchanged, rows from sync_log order by snapshot"


@pytest.fixture(params=Strategy)
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "a.duckdb", settings=PublishSettings(strategy=request.param))


@pytest.fixture
def merging(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "a.duckdb")


def addresses(warehouse: Warehouse) -> list[Any]:
    return warehouse.query(f"select ListID, EmailAddress, Name from {warehouse.table} order by all")


def test_rows_that_come_change_go_and_stay(warehouse: Warehouse) -> None:
    """After each snapshot the table holds its rows, whatever the strategy."""
    warehouse.publish({"a": [person("1"), person("2"), person("3")], "b": [person("1")]})
    warehouse.publish({"a": [person("1"), person("2", Name="Two"), person("4")], "b": []})
    assert addresses(warehouse) == [("a", "1", ""), ("a", "2", "Two"), ("a", "4", "")]
    first, second = warehouse.query(FIGURES)
    assert first == (4, 0, 0, 0, 4)
    compared = (1, 1, 2, 1, 3)
    merges = warehouse.settings.strategy is Strategy.MERGE
    assert second == (compared if merges else (None, None, None, None, 3))


def test_when_a_row_was_written(merging: Warehouse) -> None:
    """`_synced_at` is the time of the snapshot that last wrote the row."""
    merging.publish({"a": [person("1"), person("2")]})
    merging.publish({"a": [person("1"), person("2", Name="Two")]})
    found = merging.query("select EmailAddress, _synced_at from active_subscribers order by 1")
    assert found == [("1", FIRST), ("2", FIRST.replace(day=2))]


def test_how_rows_got_there(merging: Warehouse) -> None:
    """`sync_log` says so of each snapshot: replace where merging would have saved nothing."""
    for name in ("One", "Two", "Three"):
        merging.publish({"a": [person("1", Name=name), person("2")]})
    merging.publish({"a": [person("1", Name="Four"), person("3")]})
    found = merging.query("select strategy from sync_log order by snapshot")
    assert found == [("merge",), ("merge",), ("merge",), ("replace",)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"Name": None}, {"Name": ""}),
        ({"Name": "a"}, {"Name": None}),
        ({"CustomFields": None}, {"CustomFields": []}),
        ({"CustomFields": [{"Key": "a", "Value": None}]}, {"CustomFields": [{}]}),
        (
            {"CustomFields": [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}]},
            {"CustomFields": [{"Key": "c", "Value": "d"}, {"Key": "a", "Value": "b"}]},
        ),
        ({"Name": "a", "State": "b"}, {"Name": "b", "State": "a"}),
        ({"Name": "ä"}, {"Name": "a\u0308"}),
        ({"Date": "2026-01-01 00:00:00"}, {"Date": "2026-01-01 00:00:01"}),
        ({"Date": "2026-01-01 00:00:00"}, {"Date": None}),
        ({"New": 1}, {"New": 2}),
        ({"New": None}, {"New": 1}),
    ],
)
def test_the_smallest_change(merging: Warehouse, before: Any, after: Any) -> None:
    """A change of any value of a row, however small, is written; no change is not."""
    merging.publish({"a": [person("1", **before), person("2")]})
    merging.publish({"a": [person("1", **after), person("2")]})
    merging.publish({"a": [person("1", **after), person("2")]})
    _, changed, again = merging.query(FIGURES)
    assert changed == (0, 1, 0, 1, 2)
    assert again == (0, 0, 0, 2, 2)


def test_events_of_the_same_kind(warehouse: Warehouse) -> None:
    """Events that are alike in everything are counted, and as many are kept as there are."""
    warehouse.table = "campaign_opens"
    once, twice = opened("1"), opened("2")
    warehouse.publish({"a": [once, twice, twice, twice], "b": [once]})
    warehouse.publish({"a": [once, once, twice], "b": [once, opened("3")]})
    assert warehouse.query(
        "select CampaignID, EmailAddress, count(*) from campaign_opens group by all order by all"
    ) == [("a", "1", 2), ("a", "2", 1), ("b", "1", 1), ("b", "3", 1)]
    if warehouse.settings.strategy is Strategy.MERGE:
        assert warehouse.query(FIGURES)[1] == (2, 0, 2, 3, 5)


def test_rows_that_stay_unread(warehouse: Warehouse) -> None:
    """Rows of parents that were not read again stay as they are, their time and new fields too."""
    warehouse.table = "campaign_opens"
    warehouse.publish({"a": [opened("1") | {"New": 1}], "b": [opened("2")], "c": [opened("3")]})
    warehouse.publish({"b": [opened("2"), opened("4")]}, kept=["a"])
    warehouse.publish({"b": [opened("2"), opened("4")]}, kept=["a"])
    found = warehouse.query(
        "select CampaignID, EmailAddress, New, _synced_at from campaign_opens order by 1, 2"
    )
    assert [row[:3] for row in found] == [("a", "1", "1"), ("b", "2", None), ("b", "4", None)]
    assert found[0][3] == FIRST
    assert warehouse.query("select parent from sync_log_parents order by 1") == [("a",), ("b",)]
    if warehouse.settings.strategy is Strategy.MERGE:
        assert warehouse.query(FIGURES)[1:] == [(1, 0, 1, 2, 3), (0, 0, 0, 3, 3)]


def test_columns_that_come_and_go(warehouse: Warehouse) -> None:
    """The table has the columns of its snapshot and no others; in a file in their order, too."""
    declared = [name for name, *_ in _described(warehouse, {"a": [person("1")]})]
    grown = [name for name, *_ in _described(warehouse, {"a": [person("1", New=1)]})]
    again = [name for name, *_ in _described(warehouse, {"a": [person("1")]})]
    if KIND == "file":
        assert grown == [*declared[:-1], "New", "_synced_at"]
    assert sorted(grown) == sorted([*declared, "New"])
    assert declared == again


def _described(warehouse: Warehouse, rows: Any) -> list[tuple[Any, ...]]:
    warehouse.publish(rows)
    return warehouse.query("describe active_subscribers")


def test_a_column_of_another_type(merging: Warehouse) -> None:
    """A column whose type has changed is written with the new one; values that fit are the same."""
    merging.publish({"a": [person("1", Date="2026-01-01 00:00:00"), person("2")]})
    merging.retype("active_subscribers", "Date", "varchar")
    merging.publish({"a": [person("1", Date="2026-01-01 00:00:00"), person("2", Name="x")]})
    assert merging.query(FIGURES)[1] == (0, 1, 0, 1, 2)
    assert dict(row[:2] for row in merging.query("describe active_subscribers"))["Date"] == (
        "TIMESTAMP"
    )


def test_a_table_that_somebody_changed(merging: Warehouse) -> None:
    """Whatever was done to the table, the next snapshot puts it right."""
    rows = {"a": [person("1"), person("2"), person("3")]}
    for tampering in (
        "insert into active_subscribers from active_subscribers",
        "delete from active_subscribers where EmailAddress = '1'",
        "update active_subscribers set ListID = null",
        "update active_subscribers set EmailAddress = '1', Name = 'x'",
        "alter table active_subscribers drop column Name",
        "drop table active_subscribers",
    ):
        merging.publish(rows)
        merging.query(tampering)
        merging.publish(rows)
        assert addresses(merging) == [("a", str(number), "") for number in (1, 2, 3)]


@pytest.mark.parametrize("rows", [[person("1"), person("1")], [person("1"), {"Name": "x"}]])
def test_keys_that_are_not_unique_and_whole(warehouse: Warehouse, rows: Any) -> None:
    """A snapshot with a key twice or in part is refused, and the old one is whole."""
    warehouse.publish({"a": [person("1")]})
    with pytest.raises(DatabaseError, match="come more than once") as refused:
        warehouse.publish({"a": rows})
    assert "(ListID, EmailAddress)" in str(refused.value)
    assert addresses(warehouse) == [("a", "1", "")]
    assert warehouse.query("select count(*) from sync_log") == [(1,)]


def test_a_snapshot_that_was_read_earlier(warehouse: Warehouse) -> None:
    """Of two readings that overlap the one that began later stays, in whatever order they end."""
    first, second = warehouse.begin(), warehouse.begin()
    assert isinstance(warehouse.publish({"a": [person("new")]}, reading=second), Published)
    late = warehouse.publish({"a": [person("old")]}, reading=first)
    assert isinstance(late, Superseded)
    assert f"run {second}" in late.note
    assert addresses(warehouse) == [("a", "new", "")]
    assert warehouse.query("select run_id from sync_log") == [(f"run {second}",)]
    with pytest.raises(SnapshotRefusedError, match="not published"):
        warehouse.publish({"a": [person("old")]}, reading=first, forced=True)
    third, fourth = warehouse.begin(), warehouse.begin()
    assert isinstance(warehouse.publish({"a": [person("newer")]}, reading=third), Published)
    assert isinstance(warehouse.publish({"a": [person("newest")]}, reading=fourth), Published)
    assert addresses(warehouse) == [("a", "newest", "")]


def test_a_clock_that_goes_back(warehouse: Warehouse) -> None:
    """What orders snapshots is not the clock: a later reading replaces an earlier one anyway."""
    warehouse.publish({"a": [person("1")]}, at=FIRST.replace(year=2030))
    warehouse.publish({"a": [person("2")]}, at=FIRST)
    assert addresses(warehouse) == [("a", "2", "")]
