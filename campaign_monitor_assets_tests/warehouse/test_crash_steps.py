"""Killed, and out of disk, at each step of a snapshot: what was there is whole, history too."""

import functools
import itertools
import random
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from campaign_monitor_assets.warehouse.settings import Strategy, WarehouseSettings
from campaign_monitor_assets.warehouse.target import Database
from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.warehouse.crashes import COMMITTED, Life
from campaign_monitor_assets_tests.warehouse.snapshots import Row, person

TABLE = '"account"."active_subscribers"'
HISTORY = '"account_history"."active_subscribers"'

MOMENTS = {
    "load": "insert into temp.loaded",
    "verify": "insert into temp.repeated",
    "before the delete": f"delete from {TABLE}",
    "between the delete and the insert": f"insert into {TABLE}",
    "before the replacement": f"create or replace table {TABLE}",
    "after the replacement": f"comment on table {TABLE}",
    "between the table and its history": "create or replace temp table ending",
    "in the history": f"delete from {HISTORY}",
    "log": 'insert into "account"."sync_log" ',
    "commit": "commit",
    "after the commit": COMMITTED,
}
ONLY_MERGE = {"before the delete", "between the delete and the insert"}
ONLY_REPLACE = {"before the replacement", "after the replacement"}
ONLY_HISTORY = {"between the table and its history", "in the history"}

SNAPSHOTS: Sequence[Mapping[str, Sequence[Row]]] = (
    {"a": [person("1"), person("2"), person("3")], "b": [person("1")]},
    {"a": [person("1"), person("2", Name="x"), person("4")], "b": [person("1")]},
    {"a": [person("1", Name="y"), person("2", Name="x"), person("3")], "b": []},
)
GROWN: Sequence[Mapping[str, Sequence[Row]]] = (
    SNAPSHOTS[0],
    {"a": [person("1"), person("2", New=1), person("4")], "b": [person("1")]},
    SNAPSHOTS[2],
)
WINDOW: Sequence[Mapping[str, Sequence[Row]]] = (SNAPSHOTS[0], {"b": [person("5")]}, SNAPSHOTS[2])

both = pytest.mark.parametrize("strategy", Strategy)
with_and_without = pytest.mark.parametrize("history", [False, True])
pairs = pytest.mark.parametrize(
    ("strategy", "history"), [(Strategy.MERGE, True), (Strategy.REPLACE, False)]
)
"""Where what is struck is the same for all: each strategy once, with and without a history."""
on_this_disk = pytest.mark.skipif(
    warehouses.KIND == "postgres",
    reason="PostgreSQL writes the catalogue: `test_killed_at_every_step` kills who asks it to",
)


@pytest.fixture
def life(tmp_path: Path, strategy: Strategy, history: bool) -> Life:  # noqa: FBT001
    return Life(tmp_path / "a.duckdb", strategy, history, SNAPSHOTS)


class Outcomes:
    """What a file holds after its first snapshot, with and without the second, and the third."""

    def __init__(self, life: Life) -> None:
        self.base = life.copy_to(life.path.with_name("base.duckdb"))
        self.old = self.base.content() if warehouses.exists(self.base.path) else {}
        self.after = functools.cache(self._after)
        self.numbers = itertools.count()

    def _after(self, *numbers: int) -> dict[str, Any]:
        copy = self.copy()
        copy.publish(*numbers)
        return copy.content()

    def copy(self) -> Life:
        """The file before the second snapshot."""
        return self.base.copy_to(self.base.path.with_name(f"{next(self.numbers)}.duckdb"))

    def check(self, life: Life) -> bool:
        """Checks a file at which the second snapshot was struck, and that the third is right.

        Returns:
            Whether the second snapshot is there.
        """
        found = life.content()
        published = found != self.old
        assert not published or found == self.after(1)
        life.publish(2)
        assert life.content() == (self.after(1, 2) if published else self.after(2))
        return published


