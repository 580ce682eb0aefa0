"""The requests from which the cost of reading an account is told."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec

from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.catalogue import Shape, Table
from campaign_monitor_assets.errors import ApiError
from campaign_monitor_assets.extract.account import ClientRow
from campaign_monitor_assets.extract.concurrency import Task, TaskRunner
from campaign_monitor_assets.extract.fetch import is_forbidden
from campaign_monitor_assets.extract.increments import fewest_requests
from campaign_monitor_assets.extract.paginator import MIN_PAGE_SIZE
from campaign_monitor_assets.staging.records import pages_of

T = TypeVar("T")

_MOST_LISTS_ASKED: Final = 100
"""Lists whose totals are asked for; those of the rest are taken to be like them."""

_DELETED_LIST_CODE: Final = 101


class ListRow(msgspec.Struct, frozen=True):
    """A list as `/clients/{id}/lists` gives it."""

    ListID: str


class _Collection(msgspec.Struct, frozen=True):
    TotalNumberOfRecords: int


@dataclass(frozen=True)
class Costs:
    """Requests that tables take: one a parent, or what was counted for their pages.

    Attributes:
        parents: For a table of parents how many there are.
        pages: For a table, or what its statistics call it, the pages of each collection.
        rows: The same for the rows of all its collections.
        scale: How many lists there are for each whose statistics were asked for.
    """

    parents: Mapping[str, int]
    pages: Mapping[str, Sequence[int]]
    rows: Mapping[str, int]
    scale: float = 1

    def of(self, table: Table) -> float | None:
        """The requests of a full refresh; None where only reading it tells."""
        counted = self.pages.get(table.stat or table.name)
        if counted is not None or table.shape is Shape.PAGE:
            return None if counted is None else self._scale(table) * sum(counted)
        if table.parent is None:
            return 1
        # Segments are asked for by client although lists are their parent.
        asked_by = "clients" if table.placeholders == ("ClientID",) else table.parent
        return self.parents.get(asked_by)

    def rows_of(self, table: Table) -> float:
        """The rows of a table, as far as they are counted; of others one for each request."""
        counted = self.rows.get(table.stat or table.name)
        return (self.of(table) or 0) if counted is None else self._scale(table) * counted

    def saved(self, table: Table) -> float:
        """The requests of them that incremental reading saves, where little was added."""
        counted = self.pages.get(table.stat or table.name, ())
        least = fewest_requests(table)
        return self._scale(table) * sum(max(pages - least, 0) for pages in counted)

    def _scale(self, table: Table) -> float:
        # Not all lists were asked for their statistics.
        return self.scale if table.stat else 1


@dataclass(frozen=True)
class _Answer(Generic[T]):
    """A decoded response and the seconds that it took; None: there is nothing to be read."""

    value: T | None
    seconds: float


class Survey:
    """The requests from which the cost of all is told, as many at a time as a sync sends."""

    def __init__(self, client: ApiClient, page_size: int, connections: int) -> None:
        self._client = client
        self._page_size = page_size
        self._connections = connections
        self._asked = 0
        self._waited = 0.0

    @property
    def latency(self) -> float:
        """Seconds that a response took."""
        return self._waited / max(self._asked, 1)

    def lists_of(self, clients: Sequence[ClientRow]) -> dict[str, list[ListRow]]:
        """The lists of each client that is of this account."""
        ids = [row.ClientID for row in clients]
        found = self._all([f"/clients/{client_id}/lists" for client_id in ids], list[ListRow])
        return {
            client_id: lists
            for client_id, lists in zip(ids, found, strict=True)
            if lists is not None
        }

    def costs(self, clients: Sequence[ClientRow], lists: Sequence[ListRow]) -> Costs:
        """What reading the clients and their lists takes."""
        asked = lists[:_MOST_LISTS_ASKED]
        scale = len(lists) / len(asked) if asked else 0.0
        paths = [f"/lists/{row.ListID}/stats" for row in asked]
        stats = [found or {} for found in self._all(paths, dict[str, Any])]
        totals = {
            table: self._totals([f"/clients/{row.ClientID}/{endpoint}" for row in clients])
            for table, endpoint in (
                ("suppression_list", "suppressionlist"),
                ("campaigns", "campaigns"),
            )
        }
        by_stat = {
            stat: [_whole(found.get(stat)) for found in stats]
            for stat in {stat for found in stats for stat in found}
            if stat.startswith("Total")
        }
        counted = by_stat | totals
        return Costs(
            parents={
                "clients": len(clients),
                "lists": len(lists),
                "campaigns": sum(totals["campaigns"]),
            },
            pages={name: self._pages(found) for name, found in counted.items()},
            rows={name: sum(found) for name, found in counted.items()},
            scale=scale,
        )

    def _totals(self, paths: Sequence[str]) -> list[int]:
        found = self._all(paths, _Collection, page=1, pagesize=MIN_PAGE_SIZE)
        return [max(each.TotalNumberOfRecords, 0) if each else 0 for each in found]

    def _pages(self, totals: Iterable[int]) -> list[int]:
        return [pages_of(total, self._page_size) for total in totals]

    def _all(self, paths: Sequence[str], type_: type[T], **query: int) -> list[T | None]:
        """The decoded responses; None where the client or list is gone or not of this account."""
        decode = msgspec.json.Decoder(type_).decode
        answers: list[_Answer[T]] = []

        def fetch(path: str) -> _Answer[T]:
            return self._get(path, decode, query)

        def ask() -> Task[str, _Answer[T], None]:
            answers.extend((yield paths))

        TaskRunner(
            fetch,
            connections=self._connections,
            answered=self._count,
            expected=lambda _: None,
            abort=self._client.close,
        ).run(iter([ask()]))
        return [answer.value for answer in answers]

    def _count(self, answer: _Answer[T]) -> None:
        self._waited += answer.seconds
        self._asked += 1

    def _get(self, path: str, decode: Callable[[bytes], T], query: Mapping[str, int]) -> _Answer[T]:
        started, value = time.monotonic(), None
        try:
            value = self._client.get(path, decode, query).value
        except ApiError as error:
            if error.code != _DELETED_LIST_CODE and not is_forbidden(error):
                raise
        return _Answer(value, time.monotonic() - started)


def _whole(figure: object) -> int:
    """A figure of a list's statistics; 0 where it is none."""
    return max(figure, 0) if isinstance(figure, int) else 0
