"""A look at the account before the first sync: whether the key works, and what a sync will cost."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.catalogue import Shape, Table
from campaign_monitor_assets.errors import AllParentsMissingError, ApiError
from campaign_monitor_assets.extract.account import (
    ClientRow,
    find_clients,
)
from campaign_monitor_assets.extract.fetch import is_forbidden
from campaign_monitor_assets.extract.increments import fewest_requests
from campaign_monitor_assets.extract.paginator import MIN_PAGE_SIZE
from campaign_monitor_assets.staging.records import pages_of

T = TypeVar("T")

_MOST_LISTS_ASKED: Final = 100
"""Lists whose totals are asked for; those of the rest are taken to be like them."""


_DELETED_LIST_CODE: Final = 101


class _List(msgspec.Struct, frozen=True):
    ListID: str


class _Collection(msgspec.Struct, frozen=True):
    TotalNumberOfRecords: int


@dataclass(frozen=True)
class ClientFigures:
    """A client with the number of its lists; None: it is not of this account and left out."""

    client_id: str
    name: str | None
    lists: int | None


@dataclass(frozen=True)
class AccountCheck:
    """What was found.

    Attributes:
        sees_all: The key is the account's, which sees every client; otherwise a client's own.
        clients: The clients that will be read.
        requests: About how many requests the first full sync sends.
        seconds: About how long it waits for the responses.
        not_counted: The tables whose cost shows only as they are read.
        later: About how many requests a later sync sends, where little moves and nothing is due
            to be read in full; None: no table is read incrementally.
    """

    sees_all: bool
    clients: tuple[ClientFigures, ...]
    requests: int
    seconds: float
    not_counted: tuple[str, ...]
    later: int | None = None

    def lines(self) -> Iterator[str]:
        """What was found, in words."""
        kind = "the account's, which sees every client" if self.sees_all else "one client's own"
        yield f"The credentials are valid; they are {kind}."
        for client in self.clients:
            named = f"Client {client.name or '(no name)'} ({client.client_id})"
            if client.lists is None:
                yield f"{named}: refused (code 102, not of this account); it will be left out."
            else:
                yield f"{named}: {client.lists} lists."
        yield (
            f"The first full sync sends about {self.requests} requests and waits about"
            f" {max(self.seconds, 1):.0f} s for the responses."
        )
        if self.later is not None:
            yield (
                f"A later one, incremental as configured, sends about {self.later} where little"
                " moves, and more where lists are due to be read in full."
            )
        if self.not_counted:
            names = ", ".join(self.not_counted)
            yield f"Not counted, since it shows only as they are read: {names}."


def check_account(
    client: ApiClient,
    *,
    tables: Sequence[Table],
    wanted: Sequence[str],
    page_size: int,
    connections: int,
    requests_per_second: float | None = None,
    incremental: Collection[str] = (),
) -> AccountCheck:
    """Requests the clients and the totals of their lists.

    Args:
        client: Sends the requests.
        tables: The tables that will be read.
        wanted: The clients to read, by ClientID or name; empty: all.
        page_size: Rows a page.
        connections: Requests in flight at once.
        requests_per_second: The most requests a second; None: no such bound.
        incremental: The tables that are read incrementally.

    Raises:
        CampaignMonitorError: The credentials, a wanted client or every client are refused.
    """
    survey = _Survey(client, page_size)
    found = find_clients(client, wanted)
    lists = survey.lists_of(found.clients)
    clients = [row for row in found.clients if row.ClientID in lists]
    if found.clients and not clients:
        raise AllParentsMissingError("lists", "clients", deleted=0, forbidden=len(found.clients))
    costs = survey.costs(clients, [item for items in lists.values() for item in items])
    by_table = {table.name: costs.of(table) for table in tables}
    requests = _requests(tables, by_table)
    saved = {table.name: costs.saved(table) for table in tables if table.name in incremental}
    fastest = requests / requests_per_second if requests_per_second else 0
    return AccountCheck(
        sees_all=found.sees_all,
        clients=tuple(
            ClientFigures(
                row.ClientID,
                row.Name,
                len(lists[row.ClientID]) if row.ClientID in lists else None,
            )
            for row in found.clients
        ),
        requests=round(requests),
        seconds=max(requests * survey.latency / connections, fastest),
        not_counted=tuple(name for name, cost in by_table.items() if cost is None),
        later=round(requests - sum(saved.values())) if incremental else None,
    )


def _requests(tables: Sequence[Table], by_table: Mapping[str, float | None]) -> float:
    """All requests; tables that share an endpoint share its requests."""
    return sum({table.path: by_table[table.name] or 0 for table in tables}.values())


@dataclass(frozen=True)
class _Costs:
    """Requests that tables take: one a parent, or what was counted for their pages."""

    parents: Mapping[str, int]
    pages: Mapping[str, Sequence[int]]
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

    def saved(self, table: Table) -> float:
        """The requests of them that incremental reading saves, where little was added."""
        counted = self.pages.get(table.stat or table.name, ())
        least = fewest_requests(table)
        return self._scale(table) * sum(max(pages - least, 0) for pages in counted)

    def _scale(self, table: Table) -> float:
        # Not all lists were asked for their statistics.
        return self.scale if table.stat else 1


class _Survey:
    """The few requests from which the cost of all is told."""

    def __init__(self, client: ApiClient, page_size: int) -> None:
        self._client = client
        self._page_size = page_size
        self._asked = 0
        self._waited = 0.0

    @property
    def latency(self) -> float:
        """Seconds that a response took."""
        return self._waited / max(self._asked, 1)

    def lists_of(self, clients: Sequence[ClientRow]) -> dict[str, list[_List]]:
        """The lists of each client that is of this account."""
        found = {
            row.ClientID: self._get(f"/clients/{row.ClientID}/lists", list[_List])
            for row in clients
        }
        return {client_id: lists for client_id, lists in found.items() if lists is not None}

    def costs(self, clients: Sequence[ClientRow], lists: Sequence[_List]) -> _Costs:
        asked = lists[:_MOST_LISTS_ASKED]
        scale = len(lists) / len(asked) if asked else 0.0
        stats = [self._get(f"/lists/{item.ListID}/stats", dict[str, Any]) or {} for item in asked]
        totals = {
            table: [self._total(f"/clients/{row.ClientID}/{endpoint}") for row in clients]
            for table, endpoint in (
                ("suppression_list", "suppressionlist"),
                ("campaigns", "campaigns"),
            )
        }
        by_stat = {
            stat: self._pages(_whole(found.get(stat)) for found in stats)
            for stat in {stat for found in stats for stat in found}
            if stat.startswith("Total")
        }
        return _Costs(
            parents={
                "clients": len(clients),
                "lists": len(lists),
                "campaigns": sum(totals["campaigns"]),
            },
            pages=by_stat | {table: self._pages(found) for table, found in totals.items()},
            scale=scale,
        )

    def _total(self, path: str) -> int:
        found = self._get(path, _Collection, page=1, pagesize=MIN_PAGE_SIZE)
        return max(found.TotalNumberOfRecords, 0) if found else 0

    def _pages(self, totals: Iterable[int]) -> list[int]:
        return [pages_of(total, self._page_size) for total in totals]

    def _get(self, path: str, type_: type[T], **query: int) -> T | None:
        """The decoded response; None where the client or list is gone or not of this account."""
        started = time.monotonic()
        try:
            return self._client.get(path, msgspec.json.Decoder(type_).decode, query).value
        except ApiError as error:
            if error.code == _DELETED_LIST_CODE or is_forbidden(error):
                return None
            raise
        finally:
            self._waited += time.monotonic() - started
            self._asked += 1


def _whole(figure: object) -> int:
    """A figure of a list's statistics; 0 where it is none."""
    return max(figure, 0) if isinstance(figure, int) else 0
