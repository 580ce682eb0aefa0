"""The instance that a process keeps: threads use the file together, other processes in between."""

import multiprocessing
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.warehouse.memory import Rows
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.target import Database

WIDE = Rows(average=100, longest=100)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database.of(WarehouseSettings(database=str(tmp_path / "a.duckdb")))
    _count(database, "create table seen (number int)")
    return database


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def _count(database: Database, *statements: str) -> int:
    with database.connect() as connection:
        for statement in statements:
            connection.execute(statement)
        return len(connection.execute("from seen").fetchall())


def _elsewhere(path: Path) -> subprocess.CompletedProcess[str]:
    """Another process counts the rows."""
    program = (
        f"import duckdb; print(len(duckdb.connect({str(path)!r}).execute('from seen').fetchall()))"
    )
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )


def test_threads_look_and_write_while_a_snapshot_is_written(
    database: Database, pool: ThreadPoolExecutor
) -> None:
    """Others look at what was there before, and write what is their own, meanwhile."""

    def write(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("insert into seen values (1), (2)")
        assert pool.submit(_count, database).result() == 0
        assert pool.submit(_count, database, "create table own as select 1").result() == 0

    database.write(write, rows=WIDE)
    assert _count(database, "from own") == 2


def test_each_has_its_own_temporary_tables(database: Database, pool: ThreadPoolExecutor) -> None:
    """Temporary tables of the same name in two threads are two."""
    both = threading.Barrier(2)

    def work(number: int) -> object:
        with database.connect() as connection:
            connection.execute(f"create temp table loaded as select {number} as number")
            both.wait(timeout=30)
            return connection.execute("select number from temp.loaded").fetchall()

    assert list(pool.map(work, [1, 2])) == [[(1,)], [(2,)]]


def test_who_needs_the_memory_waits_for_the_others(
    database: Database, pool: ThreadPoolExecutor
) -> None:
    """A snapshot is written, and a proof counted, once nobody else uses the file."""
    said: list[str] = []

    def write() -> str:
        return database.write(lambda _: "written", said.append, rows=WIDE)

    def prove() -> str:
        with database.connect(read_only=True, alone=True):
            return "proved"

    with database.connect(read_only=True):
        waiting = [pool.submit(write), pool.submit(prove)]
        looking = pool.submit(_count, database)
        assert not any(each.done() for each in waiting)
    assert [each.result(timeout=30) for each in waiting] == ["written", "proved"]
    assert looking.result(timeout=30) == 0
    assert said == []


def test_how_long_others_are_waited_for(database: Database) -> None:
    """It is an error that says so where another connection of this process is never closed."""
    opening = WarehouseSettings(database=str(database.path), lock_timeout=0.2)
    with (
        database.connect(read_only=True),
        pytest.raises(DatabaseError, match="another connection of this process has it open"),
    ):
        Database.of(opening).write(lambda _: None, rows=WIDE)


def test_other_processes_have_it_in_between(database: Database, pool: ThreadPoolExecutor) -> None:
    """The file is open only as long as somebody uses it, however many have."""
    list(pool.map(lambda _: _count(database, "insert into seen values (1)"), range(8)))
    assert _elsewhere(database.path).stdout == "8\n"
    with database.connect():
        assert "Could not set lock" in _elsewhere(database.path).stderr
    assert _elsewhere(database.path).stdout == "8\n"


def test_two_files_and_two_settings(tmp_path: Path, database: Database) -> None:
    """Files that are used in turn keep their own settings, and so does one with two."""
    other = Database.of(WarehouseSettings(database=str(tmp_path / "b.duckdb"), threads=3))
    odd = {"integer_division": True}
    again = Database.of(
        WarehouseSettings(database=str(database.path), threads=1, connection_config=odd)
    )

    def settings(of: Database) -> object:
        with of.connect() as connection:
            return connection.execute(
                "select current_setting('threads'), current_setting('integer_division')"
            ).fetchone()

    default = settings(database)
    assert settings(other) == (3, False)
    assert settings(again) == (1, True)
    assert settings(database) == default


def test_what_was_spilled_goes(tmp_path: Path) -> None:
    """Nothing stays beside the file of what DuckDB wrote there for want of memory."""
    database = Database.of(
        WarehouseSettings(database=str(tmp_path / "a.duckdb"), memory_limit="100MB")
    )
    spilled = tmp_path / "a.duckdb.tmp"

    def sort(connection: duckdb.DuckDBPyConnection) -> bool:
        connection.execute(
            "create temp table sorted as select hash(i) as h, repeat('x', 50) || i as text"
            " from range(3_000_000) t(i) order by h"
        )
        return spilled.exists()

    assert database.write(sort, rows=WIDE)
    assert not spilled.exists()


def _fail(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("insert into seen values (1)")
    connection.execute("select error('no')")


def test_it_works_after_an_error(database: Database) -> None:
    """After an error of DuckDB's what was there is there, and can be written."""
    with pytest.raises(duckdb.Error, match="no"):
        database.write(_fail, rows=WIDE)
    assert _count(database) == 0
    assert _count(database, "insert into seen values (1)") == 1


def _in_child(work: Callable[[Database], int], database: Database) -> int:
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    child = context.Process(target=lambda: results.put(work(database)))
    child.start()
    child.join(timeout=60)
    assert child.exitcode == 0
    return int(results.get())


@pytest.mark.skipif(not hasattr(sys, "getdlopenflags"), reason="needs fork")
def test_a_forked_process_has_its_own(database: Database) -> None:
    """A process that was forked from one that used the file uses it, too."""
    assert _count(database, "insert into seen values (1)") == 1
    assert _in_child(_count, database) == 1
    assert _count(database, "insert into seen values (1)") == 2


def _fill_disk_and_make_room(path: Path) -> list[int]:
    database = Database.of(WarehouseSettings(database=str(path)))
    counts = [_count(database, "create table seen (number int)")]
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, unlimited[1]))
    try:
        _count(database, "insert into seen from range(1_000_000)")
    except DatabaseError:
        counts.append(-1)
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    return [*counts, _count(database), _count(database, "insert into seen values (1)")]


def test_it_works_once_there_is_room_again(tmp_path: Path) -> None:
    """The same process writes the file again after the disk was full."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(_fill_disk_and_make_room, tmp_path / "a.duckdb").result(timeout=120)
    assert found == [0, -1, 0, 1]
