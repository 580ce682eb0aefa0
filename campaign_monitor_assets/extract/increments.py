"""What was added to a collection since the last snapshot, as a task: no HTTP, no SQL.

A `date` filter brings the records that came since a time, but neither those that left nor those
that were edited, and nobody knows how true it is. So it is not trusted: what is read is a
candidate, which is merged only where the merged collection has exactly as many records as the API
counts. Where the figures show already that it can't, or where it saves nothing, the collection is
to be read in full.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.extract.attempts import read_attempt
from campaign_monitor_assets.extract.concurrency import Task, together
from campaign_monitor_assets.extract.fetch import Request, Response
from campaign_monitor_assets.extract.paginator import (
    MIN_PAGE_SIZE,
    Page,
    PageRequest,
    Verdict,
    judge,
)
from campaign_monitor_assets.extract.settings import ExtractSettings
from campaign_monitor_assets.staging.records import (
    CollectionRead,
    Merge,
    Missing,
    ReadInFull,
    Reason,
    StoredCollection,
    SyncMethod,
    pages_of,
)

Outcome = CollectionRead | ReadInFull | Missing
_Newest = tuple[Page, frozenset[int]]
"""A total, and the keys of the newest records that came since the time that is asked for."""

_Answer = list[Page] | _Newest | Response


@dataclass(frozen=True)
class _Changed:
    """The collection changed while it was asked about."""

    problem: str


def fewest_requests(table: Table) -> int:
    """Requests that an increment takes where little was added."""
    assert table.increments is not None
    if not table.increments.filtered:
        return 1
    departures = len(table.increments.departures)
    # What was added and the total; where records can leave, the total twice.
    return 3 + departures if departures else 2


def reason_for_full(
    parent: str,
    stored: StoredCollection | None,
    *,
    least: int,
    page_size: int,
    now: datetime,
    days: float,
) -> Reason | None:
    """Why a collection is to be read in full without trying anything else; None: it is not.

    Args:
        parent: The parent's key.
        stored: What the last snapshot holds of it.
        least: Requests that an increment takes at least.
        page_size: Rows a page.
        now: The UTC time.
        days: Within how many days each collection is read in full.
    """
    if stored is None:
        return Reason.FIRST
    if stored.merged:
        return Reason.SPELLINGS
    if pages_of(stored.rows, page_size) <= least:
        return Reason.SMALL
    return Reason.DUE if is_due(parent, stored.full_at, now, days) else None


def is_due(parent: str, full_at: datetime, now: datetime, days: float) -> bool:
    """Whether a collection is due to be read in full.

    Each collection has a moment of its own in a period that is a day shorter than what is allowed,
    so that a daily run is never late, and the collections are spread over the runs of a period.
    """
    period = timedelta(days=max(days - 1, days / 2))
    digest = hashlib.blake2b(parent.encode(), digest_size=8).digest()
    phase = period * (int.from_bytes(digest) / 2**64)
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 (UTC without a zone)
    passed = (now - epoch + phase) // period - (full_at - epoch + phase) // period
    return passed > 0 or now - full_at >= timedelta(days=days)


@dataclass(frozen=True)
class IncrementReader:
    """Reads what was added to one collection.

    Attributes:
        table: The catalogue's entry.
        parent: The parent's columns.
        stored: What the last snapshot holds of the collection.
        settings: How to read.
        next_read: Gives the number of the next attempt.
        path: The collection's endpoint, for messages.
    """

    table: Table
    parent: Mapping[str, str]
    stored: StoredCollection
    settings: ExtractSettings
    next_read: Callable[[], int]
    path: str

    def read(self) -> Task[Request, Response, Outcome]:
        """Asks until nothing changes meanwhile; what comes of it still has to be proved."""
        assert self.table.increments is not None
        problem = ""
        for attempt in range(self.settings.consistency_retries + 1):
            by_filter = self.table.increments.filtered
            outcome = yield from self._ask(attempt) if by_filter else self._ask_newest(attempt)
            if not isinstance(outcome, _Changed):
                return outcome
            problem = outcome.problem
        return self._in_full(Reason.UNPROVED, f"it changed while it was read: {problem}")

    def _ask(self, attempt: int) -> Task[Request, Response, Outcome | _Changed]:
        """Asks for what came, for what left, and for the size of the whole."""
        assert self.table.increments is not None
        read, departures = self.next_read(), self.table.increments.departures
        asked = Request(self.parent, read, order=self.table.order_field, since=self._since)
        came = read_attempt(asked, page_size=self.settings.page_size, is_enough=self._saves_nothing)
        left = [self._departed(read, path) for path in departures]
        before = [self._count(read)] if departures else []
        answers = yield from together([*before, came, *left])
        totals = [answer for answer in answers if isinstance(answer, tuple)]
        after = yield from self._count(read)
        attempts: list[list[Page]] = []
        for answer in (*answers, after):
            if isinstance(answer, Response):
                return self._unanswered(answer)
            if isinstance(answer, list):
                attempts.append(answer)
        assert isinstance(after, tuple)
        return self._judged(read, attempt, attempts, [*totals, after])

    def _count(self, read: int) -> Task[Request, Response, _Answer]:
        """Asks for the total, by a smallest page; where records can leave, by that of the newest.

        As many arrivals as departures that a filter leaves out would not show in a total, but
        which records are the newest is told without a filter, too.
        """
        assert self.table.increments is not None
        newest_first = bool(self.table.increments.departures)
        [response] = yield [
            Request(
                self.parent,
                read,
                PageRequest(1, MIN_PAGE_SIZE),
                order=self.table.order_field if newest_first else None,
                descending=newest_first,
                counts_only=True,
            )
        ]
        if response.page is None:
            return response
        times = zip(response.page.keys, response.times, strict=False)
        return response.page, frozenset(key for key, time in times if time and time >= self._since)

    def _departed(self, read: int, path: str) -> Task[Request, Response, _Answer]:
        request = Request(
            self.parent, read, order=self.table.order_field, since=self._since, elsewhere=path
        )
        return read_attempt(request, page_size=self.settings.page_size)

    def _judged(
        self,
        read: int,
        attempt: int,
        attempts: Sequence[list[Page]],
        totals: Sequence[_Newest],
    ) -> Outcome | _Changed:
        last, newest = totals[-1]
        size = last.total
        if self.stored.older and attempts[0][0].total >= size > self.settings.page_size:
            return self._in_full(
                Reason.UNPROVED, f"the `date` filter of GET {self.path} gives all {size} records"
            )
        if pages_of(size, self.settings.page_size) == 1 or self._saves_nothing(attempts[0]):
            return self._in_full(Reason.SMALL)
        for pages in (*attempts, *([page] for page, _ in totals)):
            found = judge(pages, has_key=bool(self.table.key))
            if found.verdict is not Verdict.CONSISTENT:
                return _Changed(found.detail)
        if totals[0][0].total != size:
            return _Changed(f"it had {totals[0][0].total} records before and {size} after")
        if not newest.issubset(key for page in attempts[0] for key in page.keys):
            return self._in_full(
                Reason.UNPROVED,
                f"the `date` filter of GET {self.path} leaves some out of the newest records",
            )
        return self._candidate(read, attempt, attempts[0], size)

    def _ask_newest(self, attempt: int) -> Task[Request, Response, Outcome | _Changed]:
        """Reads pages, the newest records first, until they are from before the time."""
        read, pages = self.next_read(), list[Page]()
        while True:
            cap = pages[0].full if pages and pages[0].full < self.settings.page_size else None
            page = PageRequest(len(pages) + 1, self.settings.page_size, cap=cap)
            [answer] = yield [Request(self.parent, read, page, "date", descending=True)]
            if answer.page is None:
                return self._unanswered(answer)
            pages.append(answer.page)
            found = judge(pages, has_key=bool(self.table.key))
            if found.verdict is not Verdict.CONSISTENT:
                return _Changed(found.detail)
            size = pages[0].total
            last = answer.times[-1] if answer.times else None
            if last is not None and last < self._since:
                return self._candidate(read, attempt, pages, size)
            if len(pages) + 1 >= pages_of(size, pages[0].full):
                return self._in_full(Reason.SMALL)

    def _candidate(
        self, read: int, attempt: int, pages: Sequence[Page], size: int
    ) -> CollectionRead | ReadInFull:
        came, older = sum(page.new_rows for page in pages), self.stored.older
        if older + came < size:
            return self._in_full(
                Reason.UNPROVED, self._too_few(f"{older} from before and {came} since then", size)
            )
        return CollectionRead(
            read,
            self.parent,
            rows=came,
            reported=size,
            retries=attempt,
            method=SyncMethod.INCREMENTAL,
            since=self.stored.since,
            full_at=self.stored.full_at,
        )

    def failure(self, merge: Merge) -> ReadInFull:
        """Why the collection is read in full where its merge is not proved."""
        figures = f"{merge.kept} that stay and {merge.added} that came"
        if merge.kept + merge.added < merge.reported:
            return self._in_full(Reason.UNPROVED, self._too_few(figures, merge.reported))
        return self._in_full(
            Reason.UNPROVED,
            f"{figures} are more than the {merge.reported} that the API counts: records were"
            f" deleted for good, or a `date` filter doesn't tell where they went",
        )

    def _too_few(self, figures: str, size: int) -> str:
        return (
            f"{figures} are fewer than the {size} that the API counts: records came with a date"
            f" before {self._since}, or the `date` filter of GET {self.path} leaves some out"
        )

    def _unanswered(self, response: Response) -> Outcome:
        if response.missing is not None:
            return response.missing
        return self._in_full(
            Reason.UNPROVED, f"the `date` filter of GET {self.path} is refused (code 5)"
        )

    def _in_full(self, reason: Reason, detail: str = "") -> ReadInFull:
        return ReadInFull(self.parent, reason, detail)

    def _saves_nothing(self, pages: Sequence[Page]) -> bool:
        """Whether so much was added that a full refresh takes no more requests."""
        page_size = self.settings.page_size
        added = pages_of(pages[0].total, page_size) - 1
        full = pages_of(self.stored.rows, page_size)
        return fewest_requests(self.table) + added >= full

    @property
    def _since(self) -> str:
        return f"{self.stored.since:%Y-%m-%d %H:%M}"
