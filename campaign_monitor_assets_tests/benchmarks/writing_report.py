"""The results of the benchmark of writing, as Markdown."""

import os
from collections.abc import Iterator, Sequence
from importlib.metadata import version

from campaign_monitor_assets_tests.benchmarks.markdown import (
    heads,
    megabytes,
    percent,
    row,
    share,
)
from campaign_monitor_assets_tests.benchmarks.syncs import FIRST, WAYS, Measure, Way
from campaign_monitor_assets_tests.benchmarks.whole import WHOLE

_INTRODUCTION = """# What writing a snapshot costs

Written by `python -m campaign_monitor_assets_tests.benchmarks.writing`; run it to measure your own
machine, or a part of it (`--help`).

Subscribers with three custom fields, staged once for each case, are published by the product's own
`publish` with the settings that a user has by default, each in a process of its own and in turns.
A share of rows that changed is spread evenly over the table. Figures are medians, memory is the
highest. `first` is the sync into an empty file.

* **time**: of loading, verifying and writing, without the API.
* **processors**: seconds of all processors meanwhile, which other work on the machine changes
  little; × is of these, against merge of the same case.
* **peak**: resident memory of the whole process at the most. Dagster, which is not in it, and the
  pages under way take some 100 MB more.
* **written**: bytes written to the file and its write-ahead log (`write_bytes` of `/proc/self/io`;
  what DuckDB spills goes to a folder in memory meanwhile, and is given by itself).
* **file**: its size afterwards.
"""


def text(measures: Sequence[Measure]) -> str:
    """All of WRITING.md."""
    machine = f"Measured on {os.cpu_count()} cores, duckdb {version('duckdb')}.\n"
    return "\n".join(
        [_INTRODUCTION, machine, *_single(measures), *_daily(measures), *_whole(measures)]
    )


def _single(measures: Sequence[Measure]) -> Iterator[str]:
    ones = [one for one in measures if one.days == 1]
    for rows in sorted({one.rows for one in ones}):
        of_rows = {(one.changed, one.way): one for one in ones if one.rows == rows}
        yield f"## {rows:,} rows\n"
        yield from heads(
            *("changed", "how", "time", "processors", "×"),
            *("peak", "written", "spilled", "file", "runs"),
        )
        for changed in sorted({changed for changed, _ in of_rows}, key=share):
            for way in WAYS:
                if one := of_rows.get((changed, way)):
                    merge = of_rows.get((changed, Way("merge", way.history)), one)
                    figures = one.figures
                    yield row(
                        percent(changed),
                        str(way),
                        f"{figures.seconds:.1f} s",
                        f"{figures.cpu:.1f} s",
                        f"{figures.cpu / merge.figures.cpu:.2f}",
                        *map(megabytes, (figures.peak, figures.written, figures.spilled)),
                        megabytes(figures.size),
                        str(one.rounds),
                    )
        yield ""


def _daily(measures: Sequence[Measure]) -> Iterator[str]:
    ones = [one for one in measures if one.days > 1]
    firsts = {
        (one.rows, one.way): one for one in measures if one.changed == FIRST and one.days == 1
    }
    for rows, days in sorted({(one.rows, one.days) for one in ones}):
        yield f"## The file after {days} daily snapshots of {rows:,} rows\n"
        yield from heads(
            "changed a day", "how", "file", "× the first day's", "peak of the last day"
        )
        for one in sorted(ones, key=lambda each: share(each.changed)):
            if (one.rows, one.days) == (rows, days):
                first = firsts.get((rows, one.way))
                size = one.figures.size
                yield row(
                    percent(one.changed),
                    str(one.way),
                    megabytes(size),
                    f"{size / first.figures.size:.2f}" if first else "",
                    megabytes(one.figures.peak),
                )
        yield ""


def _whole(measures: Sequence[Measure]) -> Iterator[str]:
    ones = [one for one in measures if one.days == WHOLE]
    for rows in sorted({one.rows for one in ones}):
        yield f"## The whole program: {rows:,} subscribers, with history\n"
        yield from heads("changed", "time", "peak", "file")
        for one in ones:
            if one.rows == rows:
                yield row(
                    percent(one.changed),
                    f"{one.figures.seconds:.0f} s",
                    megabytes(one.figures.peak),
                    megabytes(one.figures.size),
                )
        yield ""
