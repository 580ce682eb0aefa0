"""A look at the account before the first sync: whether the key works, and what a sync will cost."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.extract.account import find_clients
from campaign_monitor_assets.extract.errors import AllParentsMissingError
from campaign_monitor_assets.extract.survey import Survey


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
        rows: About how many rows the other tables have.
        later: About how many requests a later sync sends, where little moves and nothing is due
            to be read in full; None: no table is read incrementally.
    """

    sees_all: bool
    clients: tuple[ClientFigures, ...]
    requests: int
    seconds: float
    not_counted: tuple[str, ...]
    rows: int
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
    survey = Survey(client, page_size, connections)
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
        rows=round(sum(costs.rows_of(table) for table in tables)),
        later=round(requests - sum(saved.values())) if incremental else None,
    )


def _requests(tables: Sequence[Table], by_table: Mapping[str, float | None]) -> float:
    """All requests; tables that share an endpoint share its requests."""
    return sum({table.path: by_table[table.name] or 0 for table in tables}.values())
