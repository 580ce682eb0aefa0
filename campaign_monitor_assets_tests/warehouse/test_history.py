"""The history of a table: every version of a row once, whatever becomes of the table meanwhile."""

import itertools
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest

from campaign_monitor_assets.warehouse.settings import PublishSettings, Strategy
from campaign_monitor_assets_tests.warehouse.snapshots import FIRST, Warehouse, opened, person

HISTORY = "account_history.active_subscribers"


@pytest.fixture(params=Strategy)
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    return Warehouse(
        tmp_path / "a.duckdb", settings=PublishSettings(strategy=request.param, history=True)
    )


def day(number: int) -> datetime:
    return FIRST.replace(day=number)


def versions(warehouse: Warehouse, columns: str = "EmailAddress, Name") -> list[tuple[Any, ...]]:
    return warehouse.query(
        f"select {columns}, _valid_from, _valid_to from account_history.{warehouse.table}"
        " order by all nulls last"
    )


def check_invariants(warehouse: Warehouse) -> None:
    """What is valid now is the table, and no key has two versions at one time."""
    names = [name for name, *_ in warehouse.query(f"describe {warehouse.table}")]
    columns = ", ".join(f'"{name}"' for name in names if name != "_synced_at")
    now = warehouse.query(f"select {columns} from {warehouse.table} order by all")
    history = f"account_history.{warehouse.table}"
    valid = f"select {columns} from {history} where _valid_to is null order by all"
    assert warehouse.query(valid) == now
    assert warehouse.query(f"from {history} where _valid_to <= _valid_from") == []


def test_a_life(warehouse: Warehouse) -> None:
    """Joins, an edit, an edit back, a departure and a return are one version each."""
    for name in ("Ann", "Ann", "Anne", "Ann"):
        warehouse.publish({"a": [person("1", Name=name), person("2")]})
    warehouse.publish({"a": [person("2")]})
    warehouse.publish({"a": [person("1", Name="Ann"), person("2")]})
    assert versions(warehouse) == [
        ("1", "Ann", day(1), day(3)),
        ("1", "Ann", day(4), day(5)),
        ("1", "Ann", day(6), None),
        ("1", "Anne", day(3), day(4)),
        ("2", "", day(1), None),
    ]
    check_invariants(warehouse)
    as_of = f"select EmailAddress, Name from {HISTORY} where _valid_from <= '{day(3)}'"
    found = warehouse.query(f"{as_of} and coalesce(_valid_to > '{day(3)}', true) order by 1")
    assert found == [("1", "Anne"), ("2", "")]


def test_history_has_the_columns_of_its_table(warehouse: Warehouse) -> None:
    """A table's columns, then the two of the history, each with a comment."""
    warehouse.publish({"a": [person("1")]})
    table = warehouse.query("describe active_subscribers")
    history = warehouse.query(f"describe {HISTORY}")
    assert [row[:2] for row in history] == [
        *[row[:2] for row in table],
        ("_valid_from", "TIMESTAMP"),
        ("_valid_to", "TIMESTAMP"),
    ]
    comments = "select count(comment) from duckdb_columns() where schema_name = 'account_history'"
    assert warehouse.query(comments) == [(len(history),)]


def test_twice_on_one_day(warehouse: Warehouse) -> None:
    """Snapshots of one day, even of one moment, give versions that follow on one another."""
    for name in ("a", "b", "c"):
        warehouse.publish({"a": [person("1", Name=name)]}, at=FIRST)
    found = versions(warehouse)
    assert [row[1] for row in found] == ["a", "b", "c"]
    assert [row[3] for row in found[:2]] == [row[2] for row in found[1:]]
    check_invariants(warehouse)


def test_a_clock_that_goes_back(warehouse: Warehouse) -> None:
    """Versions follow on one another, whatever the clock says."""
    warehouse.publish({"a": [person("1", Name="a")]}, at=FIRST.replace(year=2030))
    warehouse.publish({"a": [person("1", Name="b")]}, at=FIRST)
    assert [row[1] for row in versions(warehouse)] == ["a", "b"]
    check_invariants(warehouse)


def test_events(warehouse: Warehouse) -> None:
    """A version of an event is one occurrence of it: those that are alike are counted."""
    warehouse.table = "campaign_opens"
    warehouse.publish({"c": [opened("1"), opened("1"), opened("2")]})
    warehouse.publish({"c": [opened("1"), opened("1"), opened("1")]})
    warehouse.publish({"c": [opened("1")]})
    assert versions(warehouse, "EmailAddress") == [
        ("1", day(1), day(3)),
        ("1", day(1), None),
        ("1", day(2), day(3)),
        ("2", day(1), day(2)),
    ]
    check_invariants(warehouse)


