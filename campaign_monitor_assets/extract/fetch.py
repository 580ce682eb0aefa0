"""One request of a table: sent, decoded and staged; called from several threads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.catalogue import Option, Table
from campaign_monitor_assets.errors import ApiError
from campaign_monitor_assets.extract.decoding import PAGE, PageEnvelope, RowReader, Rows
from campaign_monitor_assets.extract.paginator import Page, PageRequest
from campaign_monitor_assets.extract.parents import Parent
from campaign_monitor_assets.staging.files import StagingWriter
from campaign_monitor_assets.staging.records import CollectionRead, Missing

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
    """

    parent: Parent
    read: int
    page: PageRequest | None = None
    order: str | None = None


@dataclass(frozen=True)
class Response:
    """What came of a request whose rows are staged.

    Attributes:
        requests: Requests sent, retries included.
        size: Bytes received.
        rows: Rows staged.
        page: The figures of a page.
        missing: Why there is nothing to read: the parent is deleted or forbidden.
    """

    requests: int = 1
    size: int = 0
    rows: int = 0
    page: Page | None = None
    missing: Missing | None = None


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
        return self._table.path.format_map(
            {name: quote(value, safe="") for name, value in parent.items()}
        )

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
            writer.accept(CollectionRead(request.read, request.parent, count, count))
        staged = sum(len(rows.raw) for rows in response.value)
        return Response(response.requests, response.size, staged)

    def _fetch_page(self, request: Request, page: PageRequest) -> Response:
        [writer], [reader] = self._writers, self._readers

        def decode(body: bytes) -> tuple[PageEnvelope, Rows]:
            envelope = PAGE.decode(body)
            return envelope, reader.of_array(envelope.Results)

        path, query = self.path(request.parent), self._page_query(page, request.order)
        response = self._client.get(path, decode, query)
        envelope, rows = response.value
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
        return Response(response.requests, response.size, read.new_rows, read)

    def _page_query(self, page: PageRequest, order: str | None) -> dict[str, str | int]:
        table = self._table
        query: dict[str, str | int] = {"page": page.number, "pagesize": page.size}
        if order:
            query |= {"orderfield": order, "orderdirection": "asc"}
        wanted = (option for option in table.options if option in self._options)
        return query | dict(table.query) | dict.fromkeys(wanted, "true")
