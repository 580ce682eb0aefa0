"""Reads whole tables: the collections of all parents, concurrently, into staged files."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.catalogue import Shape, Table
from campaign_monitor_assets.errors import ApiError
from campaign_monitor_assets.extract.concurrency import Task, TaskRunner
from campaign_monitor_assets.extract.decoding import PAGE, PageEnvelope, RowReader, Rows
from campaign_monitor_assets.extract.paginator import (
    Page,
    PageRequest,
    is_consistent,
    next_requests,
)
from campaign_monitor_assets.extract.progress import Progress, Tally
from campaign_monitor_assets.extract.settings import ExtractSettings
from campaign_monitor_assets.staging.files import StagingWriter
from campaign_monitor_assets.staging.records import CollectionRead, Staged

Parent = Mapping[str, str]


@dataclass(frozen=True)
class _Request:
    """One request: of a parent, for an attempt; a page of a collection or, without, all of it."""

    parent: Parent
    read: int
    page: PageRequest | None = None
    order: str | None = None


@dataclass(frozen=True)
class _Response:
    """What came of a request whose rows are staged.

    Attributes:
        requests: Requests sent, retries included.
        size: Bytes received.
        rows: Rows staged.
        page: The figures of a page.
        deleted: The parent is gone.
    """

    requests: int = 1
    size: int = 0
    rows: int = 0
    page: Page | None = None
    deleted: bool = False


_Task = Task[_Request, _Response, None]


def read_tables(
    client: ApiClient,
    writers: Sequence[StagingWriter],
    parents: Sequence[Parent],
    settings: ExtractSettings,
    progress: Callable[[Progress], None] = lambda _: None,
) -> list[Staged]:
    """Reads one endpoint for all parents into the staged files of the tables that it feeds.

    Args:
        client: Sends the requests; closed at the first error.
        writers: One for each table; the tables share an endpoint, which is asked once.
        parents: For each collection the columns that its rows inherit. An endpoint without a
            parent has one, which is empty.
        settings: How to read.
        progress: Called after each response.

    Raises:
        CampaignMonitorError: A page can't be had. Nothing of the table is then to be used.
    """
    extraction = _Extraction(client, writers, settings)
    tally = Tally(len(parents), progress)
    runner = TaskRunner(
        extraction.fetch,
        connections=client.connections,
        answered=lambda response: tally.count(
            requests=response.requests, size=response.size, rows=response.rows
        ),
        expected=tally.expect,
        abort=client.close,
    )
    runner.run(map(extraction.task, parents))
    return [
        writer.finish(requests=tally.requests, size=tally.size, seconds=tally.seconds)
        for writer in writers
    ]


class _Extraction:
    """The tasks of one endpoint, and how each of their requests is sent and staged."""

    def __init__(
        self, client: ApiClient, writers: Sequence[StagingWriter], settings: ExtractSettings
    ) -> None:
        self._client = client
        self._writers = writers
        self._readers = [RowReader(writer.table) for writer in writers]
        self._table: Table = writers[0].table
        self._settings = settings
        self._numbers = itertools.count(1)

    def task(self, parent: Parent) -> _Task:
        """Reads the collection of one parent."""
        paged = self._table.shape is Shape.PAGE
        return self._read_pages(parent) if paged else self._read_whole(parent)

    def _read_whole(self, parent: Parent) -> _Task:
        [response] = yield [_Request(parent, next(self._numbers))]
        if response.deleted:
            self._leave_out(parent)

    def _read_pages(self, parent: Parent) -> _Task:
        [writer], table, retries = self._writers, self._table, self._settings.consistency_retries
        for attempt in range(retries + 1):
            read = next(self._numbers)
            again = table.retry_order_field if attempt % 2 else None
            order = again or table.order_field
            pages = yield from self._read_attempt(parent, read, order)
            if pages is None:
                self._leave_out(parent)
                return
            consistent = is_consistent(pages, has_key=bool(table.key), by_date=order == "date")
            if consistent or attempt == retries:
                rows = sum(len(page.new_keys) for page in pages)
                # The page that was read last knows best.
                reported = rows if consistent else pages[min(1, len(pages) - 1)].total
                writer.accept(CollectionRead(read, parent, rows, reported, consistent, attempt))
                return

    def _read_attempt(
        self, parent: Parent, read: int, order: str | None
    ) -> Task[_Request, _Response, list[Page] | None]:
        """The pages of one attempt; None where the parent is gone."""
        pages: list[Page] = []
        while requests := next_requests(pages, page_size=self._settings.page_size):
            responses = yield [_Request(parent, read, page, order) for page in requests]
            if any(response.deleted for response in responses):
                return None
            pages += [response.page for response in responses if response.page is not None]
        return pages

    def _leave_out(self, parent: Parent) -> None:
        for writer in self._writers:
            writer.leave_out(parent)

    def fetch(self, request: _Request) -> _Response:
        """Sends one request and stages its rows; called from several threads."""
        path = self._table.path.format_map(request.parent)
        try:
            if request.page is None:
                return self._fetch_whole(path, request)
            return self._fetch_page(path, request, request.page)
        except ApiError as error:
            if error.code in self._table.deleted_codes:
                return _Response(deleted=True)
            raise

    def _fetch_whole(self, path: str, request: _Request) -> _Response:
        response = self._client.get(
            path,
            lambda body: [reader.of_body(body) for reader in self._readers],
            dict(self._table.query),
        )
        for writer, rows in zip(self._writers, response.value, strict=True):
            writer.append(rows.lines(request.read), rows.extra_names)
            count = len(rows.raw)
            writer.accept(CollectionRead(request.read, request.parent, count, count))
        staged = sum(len(rows.raw) for rows in response.value)
        return _Response(response.requests, response.size, staged)

    def _fetch_page(self, path: str, request: _Request, page: PageRequest) -> _Response:
        [writer], [reader] = self._writers, self._readers

        def decode(body: bytes) -> tuple[PageEnvelope, Rows]:
            envelope = PAGE.decode(body)
            return envelope, reader.of_array(envelope.Results)

        response = self._client.get(path, decode, self._page_query(page, request.order))
        envelope, rows = response.value
        writer.append(rows.lines(request.read, page.skip), rows.extra_names)
        read = Page(page, envelope.TotalNumberOfRecords, rows.keys)
        return _Response(response.requests, response.size, len(read.new_keys), read)

    def _page_query(self, page: PageRequest, order: str | None) -> dict[str, str | int]:
        table = self._table
        query: dict[str, str | int] = {"page": page.number, "pagesize": page.size}
        if order:
            query |= {"orderfield": order, "orderdirection": "asc"}
        wanted = (option for option in table.options if option in self._settings.options)
        return query | dict(table.query) | dict.fromkeys(wanted, "true")