def kill_at(life: Life, chosen: Iterable[str]) -> dict[str, bool]:
    """Kills the second snapshot at each of these steps, and says whether it was published."""
    outcomes, published = Outcomes(life), {}
    for step in chosen:
        copy = outcomes.copy()
        copy.publish_killed(1, MOMENTS[step])
        published[step] = outcomes.check(copy)
    return published


def steps(strategy: Strategy, *, history: bool) -> list[str]:
    """The steps that a snapshot goes through."""
    replaces = strategy is Strategy.REPLACE and warehouses.KIND == "file"
    others = ONLY_MERGE if replaces else ONLY_REPLACE
    return [step for step in MOMENTS if step not in (others if history else others | ONLY_HISTORY)]


@both
@pytest.mark.parametrize("history", [True])
def test_killed_at_the_worst_moments(life: Life) -> None:
    """A snapshot that is killed half-written changes nothing, and the next one is right."""
    life.publish(0)
    worst = {
        "between the delete and the insert",
        "after the replacement",
        "in the history",
        "commit",
        "after the commit",
    }
    chosen = [step for step in steps(life.strategy, history=life.history) if step in worst]
    assert kill_at(life, chosen) == {step: step == "after the commit" for step in chosen}


@pytest.mark.slow
@both
@with_and_without
def test_killed_at_every_step(life: Life) -> None:
    """The same for every step."""
    life.publish(0)
    chosen = steps(life.strategy, history=life.history)
    assert kill_at(life, chosen) == {step: step == "after the commit" for step in chosen}


@pytest.mark.slow
@on_this_disk
@both
@with_and_without
@pytest.mark.parametrize("what", ["first", "rows", "a new column", "a window"])
def test_killed_before_every_statement(life: Life, what: str) -> None:
    """What stands on the disk before every single statement is as good, for any snapshot."""
    life = replace(
        life,
        snapshots={"a new column": GROWN, "a window": WINDOW}.get(what, SNAPSHOTS),
        kept={1: ["a"]} if what == "a window" else {},
    )
    if what != "first":
        life.publish(0)
    outcomes = Outcomes(life)
    states = outcomes.copy().publish_copied(1)
    published = {state: outcomes.check(replace(life, path=state)) for state in set(states)}
    assert len(states) > 40
    found = [published[state] for state in states]
    assert found == sorted(found)
    assert set(found) == {False, True}


@pytest.mark.slow
@on_this_disk
@pairs
@pytest.mark.parametrize(
    "more", [{}, pytest.param({"storage_version": "latest"}, marks=warehouses.file_only)]
)
def test_killed_in_the_midst_of_the_commit(life: Life, more: Mapping[str, Any]) -> None:
    """A process that dies while it writes to the file leaves it as it was, or with all of it."""
    life = replace(life, more=more)
    life.publish(0)
    outcomes, published = Outcomes(life), []
    for size in (1, 30, 100, 300, 1000, 2000, 3000, 20_000):
        copy = outcomes.copy()
        copy.publish_killed(1, MOMENTS["commit"], size)
        published.append(outcomes.check(copy))
    assert published == sorted(published)
    assert set(published) == {False, True}


# In formats from v1.3.0 on DuckDB 1.5 writes texts so that this fails. No snapshot changes texts in
# place, so that it is whole in any format: see the test above.
@warehouses.file_only
def test_half_a_change_of_texts_in_the_log(tmp_path: Path) -> None:
    """Where a process dies while it changes texts in place, those that are missing stay so."""
    path, log = tmp_path / "a.duckdb", tmp_path / "a.duckdb.wal"
    database = Database.of(WarehouseSettings(database=str(path)))

    def do(sql: str) -> None:
        database.write(lambda connection: connection.execute(sql))

    text = "if(n between 30 and 40, null, n % 5)::varchar"
    do(f"create table texts as select n, {text} as name from range(65) numbers(n)")
    copy = tmp_path / "copy.duckdb"
    # What is committed stays in the log as long as another thread uses the file.
    with database.connect():
        shutil.copy(path, copy)
        do("update texts set name = 'x' where n in (5, 31, 50)")
        before = log.stat().st_size
        do("update texts set name = concat('y', n) where n between 26 and 45")
        whole = log.read_bytes()
    for size in range(before, len(whole), 30):
        Path(f"{copy}.wal").write_bytes(whole[:size])
        half = tmp_path / f"{size}.duckdb"
        warehouses.copy(copy, half)
        with duckdb.connect(str(half)) as connection:
            found = connection.execute("select n from texts where name is null order by n")
            assert found.fetchall() == [(n,) for n in range(30, 41) if n != 31], size


