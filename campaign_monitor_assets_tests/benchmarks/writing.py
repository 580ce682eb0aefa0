"""What writing a snapshot costs: replace against merge, with and without history.

`python -m campaign_monitor_assets_tests.benchmarks.writing` measures all of it, which takes hours;
`--rows 100000 --changed 0 1 --days 0` a part. Parts that are not run keep their figures.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from campaign_monitor_assets_tests.benchmarks import whole, writing_report
from campaign_monitor_assets_tests.benchmarks.places import FilePlace, Place
from campaign_monitor_assets_tests.benchmarks.readers import BUILD, PAGES
from campaign_monitor_assets_tests.benchmarks.syncs import (
    WAYS,
    Figures,
    Measure,
    Way,
    stage,
    sync,
)
from campaign_monitor_assets_tests.benchmarks.turns import MANY, Turn, single


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m campaign_monitor_assets_tests.benchmarks.writing", description=__doc__
    )
    add = parser.add_argument
    add("--rows", type=int, nargs="*", default=[100_000, 1_000_000, 5_000_000])
    add("--changed", type=float, nargs="*", default=[0, 0.1, 1, 10, 100], help="percent of rows")
    add("--rounds", type=int, default=3, help="how often each is measured; the largest once")
    add("--days", type=int, default=30, help="daily snapshots of the growth; 0: leave it out")
    add("--daily-rows", type=int, default=1_000_000)
    add("--daily-changed", type=float, nargs="*", default=[0, 1, 10])
    add("--whole-rows", type=int, default=5_000_000, help="rows of whole syncs; 0: leave them out")
    add("--output", type=Path, default=PAGES, help="the folder of WRITING.md")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what is asked for and writes the results."""
    chosen = options(arguments)
    kept = (BUILD if chosen.output == PAGES else chosen.output) / "writing.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    measures = (
        {one.case: one for one in msgspec.json.decode(kept.read_bytes(), type=list[Measure])}
        if kept.exists()
        else {}
    )
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="writing-") as folder:
        for fresh in _measures(chosen, Path(folder)):
            print(fresh, flush=True)
            measures[fresh.case] = fresh
            kept.write_bytes(msgspec.json.encode(list(measures.values())))
    chosen.output.mkdir(parents=True, exist_ok=True)
    text = writing_report.text(list(measures.values()))
    (chosen.output / "WRITING.md").write_text(text)
    return 0


def _measures(chosen: argparse.Namespace, folder: Path) -> Iterator[Measure]:
    for rows in chosen.rows:
        within = folder / str(rows)
        places: dict[Turn, Place] = {Turn(way): FilePlace(within / f"{way}.duckdb") for way in WAYS}
        rounds = chosen.rounds if rows < MANY else 1
        yield from single(within, rows, chosen.changed, rounds, places)
        shutil.rmtree(within)
    if chosen.days:
        for percent in chosen.daily_changed:
            yield from _daily(folder / "daily", chosen.daily_rows, percent, chosen.days)
    if chosen.whole_rows:
        yield from whole.syncs(folder / "whole", chosen.whole_rows)


def _daily(folder: Path, rows: int, percent: float, days: int) -> Iterator[Measure]:
    """A snapshot a day, of which so many percent of the rows changed since the day before."""
    folder.mkdir()
    last: dict[Way, Figures] = {}
    for day in range(days):
        staged = stage(folder / "staged", rows, day, percent)
        for way in WAYS:
            last[way] = sync(FilePlace(folder / f"{way}.duckdb"), staged, rows, day, way)
        shutil.rmtree(staged)
    shutil.rmtree(folder)
    for way, figures in last.items():
        yield Measure(rows, f"{percent:g}", way, days, 1, figures)


if __name__ == "__main__":
    sys.exit(main())
