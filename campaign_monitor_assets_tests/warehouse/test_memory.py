"""Lists of any width load within the memory limit, on as many threads as a machine may have."""

import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.errors import MemoryLimitError
from campaign_monitor_assets.staging.files import StagingWriter
from campaign_monitor_assets.staging.records import CollectionRead, Staged
from campaign_monitor_assets.warehouse.memory import Defaults, Rows, apply
from campaign_monitor_assets.warehouse.moving import move
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.publish import publish
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.state import begin_reading
from campaign_monitor_assets.warehouse.target import Database
from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.lake import needs_lake

TABLE = CATALOGUE["active_subscribers"]
NAME = TableName("campaign_monitor", TABLE.name)
NARROW, WIDE = (3, 10), (30, 100)
"""Custom fields of a subscriber, and the length of their values."""
CGROUP = Path("/sys/fs/cgroup/memory")


def _lines(rows: int, fields: int, width: int) -> Iterator[bytes]:
    # What can't be compressed takes the most memory as it is written.
    values = random.Random(0)
    for first in range(0, rows, 1000):
        lines = []
        for number in range(first, min(first + 1000, rows)):
            text = values.randbytes(fields * width).hex()
            custom = ",".join(
                f'{{"Key":"[f{n}]","Value":"{text[n * width : (n + 1) * width]}"}}'
                for n in range(fields)
            )
            lines.append(
                f'{{"read":1,"row":{{"EmailAddress":"person.{number}@example.com","Name":"Person"'
                f',"Date":"2020-01-01 00:00:00","State":"Active","CustomFields":[{custom}]}}}}\n'
            )
        yield "".join(lines).encode()


def _staged(folder: Path, rows: int, shape: tuple[int, int]) -> Staged:
    writer = StagingWriter(TABLE, folder, datetime(2026, 1, 1), 1)  # noqa: DTZ001 (UTC)
    for lines in _lines(rows, *shape):
        writer.append(lines)
    writer.accept(CollectionRead(1, {"ClientID": "c", "ListID": "l"}, rows, rows))
    return writer.finish(requests=1, size=0, seconds=0)


def _publish(folder: Path, staged: Staged, **settings: Any) -> list[str]:
    """Publishes what was staged, and returns what was said meanwhile."""
    told = WarehouseSettings(**{"database": str(folder / "account.duckdb"), **settings})
    database = Database.of(told)
    said: list[str] = []
    database.write(
        lambda connection: publish(
            connection, staged, NAME, run_id="run", settings=told.publish_settings(TABLE.name)
        ),
        said.append,
        rows=Rows(staged.average_row, staged.longest_row),
    )
    with database.connect(read_only=True) as connection:
        found = connection.execute(f"select count(*) from {NAME.quoted}").fetchone()
    assert found == (staged.rows,)
    return said


@pytest.fixture(scope="module", params=[(60_000, NARROW), (8_000, WIDE)], ids=["narrow", "wide"])
def staged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Staged:
    """A list of which the columns take more memory than one thread may have."""
    return _staged(tmp_path_factory.mktemp("staged"), *request.param)


@pytest.mark.parametrize(
    "threads",
    [None, *(pytest.param(each, marks=pytest.mark.slow) for each in (1, 2, 4, 8, 16, 64))],
)
def test_threads(staged: Staged, tmp_path: Path, threads: int | None) -> None:
    """However many threads a machine has, an ordinary list loads in the default memory."""
    _publish(tmp_path, staged, threads=threads)


def test_opening_the_file_writes_no_table_anew(staged: Staged, tmp_path: Path) -> None:
    """What begins a reading or makes a view leaves the row groups of wide rows as they are."""
    _publish(tmp_path, staged)
    file = tmp_path / "account.duckdb"
    before = file.stat().st_size
    begin_reading(Database.of(WarehouseSettings(database=str(file))), "campaign_monitor")
    assert file.stat().st_size < before * 1.2


@pytest.fixture(
    scope="module", params=[(1_000_000, NARROW), (60_000, WIDE)], ids=["narrow", "wide"]
)
def many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Staged:
    """A list that takes more memory than DuckDB may have."""
    return _staged(tmp_path_factory.mktemp("many"), *request.param)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [None, 64])
