"""Reads whole tables: the pages of a collection, and the collections of all parents, concurrently.

Page numbers are offsets, so records that come or go while a collection is read shift the rest. What
makes a shift show itself, whatever the order in which concurrent pages are answered:

* Page 1 is read first, the last page second, the rest from the end to the front. After a shift, a
  page that was read before it and the page below that was read after it share a row.
* The pages after the first are a little smaller, so that the second begins within the first: if the
  rows they share differ, the shift came right after page 1. It costs no request, but where the
  total is a multiple of the page size.
* Every page repeats the total and has to hold as many rows as follow from it.

Where pages are ordered by date, records that are added come last and shift nothing; then a rising
total alone is no reason to read again.
"""

import itertools
import math
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.catalogue import Option, Shape, Table
from campaign_monitor_assets.errors import ApiError
from campaign_monitor_assets.extract.concurrency import Task, TaskRunner
from campaign_monitor_assets.extract.decoding import PAGE, PageEnvelope, RowReader, Rows
from campaign_monitor_assets.staging.files import ReadParent, Staged, StagingWriter

_SMALLEST_PAGE = 10
"""The API's least page size. A first page has to be larger, or none could begin within it."""

Parent = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ReadSettings:
    """How tables are read.

    Attributes:
        page_size: Rows a page, 10 to 1,000.
        connections: Requests under way at once.
        rereads: How often a collection that moved is read again.
        options: The preferences to ask for.
    """

    page_size: int = 1000
    connections: int = 10
    rereads: int = 3
    options: frozenset[Option] = frozenset()


@dataclass(frozen=True)
class Progress:
    """How far a table is: requests answered, known to be needed in all, rows read, seconds."""

    answered: int
    needed: int
    rows: int
    seconds: float


@dataclass(frozen=True)
class _Request:
    parent: Parent
    read: int
    page: int | None = None
    size: int = 0
    skip: int = 0
    order: str | None = None


@dataclass(frozen=True)
class _Page:
    """What is remembered of a page: figures and a hash of each row's key, not the rows."""

    request: _Request
    rows_staged: int
    requests: int
    size: int
    total: int = 0
    identities: "array[int]" = field(default_factory=lambda: array("q"))

    @property
    def rows(self) -> int:
        return len(self.identities)

    @property
    def is_whole(self) -> bool:
        page, size = self.request.page or 1, self.request.size
        return self.rows == min(max(self.total - (page - 1) * size, 0), size)


_Task = Task[_Request, _Page | None, None]


def read_tables(
    client: ApiClient,
    writers: Sequence[StagingWriter],
    parents: Sequence[Parent],
    settings: ReadSettings,
    progress: Callable[[Progress], None] = lambda _: None,
) -> list[Staged]:
    """Reads one endpoint for all parents into the staged files of the tables that it feeds.

    Args:
        client: Where to ask.
        writers: One for each table; the tables share an endpoint, which is asked once.
        parents: For each request of a collection the columns that its rows inherit. An endpoint
            without a parent has one, which is empty.
        settings: How to read.
        progress: Told after each answer.

    Raises:
        CampaignMonitorError: A page can't be had. Nothing of the table is then to be used.
    """
    return _Extraction(client, writers, settings, progress).run(parents)


