"""The clients of an account: which of them are wanted, and a client's own key at `/clients`."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.errors import ApiError, ConfigurationError
from campaign_monitor_assets.staging.files import ReadParent, StagingWriter

_REFUSED_CODES: Final = frozenset({100, 102, 403})
"""Key invalid here, resource not of this account, agencies only."""


class ClientRow(msgspec.Struct, frozen=True):
    """A client as `/clients` gives it."""

    ClientID: str
    Name: str


class _BasicDetails(msgspec.Struct):
    ClientID: str
    CompanyName: str


class _Details(msgspec.Struct):
    # The client's own ApiKey stands beside these; a field that is not named is never decoded.
    BasicDetails: _BasicDetails


def may_be_client_key(error: ApiError) -> bool:
    """Whether `/clients` was refused as it may be to a client's own key.

    Whether the key is valid at all shows at the client's details.
    """
    return error.code in _REFUSED_CODES


def client_from_details(client: ApiClient, client_id: str) -> ClientRow:
    """A client from its details.

    See https://www.campaignmonitor.com/api/v3-3/clients/#getting-clients-details

    Raises:
        ApiError: It is not a client that the credentials see.
    """
    decoder = msgspec.json.Decoder(_Details)
    details = client.get(f"/clients/{client_id}", decoder.decode).value.BasicDetails
    return ClientRow(details.ClientID, details.CompanyName)


def stage_from_details(client: ApiClient, writer: StagingWriter, client_ids: Sequence[str]) -> None:
    """Stages clients from their details, where `/clients` is refused to a client's own key."""
    rows = [client_from_details(client, client_id) for client_id in client_ids]
    encoder = msgspec.json.Encoder()
    writer.append(encoder.encode_lines({"read": 1, "row": row} for row in rows))
    writer.accept(ReadParent(1, {}, len(rows), len(rows)))


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
