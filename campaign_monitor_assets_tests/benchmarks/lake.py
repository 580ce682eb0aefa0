"""What a DuckLake costs beside a DuckDB file: one snapshot, and one a day for a month.

`python -m campaign_monitor_assets_tests.benchmarks.lake` measures all of it, which takes hours;
`--rows 100000 --changed 0 1 --days 0` a part. Parts that are not run keep their figures.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from campaign_monitor_assets_tests.benchmarks import lake_report
from campaign_monitor_assets_tests.benchmarks.lake_days import MERGE, Days, daily
from campaign_monitor_assets_tests.benchmarks.lakes import KINDS, places
from campaign_monitor_assets_tests.benchmarks.places import Place
from campaign_monitor_assets_tests.benchmarks.readers import BUILD, PAGES
from campaign_monitor_assets_tests.benchmarks.syncs import Measure, Way
from campaign_monitor_assets_tests.benchmarks.turns import MANY, Turn, single

T = TypeVar("T", Measure, Days)

_HISTORY, _REPLACE = Way("merge", history=True), Way("replace", history=False)
_WAYS: Final = {"history": _HISTORY, "replace": _REPLACE}
_CASES: Final[dict[Way, tuple[float | None, ...]]] = {_HISTORY: (None, 1), _REPLACE: (1,)}
"""What is measured of the ways that are not measured always; None: the first sync."""
_FURTHER_FIELDS = 30


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m campaign_monitor_assets_tests.benchmarks.lake", description=__doc__
    )
    add = parser.add_argument
    add("--places", nargs="+", choices=list(KINDS), default=list(KINDS), help=str(KINDS))
    add("--ways", nargs="*", choices=list(_WAYS), default=list(_WAYS), help="beside merge")
    add("--rows", type=int, nargs="*", default=[100_000, 1_000_000, 5_000_000])
    add("--changed", type=float, nargs="*", default=[0, 1, 10, 100], help="percent of rows")
    add("--rounds", type=int, default=3, help="how often each is measured; the largest once")
    add("--days", type=int, default=30, help="daily snapshots; 0: leave them out")
    add("--daily-rows", type=int, nargs="*", default=[100_000, 1_000_000])
    add("--daily-changed", type=float, nargs="*", default=[1, 10])
    add("--wide-rows", type=int, default=1_000_000, help="rows with 30 custom fields more; or 0")
    add("--output", type=Path, default=PAGES, help="the folder of LAKE.md")
    return parser.parse_args(arguments)


class Kept(msgspec.Struct):
    """What was measured so far."""

    syncs: list[Measure] = []
    days: list[Days] = []
    wide: list[Measure] = []


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what is asked for and writes the results."""
    chosen = options(arguments)
    path = (BUILD if chosen.output == PAGES else chosen.output) / "lake.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = msgspec.json.decode(path.read_bytes(), type=Kept) if path.exists() else Kept()
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="lake-") as folder:
        for fresh in _measures(chosen, Path(folder)):
            print(fresh, flush=True)
            if isinstance(fresh, Days):
                _put(kept.days, fresh)
            else:
                _put(kept.syncs, fresh)
            path.write_bytes(msgspec.json.encode(kept))
        for wide in _wide(chosen, Path(folder)):
            print(wide, flush=True)
            _put(kept.wide, wide)
            path.write_bytes(msgspec.json.encode(kept))
    chosen.output.mkdir(parents=True, exist_ok=True)
    (chosen.output / "LAKE.md").write_text(lake_report.text(kept.syncs, kept.days, kept.wide))
    return 0


def _put(known: list[T], fresh: T) -> None:
    known[:] = [one for one in known if one.case != fresh.case]
    known.append(fresh)


def _measures(chosen: argparse.Namespace, folder: Path) -> Iterator[Measure | Days]:
    with places(chosen.places, folder) as make:
        for rows in chosen.rows:
            rounds = chosen.rounds if rows < MANY else 1
            turns = _turns(chosen, make)
            yield from single(folder / "single", rows, chosen.changed, rounds, turns, _is_wanted)
        if chosen.days:
            for rows in chosen.daily_rows:
                for percent in chosen.daily_changed:
                    made = {kind: make(kind) for kind in chosen.places}
                    yield from daily(folder / "daily", rows, percent, chosen.days, made)


def _wide(chosen: argparse.Namespace, folder: Path) -> Iterator[Measure]:
    """Rows whose long custom fields take most of the memory."""
    if rows := chosen.wide_rows:
        with places(chosen.places, folder) as make:
            turns = {Turn(MERGE, kind): make(kind) for kind in chosen.places}
            yield from single(folder / "wide", rows, [1], 1, turns, further_fields=_FURTHER_FIELDS)


def _turns(chosen: argparse.Namespace, make: Callable[[str], Place]) -> dict[Turn, Place]:
    """Each place with each way; what is replaced was written as what is merged is."""
    merged = {kind: make(kind) for kind in chosen.places}
    found = {Turn(MERGE, kind): place for kind, place in merged.items()}
    for name in chosen.ways:
        for kind in chosen.places:
            place = make(kind) if name == "history" else merged[kind]
            found[Turn(_WAYS[name], kind)] = place
    return found


def _is_wanted(turn: Turn, percent: float | None) -> bool:
    return turn.way not in _CASES or percent in _CASES[turn.way]


if __name__ == "__main__":
    sys.exit(main())
