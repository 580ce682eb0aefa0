"""How long the views take over millions of rows, in the default memory and in more.

`python -m campaign_monitor_assets_tests.benchmarks.views` writes VIEWS.md; `--rows 100000` measures
fewer rows, `--views list_overlap` some of the views.
"""

import argparse
import multiprocessing
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psutil

from campaign_monitor_assets.analytics import ALL_VIEWS
from campaign_monitor_assets.analytics.create import create_view
from campaign_monitor_assets.analytics.custom_fields import LIST_CUSTOM_FIELD_VIEWS
from campaign_monitor_assets.analytics.relations import Place, declared
from campaign_monitor_assets.errors import MemoryLimitError
from campaign_monitor_assets.warehouse.quoting import identifier
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.target import Database
from campaign_monitor_assets_tests.benchmarks import large_account
from campaign_monitor_assets_tests.benchmarks.processes import wait_for_quiet
from campaign_monitor_assets_tests.benchmarks.readers import BUILD, PAGES

DEFAULT: Final[str] = WarehouseSettings.model_fields["memory_limit"].default

_MEASURED: Final = ("time", "processors", "peak")
_MADE_WITH: Final = "4GB"
_SCHEMAS: Final = (large_account.SCHEMA, f"{large_account.SCHEMA}_analytics")

_INTRODUCTION: Final = """# How long the views take

Written by `python -m campaign_monitor_assets_tests.benchmarks.views`; run it to measure your own
machine, or a part of it (`--help`).

A made-up account: {rows:,} rows of subscribers in all three states, some of whom are on several
lists, the history of these tables, {rows:,} recipients and as many opens, a fifth as many clicks,
{campaigns} campaigns and {lists} lists. Each view is read whole, every column of every row, in a
process of its own that has just started. Time is by the clock, "processors" the time of all of
them, which other work on the machine hardly changes. Memory is the process's, Python included.
"""


@dataclass(frozen=True)
class Figures:
    """What it took to read a view.

    Attributes:
        rows: The rows that it has; None: the memory did not suffice.
        seconds: By the clock.
        cpu: Seconds of all processors.
        peak: Bytes resident at the most in the process.
    """

    rows: int | None
    seconds: float
    cpu: float
    peak: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what is asked for and writes the results."""
    parser = argparse.ArgumentParser(
        prog="python -m campaign_monitor_assets_tests.benchmarks.views", description=__doc__
    )
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=1, help="of each; the median counts")
    parser.add_argument("--views", nargs="*", default=list(ALL_VIEWS), choices=list(ALL_VIEWS))
    parser.add_argument("--limits", nargs="*", default=[DEFAULT, "2GB"], help="memory_limit")
    parser.add_argument("--patience", type=float, default=60, help="seconds to wait for quiet")
    parser.add_argument("--output", type=Path, default=PAGES)
    chosen = parser.parse_args(arguments)
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="views-") as folder:
        database = Path(folder) / "account.duckdb"
        _make(database, chosen.rows)
        lines = list(_table(database, chosen))
    introduction = _INTRODUCTION.format(
        rows=chosen.rows, campaigns=large_account.CAMPAIGNS, lists=large_account.LISTS
    )
    machine = (
        f"Measured on {os.cpu_count()} cores with a load average of {psutil.getloadavg()[2]:.0f},"
        f" duckdb {version('duckdb')}.\n"
    )
    text = "\n".join([introduction, machine, *lines, ""])
    chosen.output.mkdir(parents=True, exist_ok=True)
    (chosen.output / "VIEWS.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


def _make(database: Path, rows: int) -> None:
    target = Database.of(WarehouseSettings(database=str(database), memory_limit=_MADE_WITH))
    target.write(lambda connection: large_account.make(connection, rows))
    with target.connect() as connection:
        place = Place(connection, *_SCHEMAS)
        connection.execute(f"create schema {identifier(place.views)}")
        for view in ALL_VIEWS.values():
            if view is LIST_CUSTOM_FIELD_VIEWS:
                create_view(place, view)
                continue
            # To make one properly reads it, too.
            sql = declared(view, place.relations(view))
            connection.execute(f"create view {place.of(view.name).quoted} as {sql}")


def _table(database: Path, chosen: argparse.Namespace) -> Iterator[str]:
    """The measures, in Markdown."""
    heads = [f"{limit}: {what}" for limit in chosen.limits for what in _MEASURED]
    yield f"| view | rows | {' | '.join(heads)} |"
    yield f"| --- |{' --- |' * (len(heads) + 1)}"
    for view in chosen.views:
        wait_for_quiet(chosen.patience)
        cells: list[str] = []
        rows: set[str] = set()
        for limit in chosen.limits:
            found = [_measure(database, view, limit) for _ in range(chosen.rounds)]
            print(view, limit, found, flush=True)
            rows |= {f"{one.rows:,}" for one in found if one.rows is not None}
            cells += _cells(found)
        yield f"| `{view}` | {' or '.join(rows)} | {' | '.join(cells)} |"


def _cells(found: Sequence[Figures]) -> list[str]:
    if any(one.rows is None for one in found):
        return ["memory does not suffice", "", ""]
    seconds = statistics.median(one.seconds for one in found)
    cpu = statistics.median(one.cpu for one in found)
    peak = max(one.peak for one in found) / 1e6
    return [f"{seconds:.1f} s", f"{cpu:.1f} s", f"{peak:,.0f} MB"]


def _measure(database: Path, view: str, limit: str) -> Figures:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_read, database, view, limit).result()


def _read(database: Path, view: str, limit: str) -> Figures:
    settings = WarehouseSettings(database=str(database), memory_limit=limit)
    started, worked = time.perf_counter(), time.process_time()
    rows: int | None = None
    try:
        with Database.of(settings).connect(read_only=True) as connection:
            name = Place(connection, *_SCHEMAS).of(view).quoted
            query = f"select count(*), bit_xor(hash(row)) from {name} row"
            [(rows, _)] = connection.execute(query).fetchall()
    except MemoryLimitError as error:
        print(error, flush=True)
    return Figures(
        rows=rows,
        seconds=time.perf_counter() - started,
        cpu=time.process_time() - worked,
        peak=_peak(),
    )


def _peak() -> int:
    # What `resource` tells counts in what the process that started this one held.
    [told] = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(told) * 1024


if __name__ == "__main__":
    sys.exit(main())