class _Extraction:
    def __init__(
        self,
        client: ApiClient,
        writers: Sequence[StagingWriter],
        settings: ReadSettings,
        progress: Callable[[Progress], None],
    ) -> None:
        self._client = client
        self._writers = writers
        self._readers = [RowReader(writer.table) for writer in writers]
        self._table: Table = writers[0].table
        self._settings = settings
        self._progress = progress
        self._numbers = itertools.count(1)
        self._started = time.monotonic()
        self._requests = self._size = self._answered = self._needed = self._rows = 0

    def run(self, parents: Sequence[Parent]) -> list[Staged]:
        self._needed = len(parents)
        read = self._read_pages if self._table.shape is Shape.PAGE else self._read_answer
        runner = TaskRunner(
            self._fetch,
            connections=self._settings.connections,
            answered=self._count,
            expected=self._expect,
            abort=self._client.close,
        )
        runner.run(read(parent) for parent in parents)
        seconds = time.monotonic() - self._started
        return [
            writer.finish(requests=self._requests, size=self._size, seconds=seconds)
            for writer in self._writers
        ]

    def _count(self, page: _Page | None) -> None:
        self._answered += 1
        if page is not None:
            self._requests += page.requests
            self._size += page.size
            self._rows += page.rows_staged
        seconds = time.monotonic() - self._started
        self._progress(Progress(self._answered, self._needed, self._rows, seconds))

    def _expect(self, further: int) -> None:
        self._needed += further

    def _read_answer(self, parent: Parent) -> _Task:
        read = next(self._numbers)
        [answer] = yield [_Request(parent, read)]
        if answer is None:
            for writer in self._writers:
                writer.leave_out(parent)

    def _read_pages(self, parent: Parent) -> _Task:
        [writer], table = self._writers, self._table
        for attempt in range(self._settings.rereads + 1):
            read = next(self._numbers)
            again = table.reread_order_field if attempt % 2 else None
            pages = yield from self._read_pages_once(parent, read, again or table.order_field)
            if pages is None:
                writer.leave_out(parent)
                return
            consistent = _is_consistent(pages, has_key=bool(table.key))
            if consistent or attempt == self._settings.rereads:
                rows = sum(page.rows_staged for page in pages)
                reported = rows if consistent else pages[-1].total
                writer.accept(ReadParent(read, parent, rows, reported, consistent, attempt))
                return

    def _read_pages_once(
        self, parent: Parent, read: int, order: str | None
    ) -> Task[_Request, _Page | None, list[_Page] | None]:
        full = max(self._settings.page_size, _SMALLEST_PAGE + 1)
        [first] = yield [_Request(parent, read, 1, full, order=order)]
        if first is None:
            return None
        if first.total <= full:
            return [first]
        size = _overlapping_size(first.total, full)
        count = math.ceil(first.total / size)
        requests = [
            _Request(parent, read, page, size, full - size if page == 2 else 0, order)
            for page in range(count, 1, -1)
        ]
        backwards = yield requests[:1]
        if len(requests) > 1:
            backwards = [*backwards, *(yield requests[1:])]
        pages = [page for page in reversed(backwards) if page is not None]
        return [first, *pages] if len(pages) == len(backwards) else None

    def _fetch(self, request: _Request) -> _Page | None:
        path = self._table.path.format_map(request.parent)
        try:
            if request.page is None:
                return self._fetch_answer(path, request)
            return self._fetch_page(path, request)
        except ApiError as error:
            if error.code in self._table.deleted_codes:
                return None
            raise

    def _fetch_answer(self, path: str, request: _Request) -> _Page:
        answer = self._client.get(
            path,
            lambda body: [reader.of_answer(body) for reader in self._readers],
            dict(self._table.query),
        )
        for writer, rows in zip(self._writers, answer.value, strict=True):
            writer.append(rows.lines(request.read), rows.extra_names)
            count = len(rows.raw)
            writer.accept(ReadParent(request.read, request.parent, count, count))
        staged = sum(len(rows.raw) for rows in answer.value)
        return _Page(request, staged, answer.requests, answer.size)

    def _fetch_page(self, path: str, request: _Request) -> _Page:
        [writer], [reader] = self._writers, self._readers

        def decode(body: bytes) -> tuple[PageEnvelope, Rows]:
            envelope = PAGE.decode(body)
            return envelope, reader.of_array(envelope.Results)

        answer = self._client.get(path, decode, self._page_query(request))
        envelope, rows = answer.value
        writer.append(rows.lines(request.read, request.skip), rows.extra_names)
        return _Page(
            request,
            max(len(rows.raw) - request.skip, 0),
            answer.requests,
            answer.size,
            envelope.TotalNumberOfRecords,
            rows.identities,
        )

    def _page_query(self, request: _Request) -> dict[str, str | int]:
        table = self._table
        query: dict[str, str | int] = {"page": request.page or 1, "pagesize": request.size}
        if request.order:
            query |= {"orderfield": request.order, "orderdirection": "asc"}
        wanted = (option for option in table.options if option in self._settings.options)
        return query | dict(table.query) | dict.fromkeys(wanted, "true")


def _overlapping_size(total: int, full: int) -> int:
    """The size of the pages after the first, so that the second begins within the first."""
    size = math.ceil(total / math.ceil(total / full))
    return size if _SMALLEST_PAGE <= size < full else full - 1


def _is_consistent(pages: Sequence[_Page], *, has_key: bool) -> bool:
    """Whether nothing moved while the pages were read, or only in a way that shifted no row."""
    total = pages[0].total
    if not all(page.is_whole for page in pages):
        return False
    if pages[0].request.order == "date":
        if any(page.total < total for page in pages):
            return False
    elif any(page.total != total for page in pages):
        return False
    if len(pages) > 1:
        shared = pages[1].request.skip
        if (
            pages[0].identities[len(pages[0].identities) - shared :]
            != (pages[1].identities[:shared])
        ):
            return False
    return not (has_key and _repeats([page.identities[page.request.skip :] for page in pages]))


def _repeats(hashes: Sequence["array[int]"]) -> bool:
    """Whether one comes twice."""
    # Importing it takes as long as a request does, so it waits until requests are under way.
    import numpy as np  # noqa: PLC0415

    together = np.concatenate([np.frombuffer(each, np.int64) for each in hashes])
    together.sort()
    return bool((together[1:] == together[:-1]).any())
