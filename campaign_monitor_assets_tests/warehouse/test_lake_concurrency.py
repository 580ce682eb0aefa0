"""Many writers and readers of one DuckLake at the same time, each a process of its own."""

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from campaign_monitor_assets.cli.cluster import programs
from campaign_monitor_assets.warehouse.instance import Instance
from campaign_monitor_assets.warehouse.memory import Rows
from campaign_monitor_assets.warehouse.publish import Superseded
from campaign_monitor_assets.warehouse.settings import PublishSettings, WarehouseSettings
from campaign_monitor_assets.warehouse.state import begin_reading
from campaign_monitor_assets.warehouse.target import Database
from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.lake import needs_lake
from campaign_monitor_assets_tests.orchestration.deployment import eventually
from campaign_monitor_assets_tests.warehouse.snapshots import SCHEMA, Warehouse, person

pytestmark = [
    needs_lake,
    pytest.mark.slow,
    pytest.mark.skipif(
        programs.found("initdb") is None,
        reason="PostgreSQL is not installed (Debian: apt-get install postgresql)",
    ),
]

PEOPLE = 200
OWN = ["active_subscribers", "unsubscribed_subscribers", "bounced_subscribers", "lists"]
SHARED = "deleted_subscribers"
Settings = dict[str, Any]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A lake with its catalogue in PostgreSQL."""
    return warehouses.settings(tmp_path / "lake", "postgres")


@pytest.fixture
def pool() -> Iterator[ProcessPoolExecutor]:
    """Processes that share nothing."""
    with ProcessPoolExecutor(10, mp_context=multiprocessing.get_context("spawn")) as found:
        yield found


def write(settings: Settings, table: str, names: list[str]) -> list[int]:
    """Publishes snapshots whose rows all bear one name, and says which readings were published."""
    store = Warehouse(
        Path("lake"), table, settings=PublishSettings(history=True), more={**settings}
    )
    published = []
    for name in names:
        reading = store.begin()
        rows = [person(f"{number}@example.com", Name=name) for number in range(PEOPLE)]
        if table == "lists":
            rows = [{"ListID": str(number), "Name": name} for number in range(PEOPLE)]
        # One row comes with each snapshot: two that both only insert would not conflict.
        rows.append(dict(rows[0], EmailAddress=f"{name}@example.com", ListID=name))
        found = store.publish({"parent": rows}, reading=reading)
        if not isinstance(found, Superseded):
            published.append(reading)
    return published


def read(settings: Settings, tables: list[str], seconds: float) -> list[str]:
    """Looks at tables all the time, and says what it found that no snapshot is like."""
    database, wrong, ends = Database.of(WarehouseSettings(**settings)), [], time.time() + seconds
    while time.time() < ends:
        for table in tables:
            with database.connect(read_only=True) as connection:
                connection.execute(f"use {SCHEMA}")
                found = connection.execute(
                    f"select count(*), count(distinct Name), (select arg_max(rows, snapshot)"
                    f" from sync_log where table_name = '{table}'), (select count(*) from"
                    f" {SCHEMA}_history.{table} where _valid_to is null) from {table}"
                ).fetchone()
                if found != (PEOPLE + 1, 1, PEOPLE + 1, PEOPLE + 1):
                    wrong.append(f"{table}: {found}")
    return wrong


def test_writers_and_readers(settings: Settings, pool: ProcessPoolExecutor) -> None:
    """Nobody fails, nobody sees a mixture, no row is lost; of one table the last reading stands."""
    tables = [*OWN, SHARED]
    for table in tables:
        write(settings, table, ["first"])
    readers: list[Future[list[str]]] = [pool.submit(read, settings, tables, 20.0) for _ in range(4)]
    own = [pool.submit(write, settings, table, ["a", "b", "c"]) for table in OWN]
    both = [pool.submit(write, settings, SHARED, [f"{who}{n}" for n in range(3)]) for who in "xy"]
    assert all(len(writer.result()) == 3 for writer in own)
    published = sorted(number for writer in both for number in writer.result())
    assert [wrong for reader in readers for wrong in reader.result()] == []
    with Database.of(WarehouseSettings(**settings)).connect(read_only=True) as connection:
        connection.execute(f"use {SCHEMA}")

        def rows(sql: str) -> list[tuple[Any, ...]]:
            return connection.execute(sql).fetchall()

        for table in OWN:
            assert rows(f"select distinct Name from {table}") == [("c",)]
            assert rows(f"select count(*) from sync_log where table_name = '{table}'") == [(4,)]
        logged = rows(f"select snapshot from sync_log where table_name = '{SHARED}' order by 1")
        assert [number for (number,) in logged][1:] == published
        [(name,)] = rows(f"select distinct Name from {SHARED}")
        assert name in {"x2", "y2"}
        key = "EmailAddress"
        assert rows(f"select count(distinct {key}), count(*) from {SHARED}") == [
            (PEOPLE + 1, PEOPLE + 1)
        ]
        assert rows(
            "select count(*), count(distinct (table_name, parent)) from sync_log_parents"
        ) == [(len(tables), len(tables))]
        # A version begins where another one ends, and every snapshot is whole in the history.
        for (at,) in rows(f"select distinct _valid_from from {SCHEMA}_history.{SHARED}"):
            assert rows(
                f"select count(*), count(distinct Name) from {SCHEMA}_history.{SHARED}"
                f" where _valid_from <= '{at}' and coalesce(_valid_to > '{at}', true)"
            ) == [(PEOPLE + 1, 1)]


def begin(settings: Settings, schema: str, ready: Path, signal: Path) -> int:
    """Begins the first reading of an account as soon as a signal is there."""
    database = Database.of(WarehouseSettings(**settings))
    (ready / schema).touch()
    while not signal.exists():
        time.sleep(0.001)
    database.require_writable()
    return begin_reading(database, schema)


def test_first_writers_of_a_lake_that_is_not_there(
    settings: Settings, pool: ProcessPoolExecutor, tmp_path: Path
) -> None:
    """Accounts that are read for the first time at the same moment all find the lake made."""
    schemas, ready, signal = ["north", "south", "west", "east"], tmp_path / "ready", tmp_path / "go"
    ready.mkdir()
    begun = [pool.submit(begin, settings, schema, ready, signal) for schema in schemas]
    eventually(lambda: len([*ready.iterdir()]) == len(schemas))
    signal.touch()
    assert [each.result() for each in begun] == [1] * len(schemas)


def widen(settings: Settings) -> list[int]:
    """Is about to write wider rows each time, and says how many rows a row group had."""
    opening = Database.of(WarehouseSettings(**settings)).opening
    instance = Instance.make(opening.settings)
    found = []
    for average in (500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000):
        opening.attach(instance, read_only=False, rows=Rows(average))
        found.append(instance.row_group_rows)
    instance.close()
    return found


def test_writers_of_wide_rows(settings: Settings, pool: ProcessPoolExecutor) -> None:
    """Writers that note smaller row groups at the same time all get what they need."""
    Database.of(WarehouseSettings(**settings)).require_writable()
    writers = [pool.submit(widen, settings) for _ in range(4)]
    for writer in writers:
        needed = zip(
            writer.result(), (65_536, 32_768, 16_384, 8_192, 4_096, 2_048, 2_048), strict=True
        )
        assert all(rows <= most for rows, most in needed)
