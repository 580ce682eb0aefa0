"""Which pages of a collection to request, and whether they fit together: pure functions, no I/O.

Page numbers are offsets, so records that come or go while a collection is read shift the rest. What
makes a shift visible, whatever the order in which concurrent pages are answered:

* Page 1 is read first, the last page second, the rest from the end to the front. After a shift, a
  page that was read before it and the page below that was read after it share a row.
* The pages after the first are a little smaller, so that the second begins within the first: if the
  rows they share differ, the shift came right after page 1. It costs no request, but where the
  total is a multiple of the page size. A server that gives fewer rows than it is asked for may not
  give smaller pages either: there page 1 is requested a second time at the end.
* Every page repeats the total and has to hold as many rows as follow from it.

Where pages are ordered by date, records that are added come last and shift nothing; then a rising
total alone is no inconsistency.
"""

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

MIN_PAGE_SIZE: Final = 10
"""The API's. A first page has to be larger, or none could begin within it."""

_MAX_PAGES: Final = 1_000_000
"""No collection has more: a billion rows at the API's largest page size."""

_FEW_ROWS: Final = 5_000
"""Rows whose keys are compared without what would have to be imported for it."""


@dataclass(frozen=True)
class PageRequest:
    """One page to request.

    Attributes:
        number: Its number, from 1.
        size: Rows to ask for.
        skip: Rows at its beginning that page 1 holds already.
        cap: Rows that the server gives at most, where that is fewer than it is asked for.
    """

    number: int
    size: int
    skip: int = 0
    cap: int | None = None


@dataclass(frozen=True, kw_only=True)
class Page:
    """What is remembered of a page: its figures and a hash of each row's key, not the rows.

    Attributes:
        request: What was requested.
        keys: A hash of each row's key.
        total: TotalNumberOfRecords.
        number: PageNumber.
        size: PageSize; None: not said, as in the following.
        records: RecordsOnThisPage.
        pages: NumberOfPages.
        by_date: Whether it is ordered by date, the newest last.
    """

    request: PageRequest
    keys: "array[int]"
    total: int
    number: int
    size: int | None = None
    records: int | None = None
    pages: int | None = None
    by_date: bool = False

    @property
    def full(self) -> int:
        """The rows of a full page: as many as asked for, unless the first page says fewer."""
        asked = self.request.cap or self.request.size
        learns = self.request.number == 1 and self.size is not None and self.size > 0
        return min(asked, self.size) if learns and self.size else asked

    @property
    def new_rows(self) -> int:
        """Its rows without those that page 1 holds already."""
        return max(len(self.keys) - self.request.skip, 0)

    @property
    def contradiction(self) -> str | None:
        """What is wrong with the figures, against each other or the request; None: nothing."""
        offset = (self.request.number - 1) * self.full
        expected = min(max(self.total - offset, 0), self.full)
        count = math.ceil(self.total / self.full)
        fits = (
            self.number == self.request.number
            and self.size in {None, self.full}
            and self.records in {None, len(self.keys)}
            and 0 <= self.total <= _MAX_PAGES * self.full
            and len(self.keys) == expected
            and (self.pages in {None, count} or (self.total == 0 and self.pages == 1))
        )
        if fits:
            return None
        figures = {
            "PageNumber": self.number,
            "PageSize": self.size,
            "RecordsOnThisPage": self.records,
            "TotalNumberOfRecords": self.total,
            "NumberOfPages": self.pages,
        }
        said = ", ".join(f"{name} {value}" for name, value in figures.items() if value is not None)
        return (
            f"page {self.request.number} of {self.request.size} rows a page was asked for; the"
            f" response holds {len(self.keys)} rows and says {said}"
        )


class Verdict(Enum):
    """What the pages of one attempt are good for."""

    CONSISTENT = auto()
    CHANGED = auto()
    """The collection changed while it was read."""
    REPEATS_KEYS = auto()
    """It changed, or the account has a key more than once."""
    CONTRADICTORY = auto()
    """The figures can't be right, whatever changed: not all rows may be there."""


@dataclass(frozen=True)
class Judgement:
    """A verdict on an attempt.

    Attributes:
        verdict: What its pages are good for.
        detail: The figures that speak against it.
        fingerprint: Equal for attempts whose pages are all alike.
    """

    verdict: Verdict
    detail: str = ""
    fingerprint: int = 0


