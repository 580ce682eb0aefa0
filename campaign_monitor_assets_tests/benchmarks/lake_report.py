"""The results of the benchmark of DuckLakes, as Markdown."""

import itertools
import os
from collections.abc import Iterator, Sequence
from importlib.metadata import version

from campaign_monitor_assets_tests.benchmarks.lake_days import Days, Stand
from campaign_monitor_assets_tests.benchmarks.lakes import KINDS
from campaign_monitor_assets_tests.benchmarks.markdown import (
    heads,
    megabytes,
    percent,
    row,
    share,
)
from campaign_monitor_assets_tests.benchmarks.places import FILE
from campaign_monitor_assets_tests.benchmarks.syncs import Measure

_INTRODUCTION = """# What a DuckLake costs

Written by `python -m campaign_monitor_assets_tests.benchmarks.lake`; run it to measure your own
machine, or a part of it (`--help`).

Subscribers with three custom fields, staged once for each case, are published by the product's own
`publish` with the settings that a user has by default, each in a process of its own and in turns:
into a DuckDB file, and into DuckLakes. A share of rows that changed is spread evenly over the
table. Figures are medians, memory is the highest. `first` is the sync into an empty place.

* **processors**: seconds of all processors in the process that publishes, with loading the
  extensions and attaching the lake. × is of these, against the file in the same case. What
  PostgreSQL and the S3 server do in processes of their own is not in it.
* **time**: by the clock, without the API. Other work on the machine makes it longer, so that it
  is no measure of anything but the order of magnitude.
* **peak**: resident memory of the whole process at the most, without Dagster.
* **stored**: bytes afterwards: the file, or the catalogue (in PostgreSQL what its database takes
  beyond an empty one) and all files, those of earlier snapshots too.
* **files**: Parquet files that are stored, those with deleted rows too.

> **Note:** S3 is moto's server, an imitation in Python on the same machine. It shows that the way
> works and what the publishing process does for it, not how fast a real one answers.
"""


def text(syncs: Sequence[Measure], days: Sequence[Days], wide: Sequence[Measure]) -> str:
    """All of LAKE.md."""
    machine = f"Measured on {os.cpu_count()} cores, duckdb {version('duckdb')}.\n"
    parts = (_syncs(syncs), _days(days), _syncs(wide, _WIDE))
    return "\n".join([_INTRODUCTION, machine, *itertools.chain(*parts)])


_WIDE = " with thirty more custom fields of 96 characters"


def _syncs(measures: Sequence[Measure], which: str = "") -> Iterator[str]:
    for rows in sorted({one.rows for one in measures}):
        ones = [one for one in measures if one.rows == rows]
        cases = {(one.changed, one.way, one.place): one for one in ones}
        yield f"## {rows:,} rows{which}\n"
        yield from heads(
            *("changed", "how", "where", "processors", "×"),
            *("time", "peak", "stored", "files", "runs"),
        )
        order = sorted(
            {(one.changed, one.way) for one in ones},
            key=lambda case: (share(case[0]), case[1].strategy, case[1].history),
        )
        for changed, way in order:
            for kind, title in KINDS.items():
                if one := cases.get((changed, way, kind)):
                    file = cases.get((changed, way, FILE), one).figures
                    yield row(
                        *(percent(changed), str(way), title),
                        *(f"{one.figures.cpu:.1f} s", f"{one.figures.cpu / file.cpu:.2f}"),
                        *(f"{one.figures.seconds:.1f} s", megabytes(one.figures.peak)),
                        *(megabytes(one.figures.size), f"{one.figures.files}", f"{one.rounds}"),
                    )
        yield ""


_DAYS = """After the days the maintenance ran twice, as if the last of them were long ago: earlier
snapshots are not kept (`keep_snapshots_days: 0`), and files that none needs are deleted by the
second run at once, not a day later. With the defaults a week of days stays.

* **a snapshot**: processors' seconds for one of the second to fourth day, and of the last three.
* **read**: processors' seconds, and time, to count rows and different addresses, once in a process
  of its own, attaching left out; after the first day, after the last, after maintenance.
"""


def _days(days: Sequence[Days]) -> Iterator[str]:
    if days:
        yield "## A snapshot a day\n"
        yield _DAYS
    for rows, number in sorted({(one.rows, one.days) for one in days}):
        ones = [one for one in days if (one.rows, one.days) == (rows, number)]
        yield f"### {number} days, {rows:,} rows\n"
        order = list(KINDS)
        ones.sort(key=lambda each: (share(each.changed), order.index(each.place)))
        yield from heads(
            *("changed a day", "where", "stored: first day", "last day", "after maintenance"),
            *("files: first day", "last day", "after maintenance"),
        )
        for one in ones:
            yield row(
                *(percent(one.changed), KINDS[one.place]),
                *(megabytes(stand.size) for stand in one.stands),
                *(f"{stand.files}" for stand in one.stands),
            )
        yield ""
        yield from heads(
            *("changed a day", "where", "a snapshot: early", "late", "×"),
            *("read: first day", "last day", "after maintenance", "maintenance"),
        )
        for one in ones:
            yield row(
                *(percent(one.changed), KINDS[one.place]),
                *(f"{one.early:.2f} s", f"{one.late:.2f} s", f"{one.late / one.early:.2f}"),
                *map(_read, one.stands),
                f"{one.maintenance:.1f} s" if one.place != FILE else "",
            )
        yield ""


def _read(stand: Stand) -> str:
    return f"{stand.cpu:.2f} s ({stand.seconds:.2f} s)"
