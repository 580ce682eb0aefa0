"""What the reader has to reach, and whether it does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from campaign_monitor_assets_tests.benchmarks.measures import Measure
from campaign_monitor_assets_tests.benchmarks.readers import (
    ELEVEN,
    EMPTY,
    OURS,
    UNCHECKED,
)

CONNECTIONS = 10
"""How many requests are under way at once where nothing else is configured."""

_PAGE = 1000
_MILLION = 1_000_000


@dataclass(frozen=True)
class Target:
    """A target: what it is of, how much is allowed, how much was measured, in which unit."""

    name: str
    most: float
    measured: float
    unit: str

    @property
    def met(self) -> bool:
        """Whether no more was measured than is allowed."""
        return self.measured <= self.most


def targets(measures: Sequence[Measure]) -> list[Target]:
    """All targets that the measures tell something of."""
    ours = [one for one in measures if one.reader == OURS.name]
    empty = {one.part: one for one in measures if one.reader == EMPTY.name}
    both = [one for one in measures if one.reader in (OURS.name, UNCHECKED.name)]
    compared = [(one, empty[one.part]) for one in both if one.part in empty]
    eleven = [one for one in measures if one.reader == ELEVEN.name and one.part in empty]
    return [
        *(target for one, base in compared if one.latency for target in _of_latency(one, base)),
        *(_of_cpu(one, base) for one, base in compared if not one.latency),
        *(target for one in eleven for target in _of_eleven(one, empty[one.part])),
        *_of_memory([*ours, *eleven]),
        *(target for one in ours if one.rate for target in _of_politeness(one)),
        *_of_rows([*ours, *eleven]),
    ]


def fewest_requests(one: Measure) -> int:
    """As many as pages of 1,000 need, and one each for the clients and for the client's lists."""
    return 2 + one.lists * -(-(one.rows // one.lists) // _PAGE)


def requests_of_eleven(one: Measure) -> int:
    """As many as the eleven tables need: seven a client and three a list with their pages.

    A list of several pages is asked for once more, since it may have changed meanwhile.
    """
    pages = max(-(-(one.rows // one.lists) // _PAGE), 1)
    return 1 + 7 * one.clients + one.lists * (2 + pages + (pages > 1))


def _of_eleven(one: Measure, empty: Measure) -> Iterator[Target]:
    ideal = one.requests * one.latency / CONNECTIONS
    name, most = {
        "none": ("2 × an empty Dagster run", 2 * empty.wall),
        "agency": ("1.5 × requests × latency ÷ connections", 1.5 * ideal),
    }.get(
        one.part,
        (
            "1.25 × requests × latency ÷ connections and 2 × an empty Dagster run",
            1.25 * ideal + 2 * empty.wall,
        ),
    )
    yield Target(f"{one.part}: the eleven tables, at most {name}", most, one.wall, "s")
    fewest = requests_of_eleven(one)
    yield Target(f"{one.part}: requests, no more than needed", fewest, one.requests, "")


def _of_latency(one: Measure, empty: Measure) -> Iterator[Target]:
    ideal = one.requests * one.latency / CONNECTIONS
    fetching = 1.3 * ideal
    assert one.fetching is not None
    part = _part(one)
    yield Target(
        f"{part}: fetching, at most 1.3 × requests × latency ÷ connections",
        fetching,
        one.fetching,
        "s",
    )
    yield Target(
        f"{part}: the whole process, at most that and 1.5 × an empty Dagster run",
        fetching + 1.5 * empty.wall,
        one.wall,
        "s",
    )


def _of_cpu(one: Measure, empty: Measure) -> Target:
    per_row = (one.cpu - empty.cpu) / one.rows * 1e6
    return Target(f"{_part(one)}: CPU a row beyond an empty Dagster run", 8, per_row, "µs")


def _part(one: Measure) -> str:
    return one.part if one.reader == OURS.name else f"{one.part} without checks"


def _of_memory(ours: Sequence[Measure]) -> Iterator[Target]:
    if not ours:
        return
    worst = max(ours, key=lambda one: one.peak)
    size = f"{worst.rows:,} rows on {worst.lists:,} lists"
    yield Target(f"Peak memory anywhere (at {size})", 450, worst.peak / 1e6, "MB")
    growth = {one.rows: one.peak for one in ours if one.part == "rows"}
    if _MILLION in growth and 5 * _MILLION in growth:
        ratio = growth[5 * _MILLION] / growth[_MILLION]
        yield Target("Peak memory at 5,000,000 rows ÷ at 1,000,000 rows", 1.2, ratio, "")


def _of_politeness(one: Measure) -> Iterator[Target]:
    ideal = (one.requests - one.refused) / one.rate
    yield Target(f"{one.part}: the whole process ÷ the ideal time", 1.25, one.wall / ideal, "")
    yield Target(f"{one.part}: share of requests refused", 5, 100 * one.refused / one.requests, "%")


def _of_rows(ours: Sequence[Measure]) -> Iterator[Target]:
    for part in ("W1", "W2", "W3"):
        for one in ours:
            if one.part == part:
                fewest, sent = fewest_requests(one), one.requests
                yield Target(
                    f"{part}: requests, no more than pages of 1,000 need", fewest, sent, ""
                )
    wrong = sum(one.right is False for one in ours)
    yield Target("Workloads in which rows differ from the sandbox's", 0, wrong, "")
