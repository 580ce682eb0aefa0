"""One request of a table: sent, decoded and staged; called from several threads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import msgspec

from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.catalogue import Option, Table
from campaign_monitor_assets.errors import ApiError
from campaign_monitor_assets.extract.decoding import PAGE, PageEnvelope, RowReader, Rows
from campaign_monitor_assets.extract.paginator import Page, PageRequest
from campaign_monitor_assets.extract.parents import Parent
from campaign_monitor_assets.staging.files import StagingWriter
from campaign_monitor_assets.staging.records import CollectionRead, Missing

_REFUSED_DATE_CODE: Final = 5
"""The `date` filter is not accepted."""

_FORBIDDEN_CODE: Final = 102
"""The resource is not of this account, or not any more."""


@dataclass(frozen=True)
class Request:
    """A page of a parent's collection or, without one, all of it.

    Attributes:
        parent: The parent's columns that the rows inherit.
        read: The number of the attempt.
        page: The page; None: the endpoint has no pages.
        order: The field to order pages by.
        descending: Whether they are ordered by it the other way round.
        since: Only records from this time on, as the API writes times.
        elsewhere: The endpoint to ask in the place of the table's own, for records that left it.
        counts_only: Whether only the total is wanted; nothing is staged then.
    """

    parent: Parent
    read: int
    page: PageRequest | None = None
    order: str | None = None
    descending: bool = False
    since: str | None = None
    elsewhere: str | None = None
    counts_only: bool = False


@dataclass(frozen=True)
class Response:
    """What came of a request whose rows are staged.

    Attributes:
        requests: Requests sent, retries included.
        size: Bytes received.
        rows: Rows staged.
        page: The figures of a page.
        missing: Why there is nothing to read: the parent is deleted or forbidden.
        is_refused: The API doesn't take the time from which on records were asked for.
        times: The time of each row of a page that is ordered newest first; None: it has none.
    """

    requests: int = 1
    size: int = 0
    rows: int = 0
    page: Page | None = None
    missing: Missing | None = None
    is_refused: bool = False
    times: Sequence[str | None] = ()


def is_forbidden(error: ApiError) -> bool:
    """Whether the API refused a resource because it is not of this account, or not any more."""
    return error.code == _FORBIDDEN_CODE


class Fetcher:
    """Sends the requests of one endpoint and stages their rows.

    Args:
        client: Sends the requests.
        writers: One for each table that the endpoint feeds.
        options: The preferences to ask for.
    """

    def __init__(
        self, client: ApiClient, writers: Sequence[StagingWriter], options: frozenset[Option]
    ) -> None:
        self._client = client
        self._writers = writers
        self._readers = [RowReader(writer.table) for writer in writers]
        self._table: Table = writers[0].table
        self._options = options

    def path(self, parent: Parent) -> str:
        """The endpoint for a parent."""
        return self._filled(self._table.path, parent)

    def _filled(self, path: str, parent: Parent) -> str:
        return path.format_map({name: quote(value, safe="") for name, value in parent.items()})

    def fetch(self, request: Request) -> Response:
        """Sends one request and stages its rows.

        Raises:
            CampaignMonitorError: There is no usable response.
        """
        try:
            if request.page is None:
                return self._fetch_whole(request)
            return self._fetch_page(request, request.page)
        except ApiError as error:
            if request.since and error.code == _REFUSED_DATE_CODE:
                return Response(is_refused=True)
            if error.code in self._table.deleted_codes:
                return Response(missing=Missing(request.parent, forbidden=False))
            if self._table.parent and is_forbidden(error):
                return Response(missing=Missing(request.parent, forbidden=True))
            raise

    def _fetch_whole(self, request: Request) -> Response:
        response = self._client.get(
            self.path(request.parent),
            lambda body: [reader.of_body(body) for reader in self._readers],
            dict(self._table.query),
        )
        for writer, rows in zip(self._writers, response.value, strict=True):
            writer.append(rows.lines(request.read), rows.extra_names)
            writer.count_replaced(response.replaced)
            count = len(rows.raw)
            writer.accept(
                CollectionRead(request.read, request.parent, count, count, proof="one response")
            )
        staged = sum(len(rows.raw) for rows in response.value)
        return Response(response.requests, response.size, staged)

    def _fetch_page(self, request: Request, page: PageRequest) -> Response:
        [writer], [reader] = self._writers, self._readers

        def decode(body: bytes) -> tuple[PageEnvelope, Rows]:
            envelope = PAGE.decode(body)
            return envelope, reader.of_array(envelope.Results)

        path = self._filled(request.elsewhere or self._table.path, request.parent)
        response = self._client.get(path, decode, self._page_query(request, page))
        envelope, rows = response.value
        if request.elsewhere:
            writer.append_departed(rows.lines(request.read, page.skip))
        elif not request.counts_only:
            writer.append(rows.lines(request.read, page.skip), rows.extra_names)
            writer.count_replaced(response.replaced)
        read = Page(
            request=page,
            keys=rows.keys,
            total=envelope.TotalNumberOfRecords,
            number=envelope.PageNumber,
            size=envelope.PageSize,
            records=envelope.RecordsOnThisPage,
            pages=envelope.NumberOfPages,
            by_date=request.order == "date" and envelope.may_be_by_date,
        )
        return Response(
            response.requests,
            response.size,
            0 if request.counts_only else read.new_rows,
            read,
            times=[self._time(row) for row in rows.raw] if request.descending else (),
        )

    def _time(self, row: bytes | msgspec.Raw) -> str | None:
        assert self._table.increments is not None
        found = msgspec.json.decode(row, type=dict[str, Any]).get(self._table.increments.column)
        return found if isinstance(found, str) else None

    def _page_query(self, request: Request, page: PageRequest) -> dict[str, str | int]:
        table = self._table
        query: dict[str, str | int] = {"page": page.number, "pagesize": page.size}
        if request.order:
            direction = "desc" if request.descending else "asc"
            query |= {"orderfield": request.order, "orderdirection": direction}
        wanted = (option for option in table.options if option in self._options)
        query |= dict(table.query) | dict.fromkeys(wanted, "true")
        return query | ({"date": request.since} if request.since else {})
