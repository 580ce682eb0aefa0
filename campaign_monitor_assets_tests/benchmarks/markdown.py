"""Tables of Markdown, and figures as they stand in them."""

from collections.abc import Iterator

from campaign_monitor_assets_tests.benchmarks.syncs import FIRST


def heads(*names: str) -> Iterator[str]:
    """The first two lines of a table."""
    yield row(*names)
    yield row(*["---"] * len(names))


def row(*cells: str) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def megabytes(size: float) -> str:
    """Bytes in words."""
    return f"{size / 1e6:,.1f} MB" if size < 10_000_000 else f"{size / 1e6:,.0f} MB"


def percent(changed: str) -> str:
    """A share of rows that changed, in words."""
    return changed if changed == FIRST else f"{changed} %"


def share(changed: str) -> float:
    """A share of rows that changed, for sorting."""
    return -1 if changed == FIRST else float(changed)
