"""Which clients an account has, which of them are wanted, and a client's own key at `/clients`."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.errors import ApiError, ConfigurationError
from campaign_monitor_assets.extract.decoding import RowReader
from campaign_monitor_assets.staging.files import StagingWriter
from campaign_monitor_assets.staging.records import CollectionRead, Staged

_CLIENTS: Final = "/clients"

_CLIENT_KEY_CODES: Final = frozenset({100, 102, 403})
"""What may be answered to a client's own key; whether it is valid at all shows elsewhere."""


class ClientRow(msgspec.Struct, frozen=True):
    """A client as `/clients` gives it."""

    ClientID: str
    Name: str


@dataclass(frozen=True)
class AccountClients:
    """The clients that will be read.

    Attributes:
        clients: The wanted ones.
        sees_all: The key is the account's, so that it sees every client; otherwise a client's own.
    """

    clients: tuple[ClientRow, ...]
    sees_all: bool


class _BasicDetails(msgspec.Struct):
    ClientID: str
    CompanyName: str


class _Details(msgspec.Struct):
    # The client's own ApiKey stands beside these; a field that is not named is never decoded.
    BasicDetails: _BasicDetails


@dataclass(frozen=True)
class _Read:
    """A JSON array of clients, and what it took."""

    body: bytes
    sees_all: bool
    requests: int
    size: int


def find_clients(client: ApiClient, wanted: Sequence[str]) -> AccountClients:
    """Finds the wanted clients.

    Args:
        client: Sends the requests.
        wanted: The clients to read, by ClientID or name; empty: all.

    Raises:
        ApiError: The credentials are refused.
        ConfigurationError: A client is not of the account, or a client's own key needs its
            ClientID.
    """
    read = _read(client, wanted, lambda _: None)
    rows = msgspec.json.decode(read.body, type=list[ClientRow])
    if read.sees_all:
        ids = wanted_client_ids(wanted, [msgspec.structs.asdict(row) for row in rows])
        rows = [row for row in rows if row.ClientID in ids]
    return AccountClients(tuple(rows), read.sees_all)


def read_clients(
    client: ApiClient, writer: StagingWriter, wanted: Sequence[str], log: Callable[[str], None]
) -> Staged:
    """Stages the table of clients: all that the credentials see.

    Args:
        client: Sends the requests.
        writer: Takes the rows.
        wanted: The clients whose details are asked for where `/clients` is refused.
        log: Told of that.

    Raises:
        ApiError: The credentials are refused.
        ConfigurationError: A client's own key needs its ClientID.
    """
    started = time.monotonic()
    read = _read(client, wanted, log)
    rows = RowReader(writer.table).of_body(read.body)
    writer.append(rows.lines(1), rows.extra_names)
    writer.accept(CollectionRead(1, {}, len(rows.raw), len(rows.raw)))
    seconds = time.monotonic() - started
    return writer.finish(requests=read.requests, size=read.size, seconds=seconds)


def wanted_client_ids(
    wanted: Sequence[str], clients: Sequence[Mapping[str, str]]
) -> frozenset[str]:
    """The ClientIDs of the wanted clients, each given by ClientID or name.

    Args:
        wanted: What the user asks for; empty: all.
        clients: The account's clients with ClientID and Name.

    Raises:
        ConfigurationError: One fits no client, or a name fits several.
    """
    by_wish = {
        wish: [row["ClientID"] for row in clients if wish in (row["ClientID"], row["Name"])]
        for wish in wanted
    }
    allowed = ", ".join(f"{row['Name']!r} ({row['ClientID']})" for row in clients)
    for wish, found in by_wish.items():
        if len(found) != 1:
            problem = "fits no client" if not found else f"fits {len(found)} clients"
            raise ConfigurationError(
                f"The client {wish!r} {problem} of the account. Its clients: {allowed}."
                " Correct CAMPAIGN_MONITOR_CLIENT_ID or the component's `clients`."
            )
    if not wanted:
        return frozenset(row["ClientID"] for row in clients)
    return frozenset(found[0] for found in by_wish.values())


def _read(client: ApiClient, wanted: Sequence[str], log: Callable[[str], None]) -> _Read:
    """The account's clients, or where `/clients` is refused the wanted ones by their details."""
    try:
        response = client.get(_CLIENTS, _array)
    except ApiError as error:
        if error.code not in _CLIENT_KEY_CODES:
            raise
        if not wanted:
            if _is_valid(client):
                raise ConfigurationError(
                    "The key is valid, but /clients is refused to it, so it is a client's own key."
                    " Set CAMPAIGN_MONITOR_CLIENT_ID to that client's ClientID, which stands beside"
                    " the key under the client's settings."
                ) from error
            raise
    else:
        return _Read(response.value, sees_all=True, requests=response.requests, size=response.size)
    log("/clients is refused to this key: reading each client's details.")
    decoder = msgspec.json.Decoder(_Details)
    details = [client.get(f"{_CLIENTS}/{client_id}", decoder.decode) for client_id in wanted]
    basic = [each.value.BasicDetails for each in details]
    return _Read(
        msgspec.json.encode([ClientRow(each.ClientID, each.CompanyName) for each in basic]),
        sees_all=False,
        requests=1 + sum(each.requests for each in details),
        size=sum(each.size for each in details),
    )


def _array(body: bytes) -> bytes:
    """The body, if it is an array of objects."""
    msgspec.json.decode(body, type=list[dict[str, msgspec.Raw]])
    return body


def _is_valid(client: ApiClient) -> bool:
    """Whether the credentials are accepted where no client is named."""
    try:
        client.get("/systemdate", msgspec.json.Decoder(dict[str, str]).decode)
    except ApiError:
        return False
    return True
