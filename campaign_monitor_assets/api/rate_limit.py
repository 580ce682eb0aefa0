"""What all requests of a run share: how many may be under way, and how many a second may start.

The vendor publishes no limit for these endpoints, so the rate starts bounded by the number of
requests under way alone (see `Window`). Where responses tell how many more are allowed, no more
than that are started; where they don't, the limit is found from the 429 answers. The limiters that
libraries offer keep a rate that is known beforehand; this one has to learn it.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from campaign_monitor_assets.api.window import Window

_AFTER_REFUSAL: Final = 0.95
"""The share of the rate to go on with after a refusal."""

_GROWTH: Final = 1.05
"""How much faster to go after a quiet period."""

_QUIET: Final = 15.0
"""Seconds without a 429 before the rate grows."""

_SLOWEST: Final = 0.05
"""Requests a second that no refusal goes below."""

_SECONDS_BETWEEN_LOOKS: Final = 0.5
"""How often who waits for others' requests looks whether it is still wanted."""

_NAP: Final = 0.02
"""Seconds to sleep while a response that may tell of the limit is under way."""


class RateLimiter:
    """Spaces the starts of requests over all threads, and slows all of them at a refusal.

    Args:
        per_second: The most requests a second that the user allows; None for no bound of their own.
        connections: The most requests under way at once, however well it goes; None for no bound.
        clock: Seconds that only go forward.
    """

    def __init__(
        self,
        per_second: float | None = None,
        *,
        connections: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._window = Window(connections) if connections else None
        self._ceiling = per_second
        self._rate = per_second
        self._clock = clock
        self._lock = threading.Condition()
        self._under_way = 0
        self._next_start = 0.0
        # What the last response said: how many more may start until when.
        self._left: float | None = None
        self._resets = 0.0
        # What refusals taught.
        self._changed = 0.0
        self._counted_since: float | None = None
        self._succeeded = 0
        self._counted_whole = False
        self._refused_until: float | None = None

    def start(
        self,
        sleep: Callable[[float], object] = time.sleep,
        waiting: Callable[[float], None] = lambda _: None,
    ) -> float | None:
        """Waits until the next request may start, and returns that moment by the clock.

        Args:
            sleep: Waits for a number of seconds; true: it was interrupted, nothing shall start.
            waiting: Told how long there is to wait, each time before it is waited.

        Returns:
            None where the waiting was interrupted.
        """
        while True:
            with self._lock:
                now = self._clock()
                has_room = not self._window or self._window.has_room(self._under_way)
                delay = self._delay(now)
                if has_room and delay <= 0:
                    self._begin(now)
                    return now
                if not has_room:
                    self._lock.wait(_SECONDS_BETWEEN_LOOKS)
            if has_room:
                waiting(delay)
            if sleep(delay if has_room else 0):
                return None

    def end(self) -> None:
        """Notes that a started request is no longer under way, whatever became of it."""
        with self._lock:
            self._under_way -= 1
            # Two, for the window may have grown.
            self._lock.notify(2)

    def succeeded(self, left: float | None = None, reset: float | None = None) -> None:
        """Notes a response that was not a 429, before its request's `end`.

        Args:
            left: How many more the vendor allows, if the response says so.
            reset: In how many seconds the vendor counts afresh.
        """
        with self._lock:
            self._succeeded += 1
            now = self._clock()
            if self._window:
                self._window.answered(now)
            if left is None or reset is None:
                self._left = None
            elif self._left is None or now >= self._resets:
                # The vendor may not have counted the others yet that are under way.
                self._left = max(left - (self._under_way - 1), 0)
                self._resets = now + reset
            else:
                # Responses come out of order, so a larger number may be an older one.
                self._left = min(self._left, left)

    def pause(self, seconds: float) -> None:
        """Lets nothing start for so many seconds."""
        with self._lock:
            self._next_start = max(self._next_start, self._clock() + seconds)

    def troubled(self) -> None:
        """Notes that the server refused a request, or did not answer it as it should."""
        with self._lock:
            if self._window:
                self._window.troubled(self._clock())

    def refused(self, started: float, reset: float, *, pause: bool = True) -> None:
        """Notes a 429: everything waits until the limit resets, then goes on more slowly.

        Args:
            pause: Whether the others wait, too; not for a request that is not sent again.
            started: When the refused request started. One that was under way when the rate was
                last slowed tells nothing new.
            reset: Seconds until the vendor counts afresh.
        """
        self.troubled()
        if pause:
            self.pause(reset)
        with self._lock:
            if started >= self._changed and self._refused_until is None:
                self._refused_until = self._clock() + reset

    def _learn(self, reset: float) -> None:
        """Takes from a refusal what it tells, once all that was let through has been counted."""
        # Only from a reset on it is known that the vendor's count and this one began together.
        if self._counted_whole and self._succeeded:
            self._slow_down(reset)
        self._counted_whole = True
        self._refused_until = None

    def _slow_down(self, reset: float) -> None:
        # What was let through, over the time until more is: the limit itself, whatever its window.
        # Later refusals only correct it, since a quiet stretch would belie the count.
        allowed = self._succeeded / max(reset - (self._counted_since or reset), 1e-3)
        known = allowed if self._rate is None else min(self._rate, max(allowed, self._rate / 2))
        self._rate = max(known * _AFTER_REFUSAL, _SLOWEST)

    def _delay(self, now: float) -> float:
        delay = self._next_start - now
        if self._left == 0:
            # After the reset, a single request finds out how many there are now.
            return _NAP if self._under_way else max(delay, self._resets - now)
        return delay

    def _begin(self, now: float) -> None:
        if self._refused_until is not None:
            self._learn(self._refused_until)
            self._start_counting(now)
        self._under_way += 1
        if self._left is not None:
            self._left = max(self._left - 1, 0)
        if self._counted_since is None:
            self._counted_since = now
        self._grow(now)
        if self._rate is not None:
            self._next_start = now + 1 / self._rate

    def _grow(self, now: float) -> None:
        if self._rate is None or self._rate == self._ceiling or now - self._changed < _QUIET:
            return
        self._rate = min(self._rate * _GROWTH, self._ceiling or float("inf"))
        self._start_counting(now)

    def _start_counting(self, now: float) -> None:
        self._changed = now
        self._counted_since = None
        self._succeeded = 0
