"""Runs the readers over a workload and keeps what was measured."""

import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from campaign_monitor_assets import cli, sandbox
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.benchmarks import truth
from campaign_monitor_assets_tests.benchmarks.processes import (
    environment_of,
    measured,
    wait_for_quiet,
)
from campaign_monitor_assets_tests.benchmarks.readers import (
    BUILD,
    OURS,
    UNCHECKED,
    Reader,
)
from campaign_monitor_assets_tests.benchmarks.workloads import Workload

HOME_SETTINGS = Path(cli.__file__).with_name("dagster.yaml")
"""The settings of a Dagster home that `make sync` makes; every Dagster run here has them."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One reader over one workload; the median where it ran several times.

    Attributes:
        part: The workload's part.
        reader: The reader's name.
        lists: The workload's lists.
        rows: The workload's subscribers.
        clients: The workload's clients.
        latency: The workload's seconds before an answer.
        rate: The workload's limit of requests a second.
        repeats: How often the reader ran.
        wall: Seconds from the start of the process to its end.
        cpu: Seconds of all processors.
        peak: Bytes resident at the most.
        requests: Requests sent, refused ones too.
        refused: Requests answered with 429.
        fetching: Seconds that the tables' fetching took; None: the reader doesn't tell.
        others: Processors that were busy with other things meanwhile, the sandbox included.
        right: Whether the rows are those that the sandbox holds; None: it brings no rows.
    """

    part: str
    reader: str
    lists: int
    rows: int
    latency: float
    rate: int
    repeats: int
    wall: float
    cpu: float
    peak: int
    requests: int
    refused: int
    fetching: float | None
    others: float
    right: bool | None
    clients: int = 1


def measure(
    workload: Workload,
    most_repeats: int,
    *,
    patience: float = 0,
    say: Callable[[str], None] = print,
) -> list[Measure]:
    """Starts a sandbox and lets each reader read it, in turns, so that all see the same machine.

    Args:
        workload: What is read.
        most_repeats: How often each reader runs at the most.
        patience: Seconds to wait, before each run, for other programs to leave the processors.
        say: Told of each run.
    """
    pythons = {each.name: each.python for each in workload.readers}
    BUILD.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[Measure]] = {each.name: [] for each in workload.readers}
    with (
        sandbox.start(*workload.options) as box,
        tempfile.TemporaryDirectory(dir=BUILD, prefix="truth-") as folder,
    ):
        held = truth.of_sandbox(box, workload.rows, Path(folder))
        repeats = min(workload.repeats, most_repeats)
        for turn in range(repeats):
            for reader in workload.readers:
                if turn < reader.most_repeats:
                    wait_for_quiet(patience)
                    one = _run(reader, pythons[reader.name], workload, box, held)
                    found[reader.name].append(one)
                    say(_line(one))
    return [_median(measures) for measures in found.values() if measures]


def _run(
    reader: Reader, python: str, workload: Workload, box: Sandbox, held: truth.Fingerprint
) -> Measure:
    box.reset()
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="run-") as folder:
        home, database = Path(folder), Path(folder) / "benchmark.duckdb"
        environment = environment_of(box, home, database)
        shutil.copy(HOME_SETTINGS, home)
        usage = measured([python, *reader.command], environment, home / "log.txt")
        statuses = box.requests()["statuses"]
        right = fetching = None
        if reader.columns is not None:
            right = truth.of_database(database, reader, workload.rows).agrees(held)
        if reader in (OURS, UNCHECKED):
            fetching = _fetching(database)
    return Measure(
        part=workload.part,
        reader=reader.name,
        lists=workload.lists,
        rows=workload.rows,
        latency=workload.latency,
        rate=workload.rate,
        repeats=1,
        wall=usage.wall,
        cpu=usage.cpu,
        peak=usage.peak,
        requests=sum(statuses.values()),
        refused=statuses.get("429", 0),
        fetching=fetching,
        others=usage.others,
        right=right,
        clients=workload.clients,
    )


def _fetching(database: Path) -> float:
    with duckdb.connect(str(database), read_only=True) as connection:
        row = connection.execute("select sum(seconds) from campaign_monitor.sync_log").fetchone()
    assert row is not None
    return float(row[0])


def _median(measures: Iterable[Measure]) -> Measure:
    """The run whose time is the middle one, so that its figures belong together."""
    ordered = sorted(measures, key=lambda one: one.wall)
    middle = ordered[len(ordered) // 2]
    # A reader that loses rows once loses rows.
    right = False if any(one.right is False for one in ordered) else middle.right
    return replace(middle, repeats=len(ordered), right=right, peak=max(o.peak for o in ordered))


def _line(one: Measure) -> str:
    rows = {True: "all rows right", False: "ROWS DIFFER", None: "no rows"}[one.right]
    return (
        f"{one.part} {one.reader}: {one.lists} lists, {one.rows} rows: {one.wall:.2f} s,"
        f" {one.cpu:.2f} s CPU, {one.peak / 1e6:.0f} MB, {one.requests} requests"
        f" ({one.refused} refused), {rows}; {one.others:.2f} processors busy otherwise"
    )