def test_a_column_that_comes_and_goes(warehouse: Warehouse) -> None:
    """A new field is a new version of the rows that have it; what it was stays in the history."""
    warehouse.publish({"a": [person("1"), person("2")]})
    warehouse.publish({"a": [person("1", New=1), person("2")]})
    warehouse.publish({"a": [person("1", New=1), person("2")]})
    warehouse.publish({"a": [person("1"), person("2")]})
    warehouse.publish({"a": [person("1"), person("2", Name="x")]})
    assert versions(warehouse, "EmailAddress, Name, New") == [
        ("1", "", "1", day(2), day(4)),
        ("1", "", None, day(1), day(2)),
        ("1", "", None, day(4), None),
        ("2", "", None, day(1), day(5)),
        ("2", "x", None, day(5), None),
    ]
    check_invariants(warehouse)


@pytest.mark.parametrize(("before", "type_after"), [("2026", "TIMESTAMP"), ("soon", "VARCHAR")])
def test_a_column_of_another_type(warehouse: Warehouse, before: str, type_after: str) -> None:
    """A column whose type changes keeps every value: as text where one doesn't fit."""
    warehouse.publish({"a": [person("1", Date="2026-01-01 00:00:00"), person("2")]})
    for table in ("active_subscribers", HISTORY):
        warehouse.retype(table, "Date", "varchar")
        warehouse.query(f"update {table} set Date = '{before}-01-01' where EmailAddress = '2'")
    for _ in range(2):
        warehouse.publish(
            {"a": [person("1", Date="2026-01-01 00:00:00"), person("2", Date="2027-01-01")]}
        )
    found = versions(warehouse, "EmailAddress, (Date::varchar)[:10]")
    assert ("1", "2026-01-01", day(1), None) in found
    assert ("2", f"{before}-01-01", day(1), day(2)) in found
    assert ("2", "2027-01-01", day(2), None) in found
    assert len(found) == 3
    described = warehouse.query(f"describe {HISTORY}")
    assert {row[0]: row[1] for row in described}["Date"] == type_after
    assert {row[0]: row[1] for row in warehouse.query("describe active_subscribers")}["Date"] == (
        "TIMESTAMP"
    )


def test_history_that_was_off_for_a_while(warehouse: Warehouse) -> None:
    """What changed without history is in it from the first snapshot with history on."""
    without = replace(warehouse.settings, history=False)
    with_history, warehouse.settings = warehouse.settings, without
    warehouse.publish({"a": [person("1", Name="never seen")]})
    warehouse.settings = with_history
    warehouse.publish({"a": [person("1", Name="a"), person("2")]})
    warehouse.settings = without
    warehouse.publish({"a": [person("1", Name="b"), person("3")]})
    warehouse.settings = with_history
    warehouse.publish({"a": [person("1", Name="b"), person("3")]})
    assert versions(warehouse) == [
        ("1", "a", day(2), day(4)),
        ("1", "b", day(4), None),
        ("2", "", day(2), day(4)),
        ("3", "", day(4), None),
    ]
    check_invariants(warehouse)


@pytest.mark.parametrize(
    "tampering",
    [
        "drop schema account_history cascade",
        f"delete from {HISTORY} where EmailAddress = '1'",
        f"insert into {HISTORY} select * replace ('9' as EmailAddress) from {HISTORY} limit 1",
        "update active_subscribers set Name = 'somebody else'",
    ],
)
def test_a_history_that_somebody_changed(warehouse: Warehouse, tampering: str) -> None:
    """Whatever was done to it, after the next change what is valid now is the table."""
    warehouse.publish({"a": [person("1"), person("2")]})
    warehouse.query(tampering)
    warehouse.publish({"a": [person("1"), person("2", Name="x")]})
    check_invariants(warehouse)


def test_rows_that_stay_unread(warehouse: Warehouse) -> None:
    """Rows of parents that were not read again stay valid, and are in a new history too."""
    warehouse.table = "campaign_opens"
    warehouse.settings = replace(warehouse.settings, history=False)
    warehouse.publish({"a": [opened("1")], "b": [opened("2")]})
    warehouse.settings = replace(warehouse.settings, history=True)
    warehouse.publish({"b": [opened("2")]}, kept=["a"])
    warehouse.publish({"b": []}, kept=["a"])
    assert versions(warehouse, "EmailAddress") == [("1", day(2), None), ("2", day(2), day(3))]


