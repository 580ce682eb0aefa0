"""How many requests may be under way at once: found by trying, for no limit is published."""

from dataclasses import dataclass
from typing import Final

_AT_FIRST: Final = 10
"""Requests under way at once that are begun with."""

_QUIET: Final = 15.0
"""Seconds without trouble before the window grows again."""


@dataclass
class Window:
    """Grows by one with each window of answers, where it was full and all went well.

    At the first sign of trouble it goes back to where it began. Not thread-safe: its owner has a
    lock.

    Attributes:
        most: Requests that it grows to.
    """

    most: int
    _answers: int = 0
    _was_full: bool = False
    _troubled: float = float("-inf")

    def __post_init__(self) -> None:
        self._size = self._first

    @property
    def _first(self) -> int:
        return min(_AT_FIRST, self.most)

    def has_room(self, under_way: int) -> bool:
        """Whether one more request may start."""
        self._was_full = self._was_full or under_way >= self._size
        return under_way < self._size

    def answered(self, now: float) -> None:
        """Notes an answer."""
        self._answers += 1
        if self._answers < self._size:
            return
        if self._was_full and now - self._troubled >= _QUIET:
            self._size = min(self._size + 1, self.most)
        self._answers, self._was_full = 0, False

    def troubled(self, now: float) -> None:
        """Notes that the server refuses requests, or can't keep up with them."""
        self._size, self._troubled = self._first, now
        self._answers, self._was_full = 0, False
