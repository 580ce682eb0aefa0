"""One publication of staged subscribers, measured in a process of its own."""

import multiprocessing
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.staging.records import Staged
from campaign_monitor_assets.warehouse.memory import Rows
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.privacy import KEEP_ALL, Privacy
from campaign_monitor_assets.warehouse.publish import publish
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.state import begin_reading
from campaign_monitor_assets.warehouse.target import Database
from campaign_monitor_assets_tests.benchmarks.places import FILE, Place

T = TypeVar("T")

TABLE = "active_subscribers"
LISTS = 10
_FIRST_DAY = datetime(2026, 1, 1)  # noqa: DTZ001 (UTC)
_MEMORY = Path("/dev/shm")

# On each day other rows change, spread evenly over the table: those whose number has the day's
# remainder. A period of 100 days changes 1 % of them each day.
# Long text that can't be compressed.
_FURTHER = """, {{'Key': '[Further {n}]', 'Value': md5('{n}a' || n) || md5('{n}b' || n)
    || md5('{n}c' || n)}}"""

_STAGE = """
copy (
    select n % {lists} as read, {{
        'EmailAddress': md5(n::varchar) || '@example.com',
        'Name': 'Person ' || n,
        'Date': strftime(timestamp '2020-01-01' + to_minutes(n % 3000000), '%Y-%m-%d %H:%M:%S'),
        'ListJoinedDate':
            strftime(timestamp '2019-01-01' + to_minutes(n % 3000000), '%Y-%m-%d %H:%M:%S'),
        'State': 'Active',
        'CustomFields': [
            {{'Key': '[City]', 'Value': 'Town ' || n % 1000}},
            {{'Key': '[Customer]', 'Value': md5((n + 7)::varchar)}},
            {{'Key': '[Orders]', 'Value': ({version})::varchar}}{further}
        ],
        'ReadsEmailWith': case n % 3 when 0 then 'Gmail' when 1 then 'Outlook' else '' end
    }} as row
    from range({rows}) numbers(n)
) to '{path}' (format json)
"""


@dataclass(frozen=True)
class Way:
    """How a snapshot is written.

    Attributes:
        strategy: `replace` or `merge`.
        history: Whether every version of a row is kept.
    """

    strategy: str
    history: bool

    def __str__(self) -> str:
        """What the results call it."""
        return f"{self.strategy} with history" if self.history else self.strategy


WAYS = tuple(
    Way(strategy, history) for history in (False, True) for strategy in ("replace", "merge")
)


@dataclass(frozen=True)
class Figures:
    """What one publication took.

    Attributes:
        seconds: From opening the file to its being closed.
        peak: Bytes resident at the most in its process, the interpreter and libraries included.
        written: Bytes written to the file and its write-ahead log, spilled ones excluded.
        spilled: Bytes written to DuckDB's temporary directory.
        size: Bytes stored afterwards.
        cpu: Seconds of all processors.
        files: How many files hold rows afterwards.
    """

    seconds: float
    peak: int
    written: int
    spilled: int
    size: int
    cpu: float = 0
    files: int = 1


FIRST = "first"
"""What a sync into an empty file is called among the shares of rows that changed."""


@dataclass(frozen=True)
class Measure:
    """One case, by its median; memory by its highest.

    Attributes:
        rows: Rows of the table.
        changed: Percent of them that changed, or `first`.
        way: How they were written.
        days: Daily snapshots; 1: a single sync after the first one; 0: the whole program.
        rounds: How often it was measured.
        figures: What it took; for several days the last one's.
        place: The kind of place that they were written to.
    """

    rows: int
    changed: str
    way: Way
    days: int
    rounds: int
    figures: Figures
    place: str = FILE

    @property
    def case(self) -> tuple[object, ...]:
        """What was measured, without the outcome."""
        return self.rows, self.changed, self.way, self.days, self.place


def stage(folder: Path, rows: int, day: int, percent: float, further_fields: int = 0) -> Path:
    """Stages the subscribers as they are on a day, where so many percent change daily."""
    folder.mkdir(parents=True)
    period = round(100 / percent) if percent else 0
    version = f"({day} + n % {period}) // {period}" if period else "0"
    further = "".join(_FURTHER.format(n=number) for number in range(further_fields))
    path = folder / f"{TABLE}.rows.ndjson"
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute(
            _STAGE.format(lists=LISTS, version=version, rows=rows, path=path, further=further)
        )
        connection.execute(
            f"copy (select n as read, {{'ClientID': 'client', 'ListID': md5(n::varchar)}} as parent"
            f" from range({LISTS}) numbers(n)) to '{folder / 'reads.ndjson'}' (format json)"
        )
    return folder


def sync(
    place: Place, staged: Path, rows: int, day: int, way: Way, privacy: Privacy = KEEP_ALL
) -> Figures:
    """Publishes what was staged, in a process of its own."""
    figures = apart(_sync, place.settings, staged, rows, day, way, privacy)
    size, files = place.stored()
    return replace(figures, size=size, files=files)


def apart(work: Callable[..., T], *arguments: object) -> T:
    """Does work in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(work, *arguments).result()


def _sync(
    told: Mapping[str, Any], folder: Path, rows: int, day: int, way: Way, privacy: Privacy
) -> Figures:
    with _spilling() as spill:
        settings = WarehouseSettings(
            **told,
            connection_config={"temp_directory": str(spill)} if spill else {},
            write_strategy=way.strategy,
            history=[TABLE] if way.history else [],
        )
        target, before = Database.of(settings), _io()
        rows_path = folder / f"{TABLE}.rows.ndjson"
        started, worked = time.perf_counter(), time.process_time()
        staged = Staged(
            table=CATALOGUE[TABLE],
            synced_at=_FIRST_DAY + timedelta(days=day),
            reading=begin_reading(target, "campaign_monitor"),
            rows_path=rows_path,
            reads_path=folder / "reads.ndjson",
            reported=rows,
            rows=rows,
            longest_row=max(1000, 2 * rows_path.stat().st_size // rows),
        )
        target.write(
            lambda connection: publish(
                connection,
                staged,
                TableName("campaign_monitor", TABLE),
                run_id=str(day),
                settings=replace(settings.publish_settings(TABLE), privacy=privacy),
            ),
            rows=Rows(staged.average_row, staged.longest_row),
        )
        seconds, cpu = time.perf_counter() - started, time.process_time() - worked
    after = _io()
    stored = after["write_bytes"] - before["write_bytes"]
    handed_over = after["wchar"] - before["wchar"]
    return Figures(
        seconds=seconds,
        peak=_peak(),
        written=stored,
        spilled=max(handed_over - stored, 0),
        size=0,
        cpu=cpu,
    )


@contextmanager
def _spilling() -> Iterator[Path | None]:
    """A folder in memory for what DuckDB spills, so that it isn't counted among what is stored."""
    if not _MEMORY.is_dir():
        yield None
        return
    folder = Path(tempfile.mkdtemp(dir=_MEMORY))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _peak() -> int:
    """Bytes resident at the most. The kernel's `ru_maxrss` would be that of whoever started it."""
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) * 1024


def _io() -> dict[str, int]:
    """What this process has written: `wchar` to anything, `write_bytes` to disks."""
    told = Path("/proc/self/io").read_text()
    return {name: int(number) for name, number in re.findall(r"(\w+): (\d+)", told)}
