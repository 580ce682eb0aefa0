"""Which pages of a collection to request, and whether they fit together: pure functions, no I/O.

Page numbers are offsets, so records that come or go while a collection is read shift the rest. What
makes a shift visible, whatever the order in which concurrent pages are answered:

* Page 1 is read first, the last page second, the rest from the end to the front. After a shift, a
  page that was read before it and the page below that was read after it share a row.
* The pages after the first are a little smaller, so that the second begins within the first: if the
  rows they share differ, the shift came right after page 1. It costs no request, but where the
  total is a multiple of the page size.
* Every page repeats the total and has to hold as many rows as follow from it.

Where pages are ordered by date, records that are added come last and shift nothing; then a rising
total alone is no inconsistency.
"""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_MIN_PAGE_SIZE: Final = 10
"""The API's. A first page has to be larger, or none could begin within it."""


@dataclass(frozen=True)
class PageRequest:
    """One page to request.

    Attributes:
        number: Its number, from 1.
        size: Rows to ask for.
        skip: Rows at its beginning that page 1 holds already.
    """

    number: int
    size: int
    skip: int = 0


@dataclass(frozen=True)
class Page:
    """What is remembered of a page: its figures and a hash of each row's key, not the rows."""

    request: PageRequest
    total: int
    keys: "array[int]"

    @property
    def is_whole(self) -> bool:
        """Whether it holds as many rows as follow from its total."""
        offset = (self.request.number - 1) * self.request.size
        return len(self.keys) == min(max(self.total - offset, 0), self.request.size)

    @property
    def new_keys(self) -> "array[int]":
        """The keys of the rows that page 1 doesn't hold."""
        return self.keys[self.request.skip :]


def next_requests(pages: Sequence[Page], *, page_size: int) -> Sequence[PageRequest]:
    """The requests that the responses so far call for; none: the collection is read.

    Args:
        pages: The pages so far, in the order of the requests that were returned for them.
        page_size: Rows a page, the API's minimum of 10 or more.
    """
    full = max(page_size, _MIN_PAGE_SIZE + 1)
    if not pages:
        return [PageRequest(1, full)]
    total = pages[0].total
    if total <= full:
        return []
    size = _overlapping_size(total, full)
    count = math.ceil(total / size)
    if len(pages) == 1:
        return [_after_first(count, size, full)]
    if len(pages) == 2:
        return [_after_first(number, size, full) for number in range(count - 1, 1, -1)]
    return []


def is_consistent(pages: Sequence[Page], *, has_key: bool, by_date: bool) -> bool:
    """Whether nothing moved while the pages were read, or only in a way that shifted no row.

    Args:
        pages: All pages of a collection, in the order of their requests.
        has_key: Equal hashes mean a repeated key; otherwise rows may be alike.
        by_date: The pages are ordered by date, the newest last.
    """
    total = pages[0].total
    if not all(page.is_whole for page in pages):
        return False
    if any(page.total < total if by_date else page.total != total for page in pages):
        return False
    if len(pages) > 1:
        second = pages[-1]
        shared = second.request.skip
        if pages[0].keys[len(pages[0].keys) - shared :] != second.keys[:shared]:
            return False
    return not (has_key and _repeats([page.new_keys for page in pages]))


def _after_first(number: int, size: int, full: int) -> PageRequest:
    return PageRequest(number, size, full - size if number == 2 else 0)


def _overlapping_size(total: int, full: int) -> int:
    """The size of the pages after the first, so that the second begins within the first."""
    size = math.ceil(total / math.ceil(total / full))
    return size if _MIN_PAGE_SIZE <= size < full else full - 1


def _repeats(hashes: "Sequence[array[int]]") -> bool:
    """Whether a hash comes twice."""
    # Importing it takes as long as a request does, so it waits until requests are in flight.
    import numpy as np  # noqa: PLC0415

    together = np.concatenate([np.frombuffer(each, np.int64) for each in hashes])
    together.sort()
    return bool((together[1:] == together[:-1]).any())