def next_requests(pages: Sequence[Page], *, page_size: int) -> Sequence[PageRequest]:
    """The requests that the responses so far call for; none: the attempt is over.

    Args:
        pages: The pages so far, in the order of the requests that were returned for them.
        page_size: Rows a page, the API's minimum of 10 or more.
    """
    asked = max(page_size, MIN_PAGE_SIZE + 1)
    if not pages:
        return [PageRequest(1, asked)]
    if any(page.contradiction for page in pages):
        return []
    begin = 1
    for numbers, template in _batches(pages, asked):
        if begin == len(pages):
            cap, size, overlap = template.cap, template.size, template.skip
            return [
                PageRequest(number, size, overlap if number <= 2 else 0, cap) for number in numbers
            ]
        begin += len(numbers)
    return []


def _batches(pages: Sequence[Page], asked: int) -> Iterator[tuple[range, PageRequest]]:
    """The page numbers after the first, batch by batch, and what their requests have in common.

    The skip is that of a page that shares rows with page 1.
    """
    first = pages[0]
    full, total = first.full, first.total
    if total <= full:
        return
    capped = full < asked
    size = full if capped else _overlapping_size(total, full)
    template = (
        PageRequest(0, asked, 0, cap=full) if capped else PageRequest(0, size, skip=full - size)
    )
    count = math.ceil(total / size)
    yield range(count, count - 1, -1), template
    # Where the total has fallen since, the pages beyond it are empty.
    fallen = math.ceil(min(pages[1].total, total) / size)
    if rest := range(min(count - 1, fallen), 1, -1):
        yield rest, template
    if capped:
        yield range(1, 2), PageRequest(0, asked, skip=full, cap=full)


def judge(pages: Sequence[Page], *, has_key: bool) -> Judgement:
    """Whether the collection did not change during pagination, or without shifting a row.

    Args:
        pages: All pages of an attempt, in the order of their requests.
        has_key: Equal hashes mean a repeated key; otherwise rows may be alike.
    """
    verdict, detail = _verdict(pages, has_key=has_key)
    if verdict is Verdict.CONSISTENT:
        return Judgement(verdict)
    alike = hash(tuple((page.number, page.total, page.keys.tobytes()) for page in pages))
    return Judgement(verdict, detail, alike)


def _verdict(pages: Sequence[Page], *, has_key: bool) -> tuple[Verdict, str]:
    for page in pages:
        if problem := page.contradiction:
            return Verdict.CONTRADICTORY, problem
    if repeated := _repeated_page(pages):
        return Verdict.CONTRADICTORY, repeated
    first, last, total = pages[0], pages[-1], pages[0].total
    by_date = all(page.by_date for page in pages)
    for page in pages:
        if page.total < total if by_date else page.total != total:
            return Verdict.CHANGED, (
                f"page 1 says that there are {total} rows, page {page.request.number} {page.total}"
            )
    shared = last.request.skip
    if shared and first.keys[-shared:] != last.keys[:shared]:
        return Verdict.CHANGED, (
            f"page 1 ends with other rows than page {last.request.number} gives for them"
        )
    if has_key and _repeats([page.keys[page.request.skip :] for page in pages]):
        return Verdict.REPEATS_KEYS, f"of {total} rows some have the same key"
    return Verdict.CONSISTENT, ""


def _repeated_page(pages: Sequence[Page]) -> str | None:
    """Whether two full pages hold the very same rows."""
    seen: dict[bytes, int] = {}
    for page in pages:
        number = page.request.number
        if len(page.keys) == page.full and page.request.skip < page.full:
            other = seen.setdefault(page.keys.tobytes(), number)
            if other != number:
                return f"pages {other} and {number} hold the same {page.full} rows"
    return None


def _overlapping_size(total: int, full: int) -> int:
    """The size of the pages after the first, so that the second begins within the first."""
    size = math.ceil(total / math.ceil(total / full))
    return size if MIN_PAGE_SIZE <= size < full else full - 1


def _repeats(hashes: "Sequence[array[int]]") -> bool:
    """Whether a hash comes twice."""
    rows = sum(map(len, hashes))
    if rows <= _FEW_ROWS:
        return len(set().union(*hashes)) < rows
    # Importing it takes as long as a request does, and only many rows are worth it.
    import numpy as np  # noqa: PLC0415

    together = np.concatenate([np.frombuffer(each, np.int64) for each in hashes])
    together.sort()
    return bool((together[1:] == together[:-1]).any())
