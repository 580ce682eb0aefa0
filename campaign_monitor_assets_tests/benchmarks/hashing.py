"""What `privacy` costs: a table published in the clear, with hashed addresses, and pseudonymously.

`python -m campaign_monitor_assets_tests.benchmarks.hashing` writes HASHING.md.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from campaign_monitor_assets.warehouse.privacy import Privacy
from campaign_monitor_assets.warehouse.privacy_settings import PrivacySettings
from campaign_monitor_assets_tests.benchmarks.places import FilePlace
from campaign_monitor_assets_tests.benchmarks.readers import BUILD, PAGES
from campaign_monitor_assets_tests.benchmarks.syncs import Figures, Way, stage, sync
from campaign_monitor_assets_tests.benchmarks.turns import MANY

_ENVIRONMENT: Final = {"CAMPAIGN_MONITOR_HASH_KEY": "a key of the benchmark, which is long enough"}

PLAIN: Final = "in the clear"

SETTINGS: Final[Mapping[str, PrivacySettings]] = {
    PLAIN: PrivacySettings(),
    "EmailAddress: hash": PrivacySettings(columns={"EmailAddress": "hash"}),
    "pseudonymous": PrivacySettings(preset="pseudonymous"),
}

_SYNCS: Final = {"first": 0, "unchanged": 0, "1 % changed": 1}
"""Syncs of one file after another, and the day on which the rows of each were staged."""

_INTRODUCTION = """# What privacy costs

Written by `python -m campaign_monitor_assets_tests.benchmarks.hashing`; run it to measure your own
machine, or a part of it (`--help`).

Subscribers with three custom fields are published with history and all else by default, each sync
in a process of its own and all settings in turns. Figures are medians, memory is the highest. × is
the processors' time against the same sync in the clear, which other work on the machine hardly
changes.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what is asked for and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000, 5_000_000])
    parser.add_argument("--rounds", type=int, default=3, help="of each; of many rows one")
    parser.add_argument("--output", type=Path, default=PAGES)
    chosen = parser.parse_args(arguments)
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="hashing-") as folder:
        tables = [
            line
            for rows in chosen.rows
            for line in _table(Path(folder), rows, chosen.rounds if rows < MANY else 1)
        ]
    machine = f"Measured on {os.cpu_count()} cores, duckdb {version('duckdb')}.\n"
    text = "\n".join([_INTRODUCTION, machine, *tables])
    (chosen.output / "HASHING.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


def _table(folder: Path, rows: int, rounds: int) -> Iterator[str]:
    """The measures of so many rows, in Markdown."""
    found = _measures(folder / str(rows), rows, rounds)
    yield f"## {rows:,} rows\n"
    yield "| sync | privacy | processors | × | time | peak | runs |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for sync_name in _SYNCS:
        plain = _median(found[sync_name, PLAIN], "cpu")
        for setting in SETTINGS:
            figures = found[sync_name, setting]
            cpu = _median(figures, "cpu")
            peak = max(one.peak for one in figures) / 1e6
            yield (
                f"| {sync_name} | {setting} | {cpu:.1f} s | {cpu / plain:.2f} |"
                f" {_median(figures, 'seconds'):.1f} s | {peak:,.0f} MB | {rounds} |"
            )
    yield ""


def _measures(folder: Path, rows: int, rounds: int) -> dict[tuple[str, str], list[Figures]]:
    staged = {
        name: stage(folder / f"staged {number}", rows, day, 1)
        for number, (name, day) in enumerate(_SYNCS.items())
    }
    found: dict[tuple[str, str], list[Figures]] = {}
    for _ in range(rounds):
        for day, (name, rows_of_day) in enumerate(staged.items()):
            for number, (setting, said) in enumerate(SETTINGS.items()):
                privacy: Privacy = said.resolve(_ENVIRONMENT)
                place = FilePlace(folder / f"{number}.duckdb")
                if not day:
                    place.back()
                way = Way("merge", history=True)
                one = sync(place, rows_of_day, rows, day, way, privacy)
                print(rows, name, setting, one, flush=True)
                found.setdefault((name, setting), []).append(one)
    return found


def _median(figures: Sequence[Figures], name: str) -> float:
    return float(statistics.median(getattr(one, name) for one in figures))


if __name__ == "__main__":
    sys.exit(main())