def test_threads_and_many_rows(many: Staged, tmp_path: Path, threads: int | None) -> None:
    """Many rows load in the default memory, too, on however many threads."""
    _publish(tmp_path, many, threads=threads)


@needs_lake
@pytest.mark.slow
@pytest.mark.parametrize("threads", [None, 8])
def test_many_rows_in_a_lake(many: Staged, tmp_path: Path, threads: int | None) -> None:
    """Rows of any width go into the Parquet files of a lake in the default memory, too."""
    lake = warehouses.settings(tmp_path / "account.ducklake", "lake")
    for strategy in ("merge", "replace"):
        _publish(tmp_path, many, threads=threads, write_strategy=strategy, **lake)


@needs_lake
@pytest.mark.slow
def test_wide_rows_move_into_a_lake(tmp_path: Path) -> None:
    """A file of wide rows moves into a lake, whose Parquet files fit into the default memory."""
    _publish(tmp_path, _staged(tmp_path, 60_000, WIDE))
    file = WarehouseSettings(database=str(tmp_path / "account.duckdb"))
    lake = WarehouseSettings(**warehouses.settings(tmp_path / "account.ducklake", "lake"))
    assert move(Database.of(file), Database.of(lake)).rows[str(NAME)] == 60_000


def test_fewer_threads_are_tried(tmp_path: Path) -> None:
    """Where threads run out of memory together, fewer of them are tried, and it is said."""
    said = _publish(tmp_path, _staged(tmp_path, 20_000, WIDE), threads=16)
    assert [line for line in said if "fewer threads (1)" in line]


@pytest.mark.parametrize(
    ("limit", "shape"), [("64MB", WIDE), ("32MB", NARROW), ("192MB", (80, 250))]
)
def test_the_error_names_a_limit_that_would_do(
    tmp_path: Path, limit: str, shape: tuple[int, int]
) -> None:
    """Where a single thread runs out of memory, the error names a memory_limit that suffices."""
    staged = _staged(tmp_path, 6_000, shape)
    with pytest.raises(MemoryLimitError, match="memory_limit") as caught:
        _publish(tmp_path, staged, memory_limit=limit)
    [enough] = re.findall(r"set `memory_limit` to (\w+)", str(caught.value))
    _publish(tmp_path, staged, memory_limit=enough)


@pytest.mark.parametrize(
    ("cores", "limit", "threads"), [(64, "192MB", 2), (64, "1GB", 11), (1, "1GB", 1), (8, "9MB", 1)]
)
def test_threads_follow_memory(cores: int, limit: str, threads: int) -> None:
    """By default DuckDB gets as many threads as cores and memory suffice for."""
    with duckdb.connect(config={"threads": cores}) as connection:
        memory = apply(connection, Defaults.of(connection), limit, None)
        assert memory.threads == threads
        assert connection.sql("select current_setting('threads')").fetchall() == [(threads,)]


@pytest.mark.skipif(not CGROUP.is_dir(), reason="needs cgroup version 1 and its controller")
def test_a_container_with_little_memory(tmp_path: Path) -> None:
    """DuckDB gets less than memory_limit where the container has less room, and it is said."""
    own = next(
        line.rpartition(":")[2]
        for line in Path("/proc/self/cgroup").read_text().splitlines()
        if ":memory:" in line
    )
    group = CGROUP / own.strip("/") / f"test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup can be made here: {error}")
    try:
        (group / "memory.limit_in_bytes").write_text(str(400 << 20))
        program = (
            "import os, sys, pathlib\n"
            "pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))\n"
            "from campaign_monitor_assets.warehouse.settings import WarehouseSettings\n"
            "from campaign_monitor_assets.warehouse.target import Database\n"
            "database = Database.of(WarehouseSettings(database=sys.argv[2]))\n"
            "with database.connect(warn=print) as connection:\n"
            "    print(connection.sql('select current_setting(\\'memory_limit\\')').fetchall())\n"
        )
        arguments = [str(group / "cgroup.procs"), str(tmp_path / "account.duckdb")]
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
        )
    finally:
        group.rmdir()
    assert "memory_limit is 192MB, but this machine or container has too little" in done.stdout
    assert "[('143.9 MiB',)]" in done.stdout