def test_retention(warehouse: Warehouse) -> None:
    """Versions that ended longer ago than `history_days` go; those that are valid stay."""
    warehouse.settings = replace(warehouse.settings, history_days=2)
    for number in (1, 2, 3, 4):
        warehouse.publish({"a": [person("1", Name=str(number)), person("2")]})
    warehouse.publish({"a": [person("1", Name="4"), person("2")]})
    assert [row[1] for row in versions(warehouse)] == ["2", "3", "4", ""]


def test_a_table_that_somebody_dropped(warehouse: Warehouse) -> None:
    """Its history goes on: what is as it was has no second version, and what changed ends."""
    warehouse.publish({"a": [person("1"), person("2"), person("3")]})
    warehouse.query("drop table active_subscribers")
    warehouse.publish({"a": [person("1"), person("2", Name="x")]})
    assert versions(warehouse) == [
        ("1", "", day(1), None),
        ("2", "", day(1), day(2)),
        ("2", "x", day(2), None),
        ("3", "", day(1), day(2)),
    ]
    check_invariants(warehouse)


ADDED = {"New": st.integers(1, 2)}
PEOPLE = st.fixed_dictionaries(
    {"EmailAddress": st.sampled_from("1234"), "Name": st.sampled_from("ab")}, optional=ADDED
)
OPENS = st.fixed_dictionaries(
    {"EmailAddress": st.sampled_from("12"), "IPAddress": st.sampled_from("ab")}, optional=ADDED
)
SNAPSHOTS: dict[str, st.SearchStrategy[list[dict[str, Any]]]] = {
    "active_subscribers": st.lists(PEOPLE, max_size=4, unique_by=lambda row: row["EmailAddress"]),
    "campaign_opens": st.lists(OPENS, max_size=4),
}
"""For a table with a key, and for one in which rows may be alike, the rows of a snapshot."""

WAYS = (
    (Strategy.MERGE,),
    (Strategy.REPLACE,),
    (Strategy.MERGE, Strategy.REPLACE),
)
"""What is written by one strategy, by the other, and by both in turns."""

PROPERTY = hypothesis.settings(
    deadline=None,
    max_examples=2,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("table", ["active_subscribers"])
@PROPERTY
@hypothesis.given(data=st.data())
def test_any_life(
    table: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As it was on any day is what was published that day, and all strategies write the same."""
    _live(table, data, tmp_path_factory)


@pytest.mark.slow
@pytest.mark.parametrize("table", SNAPSHOTS)
@hypothesis.settings(PROPERTY, max_examples=6)
@hypothesis.given(data=st.data())
def test_any_life_at_length(
    table: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same, tried for longer."""
    _live(table, data, tmp_path_factory)


def _live(table: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    snapshots = data.draw(st.lists(SNAPSHOTS[table], min_size=2, max_size=6))
    first, *others = [
        _published(tmp_path_factory.mktemp("life"), table, snapshots, way) for way in WAYS
    ]
    assert others == [first, first]


def _published(
    folder: Path, table: str, snapshots: list[list[dict[str, Any]]], way: tuple[Strategy, ...]
) -> list[Any]:
    """What is stored in the end; its history is compared with what was published on each day."""
    warehouse = Warehouse(folder / "a.duckdb", table=table)
    for snapshot, strategy in zip(snapshots, itertools.cycle(way), strict=False):
        warehouse.settings = PublishSettings(strategy=strategy, history=True)
        warehouse.publish({"a": snapshot})
    history = f"account_history.{table}"
    columns = sorted(name for name, *_ in warehouse.query(f"describe {history}"))
    rows = warehouse.query(f"select {', '.join(columns)} from {history}")
    versions = [dict(zip(columns, row, strict=True)) for row in rows]
    names = ("EmailAddress", "Name", "IPAddress", "New")
    for number, snapshot in enumerate(snapshots, start=1):
        found = [
            version
            for version in versions
            if version["_valid_from"] <= day(number) < (version["_valid_to"] or day(31))
        ]
        published = [row | {"New": str(row["New"])} if "New" in row else row for row in snapshot]
        assert Counter(tuple(map(row.get, names)) for row in found) == Counter(
            tuple(map(row.get, names)) for row in published
        )
    check_invariants(warehouse)
    return [columns, sorted(rows, key=repr), warehouse.query(f"describe {table}")]
