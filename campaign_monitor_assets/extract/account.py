"""Which clients an account has, which of them are wanted, and a client's own key at `/clients`."""

import re
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.errors import ApiError, ConfigurationError
from campaign_monitor_assets.extract.decoding import RowReader
from campaign_monitor_assets.staging.files import StagingWriter
from campaign_monitor_assets.staging.records import CollectionRead, Staged
from campaign_monitor_assets.wording import looks_secret, shown

_CLIENTS: Final = "/clients"

_CLIENT_KEY_CODES: Final = frozenset({100, 102, 403})
"""What may be answered to a client's own key; whether it is valid at all shows elsewhere."""


class ClientRow(msgspec.Struct, frozen=True):
    """A client as `/clients` gives it."""

    ClientID: str
    Name: str | None = None


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
    CompanyName: str | None = None


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
    replaced: int


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
    writer.count_replaced(read.replaced)
    writer.accept(CollectionRead(1, {}, len(rows.raw), len(rows.raw), proof="one response"))
    seconds = time.monotonic() - started
    return writer.finish(requests=read.requests, size=read.size, seconds=seconds)


def wanted_client_ids(
    wanted: Sequence[str], clients: Sequence[Mapping[str, str | None]]
) -> frozenset[str]:
    """The ClientIDs of the wanted clients, each given by ClientID or name.

    Blanks around a name, the case of a ClientID and whether an umlaut is one character or two make
    no difference. What fits no client is tried together with what follows it, since a name may hold
    commas; double quotes around a name keep its parts together.

    Args:
        wanted: What the user asks for; empty: all.
        clients: The account's clients with ClientID and Name.

    Raises:
        ConfigurationError: One fits no client, or a name fits several.
    """
    if not wanted:
        return frozenset(str(row["ClientID"]) for row in clients)
    ids: set[str] = set()
    rest = list(wanted)
    while rest:
        for count in range(1, len(rest) + 1):
            if found := _matches(", ".join(rest[:count]), clients):
                break
        if len(found) != 1:
            raise _unknown_client(rest[0], len(found), clients)
        ids.update(found)
        rest = rest[count:]
    return frozenset(ids)


def _matches(wish: str, clients: Sequence[Mapping[str, str | None]]) -> list[str]:
    """The ClientIDs that a wish fits."""
    wish = wish.strip()
    if len(wish) > 1 and wish[0] == wish[-1] == '"':
        wish = wish[1:-1]
    name, client_id = _comparable(wish), wish.lower()
    return [
        str(row["ClientID"])
        for row in clients
        if client_id == str(row["ClientID"]).lower()
        or (row["Name"] and name == _comparable(row["Name"]))
    ]


def _comparable(name: str) -> str:
    """A name without what can't be seen: composed, single blanks, one after each comma."""
    parts = unicodedata.normalize("NFC", name).split(",")
    return ", ".join(" ".join(part.split()) for part in parts)


def _unknown_client(
    wish: str, count: int, clients: Sequence[Mapping[str, str | None]]
) -> ConfigurationError:
    problem = f"fits {count} clients" if count else "fits no client"
    named = ", ".join(f"{row['Name'] or '(no name)'!r} ({row['ClientID']})" for row in clients)
    return ConfigurationError(
        f"The client {shown(wish)} {problem} of the account. Its clients: {named}. Correct"
        " CAMPAIGN_MONITOR_CLIENT_ID or the component's `clients`; where several clients stand in"
        " one line, a name that holds a comma stands in double quotes."
    )


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
        return _Read(
            response.value,
            sees_all=True,
            requests=response.requests,
            size=response.size,
            replaced=response.replaced,
        )
    log("/clients is refused to this key: reading each client's details.")
    decoder = msgspec.json.Decoder(_Details)
    details = [client.get(f"{_CLIENTS}/{_as_client_id(wish)}", decoder.decode) for wish in wanted]
    basic = [each.value.BasicDetails for each in details]
    return _Read(
        msgspec.json.encode([ClientRow(each.ClientID, each.CompanyName) for each in basic]),
        sees_all=False,
        requests=1 + sum(each.requests for each in details),
        size=sum(each.size for each in details),
        replaced=sum(each.replaced for each in details),
    )


def _as_client_id(wish: str) -> str:
    """The ClientID as it stands in a path.

    Raises:
        ConfigurationError: It can't be one.
    """
    client_id = wish.strip()
    if re.fullmatch(r"[0-9a-fA-F]{32}", client_id):
        return client_id.lower()
    # A path is logged, so what looks like a key of another form than a ClientID's is none.
    if looks_secret(client_id) or not re.fullmatch(r"[\w-]+", client_id, re.ASCII):
        raise ConfigurationError(
            f"The client {shown(wish)} can't be looked up by name: /clients is refused to a"
            " client's own key. Give its ClientID, which stands beside the key under the client's"
            " settings, in CAMPAIGN_MONITOR_CLIENT_ID or the component's `clients`."
        )
    return client_id


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
