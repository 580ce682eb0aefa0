"""A sync into an empty place and those after it, each way in turn."""

import shutil
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from campaign_monitor_assets_tests.benchmarks.places import FILE, Place
from campaign_monitor_assets_tests.benchmarks.syncs import (
    FIRST,
    Figures,
    Measure,
    Way,
    stage,
    sync,
)

MANY = 5_000_000
"""Rows that are measured once."""


@dataclass(frozen=True)
class Turn:
    """What is measured in turn with others.

    Attributes:
        way: How rows are written.
        place: The kind of place that they are written to.
    """

    way: Way
    place: str = FILE


def single(
    folder: Path,
    rows: int,
    changed: Sequence[float],
    rounds: int,
    places: Mapping[Turn, Place],
    wanted: Callable[[Turn, float | None], bool] = lambda _turn, _percent: True,
    further_fields: int = 0,
) -> Iterator[Measure]:
    """The first sync, and one after which so many percent of the rows are others.

    Args:
        folder: Where rows are staged.
        rows: How many.
        changed: The percents.
        rounds: How often each is measured.
        places: What is measured, each with an empty place.
        wanted: Which of them are measured for a percent; None: for the first sync, after which
            alone others can follow.
        further_fields: How many long custom fields a row has beside the usual ones.
    """
    staged = stage(folder / "staged", rows, 0, 0, further_fields)
    yield from _in_turns(staged, rows, None, rounds, _some(places, wanted, None))
    shutil.rmtree(staged)
    for place in places.values():
        place.keep()
    for percent in changed:
        staged = stage(folder / "staged", rows, 1, percent, further_fields)
        yield from _in_turns(staged, rows, percent, rounds, _some(places, wanted, percent))
        shutil.rmtree(staged)
    for place in places.values():
        place.remove()


def _some(
    places: Mapping[Turn, Place],
    wanted: Callable[[Turn, float | None], bool],
    percent: float | None,
) -> dict[Turn, Place]:
    return {turn: place for turn, place in places.items() if wanted(turn, percent)}


def _in_turns(
    staged: Path, rows: int, percent: float | None, rounds: int, places: Mapping[Turn, Place]
) -> Iterator[Measure]:
    """Each in turn, so that a busy machine is busy for all of them."""
    found: dict[Turn, list[Figures]] = {turn: [] for turn in places}
    for _ in range(rounds):
        for turn, place in places.items():
            place.back()
            found[turn].append(sync(place, staged, rows, int(percent is not None), turn.way))
    changed = FIRST if percent is None else f"{percent:g}"
    for turn, figures in found.items():
        yield Measure(rows, changed, turn.way, 1, rounds, _median(figures), turn.place)


def _median(figures: Sequence[Figures]) -> Figures:
    middle = sorted(figures, key=lambda one: one.cpu)[len(figures) // 2]
    return replace(
        middle,
        peak=max(one.peak for one in figures),
        written=int(statistics.median(one.written for one in figures)),
    )
