"""A snapshot a day: what a place holds afterwards, and what it takes to write and to read it."""

import shutil
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from campaign_monitor_assets.warehouse import maintenance
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.target import Database
from campaign_monitor_assets_tests.benchmarks.places import FILE, Place
from campaign_monitor_assets_tests.benchmarks.syncs import (
    TABLE,
    Figures,
    Way,
    apart,
    stage,
    sync,
)

MERGE = Way("merge", history=False)
_QUERY = f"select count(*), count(distinct EmailAddress) from campaign_monitor.{TABLE}"
_AT_EACH_END = 3
"""Days whose median stands for the first or the last."""


@dataclass(frozen=True)
class Stand:
    """What a place holds.

    Attributes:
        size: Bytes.
        files: Files that hold rows.
        cpu: Seconds of all processors to count the rows and their addresses.
        seconds: How long that takes.
    """

    size: int
    files: int
    cpu: float
    seconds: float


@dataclass(frozen=True)
class Days:
    """A snapshot a day into one place.

    Attributes:
        rows: Rows of the table.
        changed: Percent of them that changed each day.
        place: The kind of place.
        days: How many.
        first: What it holds after the first.
        last: What it holds after the last.
        kept: What it holds after maintenance.
        early: Seconds of all processors for a snapshot after the first.
        late: Those for one of the last.
        maintenance: Seconds of all processors for maintenance.
    """

    rows: int
    changed: str
    place: str
    days: int
    first: Stand
    last: Stand
    kept: Stand
    early: float
    late: float
    maintenance: float

    @property
    def case(self) -> tuple[object, ...]:
        """What was measured, without the outcome."""
        return self.rows, self.changed, self.place, self.days

    @property
    def stands(self) -> tuple[Stand, Stand, Stand]:
        """After the first day, after the last, and after maintenance."""
        return self.first, self.last, self.kept


def daily(
    folder: Path, rows: int, percent: float, days: int, places: Mapping[str, Place]
) -> Iterator[Days]:
    """Writes a snapshot a day, of which so many percent of the rows changed, into each place."""
    figures: dict[str, list[Figures]] = {kind: [] for kind in places}
    first: dict[str, Stand] = {}
    for day in range(days):
        staged = stage(folder / "staged", rows, day, percent)
        for kind, place in places.items():
            figures[kind].append(sync(place, staged, rows, day, MERGE))
            if not day:
                first[kind] = _stand(place)
        shutil.rmtree(staged)
    for kind, place in places.items():
        last, took = _stand(place), 0.0
        if kind != FILE:
            took = apart(_maintain, place.settings)
        cpus = [one.cpu for one in figures[kind][1:]]
        yield Days(
            rows=rows,
            changed=f"{percent:g}",
            place=kind,
            days=days,
            first=first[kind],
            last=last,
            kept=_stand(place) if kind != FILE else last,
            early=statistics.median(cpus[:_AT_EACH_END]),
            late=statistics.median(cpus[-_AT_EACH_END:]),
            maintenance=took,
        )
        place.remove()


def _stand(place: Place) -> Stand:
    size, files = place.stored()
    cpu, seconds = apart(_read, place.settings)
    return Stand(size, files, cpu, seconds)


def _read(told: Mapping[str, Any]) -> tuple[float, float]:
    database = Database.of(WarehouseSettings(**told))
    with database.connect(read_only=True) as connection:
        started, worked = time.perf_counter(), time.process_time()
        connection.execute(_QUERY).fetchall()
        return time.process_time() - worked, time.perf_counter() - started


def _maintain(told: Mapping[str, Any]) -> float:
    """As if all days were long ago: nothing of them is kept, and no file waits for a day."""
    maintenance._LEAST_AGE = timedelta()  # type: ignore[misc]  # noqa: SLF001
    # The first run takes the snapshots, and a later one the files that only they had.
    for _ in range(2):
        maintenance.maintain(Database.of(WarehouseSettings(**told)), keep=timedelta())
    return time.process_time()
