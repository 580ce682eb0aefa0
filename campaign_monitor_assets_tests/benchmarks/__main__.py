"""Runs the benchmark, or a part of it: `python -m campaign_monitor_assets_tests.benchmarks`."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from campaign_monitor_assets_tests.benchmarks import report
from campaign_monitor_assets_tests.benchmarks.measures import Measure, measure
from campaign_monitor_assets_tests.benchmarks.readers import BUILD, PAGES, READERS
from campaign_monitor_assets_tests.benchmarks.workloads import PARTS, WORKLOADS, Workload

_QUICK = 20_000


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m campaign_monitor_assets_tests.benchmarks",
        description="Measures the reader and its peers. All of it takes about 20 minutes; the parts"
        " that are not run keep the figures that they had.",
    )
    add = parser.add_argument
    parts = "; ".join(f"{name}: {title}" for name, title in PARTS.items())
    add("--only", nargs="+", choices=list(PARTS), default=list(PARTS), help=parts)
    add("--readers", nargs="+", choices=list(READERS), default=list(READERS), help="who reads")
    add("--rows", type=int, help="the most rows of a workload; others are cut down")
    add("--repeats", type=int, default=5, help="how often a reader runs at the most")
    add(
        "--patience", type=float, default=10, help="seconds to wait for an idle machine at the most"
    )
    add("--quick", action="store_true", help=f"as --rows {_QUICK} --repeats 1: does it work at all")
    add(
        "--output",
        type=Path,
        help="where RESULTS.md is written; by default in docs/benchmarks, or below build where"
        " workloads were cut down",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what is asked for and writes the results."""
    chosen = options(arguments)
    rows = chosen.rows or (_QUICK if chosen.quick else None)
    output = chosen.output or (BUILD / "cut-down" if rows else PAGES)
    kept = (BUILD if output == PAGES else output) / "measures.json"
    measures = _load(kept)
    for workload in _workloads(chosen, rows):
        repeats = 1 if chosen.quick else chosen.repeats
        fresh = measure(workload, repeats, patience=0 if chosen.quick else chosen.patience)
        measures = _merged(measures, fresh)
        kept.write_bytes(msgspec.json.encode(measures))
    judged = report.write(measures, output)
    for target in judged:
        verdict = "met" if target.met else "MISSED"
        print(f"{verdict}: {target.name}: {target.measured:.2f} of {target.most:.2f} {target.unit}")
    print(f"Written: {output / 'RESULTS.md'}")
    return 0


def _workloads(chosen: argparse.Namespace, rows: int | None) -> list[Workload]:
    workloads = [
        replace(
            workload,
            readers=tuple(each for each in workload.readers if each.name in chosen.readers),
        )
        for workload in WORKLOADS
        if workload.part in chosen.only
    ]
    return [each.limited(rows) for each in workloads] if rows else workloads


def _load(path: Path) -> list[Measure]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return msgspec.json.decode(path.read_bytes(), type=list[Measure]) if path.exists() else []


def _merged(old: Sequence[Measure], fresh: Sequence[Measure]) -> list[Measure]:
    """The measures with the fresh ones in the place of those of the same run."""

    def run(one: Measure) -> tuple[object, ...]:
        return one.part, one.reader, one.lists, one.rows

    found = {run(one): one for one in [*old, *fresh]}
    order = {part: place for place, part in enumerate(PARTS)}
    return sorted(found.values(), key=lambda one: (order[one.part], one.rows, one.lists))


if __name__ == "__main__":
    sys.exit(main())