ADVICE = (
    "if its disk is full, make room"
    if warehouses.KIND == "file"
    else r"look whether .* ha(s|ve) room"
)
LABEL = "DuckDB file" if warehouses.KIND == "file" else "DuckLake"
FULL = rf"{LABEL} .* could not be written: .*File too large.* is unchanged\. What to do: {ADVICE}"


@pairs
def test_the_disk_is_full_at_the_commit(life: Life) -> None:
    """A snapshot that the disk has no room for fails with what to do, and changes nothing."""
    life.publish(0)
    outcomes = Outcomes(life)
    copy = outcomes.copy()
    # With its catalogue elsewhere, a lake's rows are all that is written here.
    elsewhere = warehouses.KIND == "postgres"
    step = "between the delete and the insert" if elsewhere else "commit"
    text = copy.publish_on_full_disk(1, MOMENTS[step], 1)
    assert re.search(f"DatabaseError.*The {FULL}", text, re.DOTALL)
    assert not outcomes.check(copy)
    copy = outcomes.copy()
    # What is committed waits beside the file until there is room.
    assert copy.publish_on_full_disk(1, MOMENTS["after the commit"], 1) == ""
    assert outcomes.check(copy)


@pytest.mark.slow
@warehouses.file_only
@pytest.mark.parametrize(
    ("strategy", "history", "step"),
    [
        (Strategy.REPLACE, False, "load"),
        (Strategy.MERGE, False, "the table"),
        (Strategy.REPLACE, True, "the table"),
        (Strategy.MERGE, True, "in the history"),
        (Strategy.REPLACE, True, "in the history"),
    ],
)
def test_the_disk_is_full_while_much_is_written(life: Life, step: str) -> None:
    """The same for rows that are so many that they go to the disk before the commit."""
    people = [person(str(number), Name=f"{number}") for number in range(130_000)]
    # A row stays: where none does, merge writes the table anew.
    many = {"a": people, "b": SNAPSHOTS[0]["b"]}
    life = replace(life, snapshots=(SNAPSHOTS[0], many, SNAPSHOTS[2]))
    life.publish(0)
    outcomes = Outcomes(life)
    merges = life.strategy is Strategy.MERGE
    write = "between the delete and the insert" if merges else "before the replacement"
    copy = outcomes.copy()
    size = copy.path.stat().st_size
    text = copy.publish_on_full_disk(1, MOMENTS[write if step == "the table" else step], size)
    assert re.search(f"DatabaseError.*The {FULL}", text, re.DOTALL)
    assert not outcomes.check(copy)


@pytest.mark.slow
@pairs
@warehouses.file_only
def test_the_disk_is_full_while_it_stands_in_for_memory(life: Life) -> None:
    """The same where loading takes more memory than there is, and goes on beside the file."""
    values = random.Random(0)
    wide = {
        "a": [person(str(number), Name=values.randbytes(1000).hex()) for number in range(60_000)]
    }
    more = {"memory_limit": "64MB", "threads": 1}
    life = replace(life, snapshots=(SNAPSHOTS[0], wide, SNAPSHOTS[2]), more=more)
    life.publish(0)
    outcomes = Outcomes(life)
    copy = outcomes.copy()
    text = copy.publish_on_full_disk(1, MOMENTS["load"], copy.path.stat().st_size)
    assert re.search(f"DatabaseError.*The {FULL}", text, re.DOTALL)
    assert f"{copy.path}.tmp" in text
    assert not outcomes.check(copy)
    assert not Path(f"{copy.path}.tmp").exists()
