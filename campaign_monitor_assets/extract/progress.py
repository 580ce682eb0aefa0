"""Counts what the requests of a table bring, and reports how far it is."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far a table is: responses received, requests known to be needed, rows, seconds."""

    answered: int
    needed: int
    rows: int
    seconds: float


class Tally:
    """The running totals of a table, counted in one thread.

    Args:
        needed: Requests known to be needed at the start.
        report: Called after each response.
    """

    def __init__(self, needed: int, report: Callable[[Progress], None]) -> None:
        self.requests = self.size = self._answered = self._rows = 0
        self._needed = needed
        self._report = report
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def count(self, *, requests: int, size: int, rows: int) -> None:
        """Adds a response: requests it took, bytes received and rows staged."""
        self.requests += requests
        self.size += size
        self._rows += rows
        self._answered += 1
        self._report(Progress(self._answered, self._needed, self._rows, self.seconds))

    def expect(self, further: int) -> None:
        """Adds requests that turned out to be needed."""
        self._needed += further
