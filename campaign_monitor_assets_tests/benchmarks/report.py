"""Writes what was measured: Markdown, and a plot of the cost as it grows."""

import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec
import psutil

from campaign_monitor_assets_tests.benchmarks.measures import Measure
from campaign_monitor_assets_tests.benchmarks.readers import (
    ELEVEN,
    EMPTY,
    OURS,
    PROGRAMS,
    READERS,
    interpreter,
)
from campaign_monitor_assets_tests.benchmarks.targets import Target, fewest_requests, targets
from campaign_monitor_assets_tests.benchmarks.workloads import PARTS

_PLOT = "growth.svg"
_PLOT_REQUIREMENTS = ("matplotlib==3.11.2",)
_GROWTH = ("rows", "lists")

_INTRODUCTION = """# How fast it is

Written by `make bench`; run it to measure your own machine. A part of it, say the first two:
`python -m campaign_monitor_assets_tests.benchmarks --only W1 W2`.

Every reader brings clients, lists and active subscribers of a sandbox into a DuckDB file. Each is
measured as a whole process with everything it starts: the time from its start to its end, the CPU
time of all its processes (user and system), and the most memory that was resident at once. The
sandbox is a process of its own on the same machine; its answers are rendered beforehand. All
readers of a table ran in the same run, in turns; what ran several times is given by its median run,
memory by its highest. Rows are compared with the sandbox's: how many, of which subscribers, and
their address, date and custom fields; of more than a million, how many of which subscribers. Views
are off, which no peer has; asset checks are on, and there is a line without them, since no peer has
any. "Others" is how many processors were busy with something else meanwhile, the sandbox included.

Where all eleven tables are read, the command is the user's own,
`python -m campaign_monitor_assets.cli sync`, with the settings of a new project, all checks and no
views; the next line is the same command without a selection, that is fourteen tables and the views.
Requests are those that the sandbox counted.

Of the time of an empty run, importing Dagster and its storage is more than half. What `sync`, `make
dev` and `dagster asset materialize` import beyond that takes about a fifth as long
(`python -X importtime`): DuckDB, requests and urllib3, tenacity, msgspec, Jinja for the YAML and
this package; NumPy where a list has more than 5,000 rows; pandas, polars and pyarrow where an asset
of the user's takes them; gRPC where a run of a code server may be lost.
"""


def write(measures: Sequence[Measure], folder: Path) -> list[Target]:
    """Writes RESULTS.md and, where growth was measured, the plot; returns the targets."""
    folder.mkdir(parents=True, exist_ok=True)
    judged = targets(measures)
    lines = [
        _INTRODUCTION,
        _machine(),
        "",
        *_targets(judged),
        *(line for part in PARTS for line in _part(part, measures)),
    ]
    if any(one.part in _GROWTH for one in measures):
        _plot(measures, folder / _PLOT)
        lines += [f"![Time and memory as rows and lists grow]({_PLOT})", ""]
    (folder / "RESULTS.md").write_text("\n".join(lines))
    return judged


def _machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in ("dagster", "duckdb", "requests"))
    return (
        f"Measured on {os.cpu_count()} cores with {memory:.0f} GiB of memory,"
        f" {platform.system()} {platform.machine()}, Python {platform.python_version()},"
        f" {versions}; dlt as pinned in `readers.py`, the rest as in `constraints.txt`."
    )


def _targets(judged: Sequence[Target]) -> Iterator[str]:
    yield "## Targets\n"
    yield from _table(
        ["target", "at most", "measured", ""],
        [
            [
                one.name,
                _number(one.most, one.unit),
                _number(one.measured, one.unit),
                "met" if one.met else "**missed**",
            ]
            for one in judged
        ],
    )


def _part(part: str, measures: Sequence[Measure]) -> Iterator[str]:
    of_part = [one for one in measures if one.part == part]
    if not of_part:
        return
    yield f"## {part}: {PARTS[part]}\n"
    yield from _growth(of_part) if part in _GROWTH else _comparison(of_part)


def _comparison(measures: Sequence[Measure]) -> Iterator[str]:
    by_name = {one.reader: one for one in measures}
    ours = by_name.get(OURS.name) or by_name.get(ELEVEN.name)
    yield from _table(
        [
            "reader",
            "time",
            "÷ ours",
            "fetching",
            "CPU",
            "peak",
            "requests",
            "refused",
            "rows",
            "runs",
            "others",
        ],
        [
            [
                READERS[name].title,
                f"{one.wall:.1f} s",
                f"{one.wall / ours.wall:.1f}" if ours and name != EMPTY.name else "",
                "" if one.fetching is None else f"{one.fetching:.2f} s",
                f"{one.cpu:.1f} s",
                f"{one.peak / 1e6:,.0f} MB",
                str(one.requests),
                str(one.refused),
                _verdict(one),
                str(one.repeats),
                f"{one.others:.1f}",
            ]
            for name in READERS
            if (one := by_name.get(name))
        ],
    )


def _growth(measures: Sequence[Measure]) -> Iterator[str]:
    yield from _table(
        [
            "lists",
            "rows",
            "time",
            "CPU",
            "peak",
            "requests",
            "fewest",
            "rows compared",
            "runs",
            "others",
        ],
        [
            [
                f"{one.lists:,}",
                f"{one.rows:,}",
                f"{one.wall:.1f} s",
                f"{one.cpu:.1f} s",
                f"{one.peak / 1e6:,.0f} MB",
                f"{one.requests:,}",
                f"{fewest_requests(one):,}",
                _verdict(one),
                str(one.repeats),
                f"{one.others:.1f}",
            ]
            for one in measures
        ],
    )


def _verdict(one: Measure) -> str:
    return {True: "all right", False: "**differ**", None: ""}[one.right]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for cells in (heads, ["---"] * len(heads), *rows):
        yield f"| {' | '.join(cells)} |"
    yield ""


def _number(value: float, unit: str) -> str:
    number = f"{value:.0f}" if value == int(value) else f"{value:.2f}"
    return f"{number} {unit}".rstrip()


def _plot(measures: Sequence[Measure], path: Path) -> None:
    python = interpreter("plot", _PLOT_REQUIREMENTS)
    points = msgspec.json.encode([one for one in measures if one.part in _GROWTH])
    subprocess.run([python, PROGRAMS / "plot.py", path], input=points, check=True)
