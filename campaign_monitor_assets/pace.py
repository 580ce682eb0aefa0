"""The pace that all requests of a run share: how many a second may start.

The vendor publishes no limit for these endpoints, so the pace starts bounded by the number of
connections alone and finds the limit from the 429 answers. The limiters that libraries offer keep a
rate that is known beforehand; this one has to learn it.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

_AFTER_REFUSAL: Final = 0.95
"""The share of the rate to go on with after a refusal."""

_GROWTH: Final = 1.02
"""How much faster to go after a quiet period."""

_QUIET: Final = 15.0
"""Seconds without a refusal before the pace grows."""

_SLOWEST: Final = 0.05
"""Requests a second that no refusal goes below."""


class Pace:
    """Spaces the starts of requests over all threads, and slows all of them at a refusal.

    Args:
        per_second: The most requests a second that the user allows; None for no bound of their own.
        clock: Seconds that only go forward.
        sleep: Waits for a number of seconds.
    """

    def __init__(
        self,
        per_second: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._ceiling = per_second
        self._rate = per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next_start = 0.0
        self._changed = 0.0
        self._counted_since: float | None = None
        self._succeeded = 0

    @property
    def rate(self) -> float | None:
        """Requests a second that may start now; None while nothing but connections bounds them."""
        return self._rate

    def wait(self) -> float:
        """Waits until the next request may start, and returns that moment by the pace's clock."""
        while True:
            with self._lock:
                now = self._clock()
                if now >= self._next_start:
                    if self._counted_since is None:
                        self._counted_since = now
                    self._grow(now)
                    if self._rate is not None:
                        self._next_start = now + 1 / self._rate
                    return now
                delay = self._next_start - now
            self._sleep(delay)

    def succeeded(self) -> None:
        """Notes an answer that was not refused."""
        with self._lock:
            self._succeeded += 1

    def pause(self, seconds: float) -> None:
        """Lets nothing start for so many seconds."""
        with self._lock:
            self._next_start = max(self._next_start, self._clock() + seconds)

    def refused(self, started: float, reset: float) -> None:
        """Notes a 429: everything waits until the limit resets, then goes on more slowly.

        Args:
            started: When the refused request started. One that was under way when the pace was
                last slowed tells nothing new.
            reset: Seconds until the vendor counts afresh.
        """
        self.pause(reset)
        with self._lock:
            if started < self._changed:
                return
            now = self._clock()
            # What was let through, over the time until more is: the limit itself, whatever its
            # window. Later refusals only correct it, since a quiet stretch would belie the count.
            allowed = self._succeeded / max(now + reset - (self._counted_since or now), 1e-3)
            known = allowed if self._rate is None else min(self._rate, max(allowed, self._rate / 2))
            self._rate = max(known * _AFTER_REFUSAL, _SLOWEST)
            self._start_counting(now)

    def _grow(self, now: float) -> None:
        if self._rate is None or self._rate == self._ceiling or now - self._changed < _QUIET:
            return
        self._rate = min(self._rate * _GROWTH, self._ceiling or float("inf"))
        self._start_counting(now)

    def _start_counting(self, now: float) -> None:
        self._changed = now
        self._counted_since = None
        self._succeeded = 0
