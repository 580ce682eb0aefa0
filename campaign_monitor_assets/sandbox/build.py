"""Putting an account together out of its parts."""

from dataclasses import dataclass, replace
from typing import Final

from .account import Account, Size, Tables, list_stats, spread
from .audience import add_list, add_suppression_list
from .bulk import write_bulk
from .clients import add_clients, add_plans
from .mailing import EVENTS
from .reports import Reports

COLLECTIONS: Final = (
    "clients", "administrators",
    "client_details", "people", "tags", "campaigns", "scheduled_campaigns", "draft_campaigns",
    "lists", "segments", "templates", "suppression_list", "journeys",
    "list_details", "list_stats", "list_custom_fields", "list_webhooks",
    "active_subscribers", "unsubscribed_subscribers", "bounced_subscribers",
    "unconfirmed_subscribers", "deleted_subscribers",
    "segment_details", "segment_subscribers",
    "campaign_summary", "campaign_lists_and_segments", "campaign_email_client_usage",
    "campaign_recipients", *(f"campaign_{name}" for name in EVENTS),
    "journey_emails", "journey_email_recipients",
    *(f"journey_email_{name}" for name in EVENTS[:-1]),
)  # fmt: skip
"""Every collection that the sandbox serves."""


def build_account(size: Size) -> Account:
    """The account that belongs to a size: the same size gives the same account, byte for byte."""
    tables: Tables = {name: {} for name in COLLECTIONS}
    owners: dict[str, str] = {}
    clients = add_clients(tables, size)
    # The last of several clients has lists and nothing else.
    busy = clients[:-1] or clients
    for client, numbers in spread(size.lists, clients).items():
        tables["lists"][client], tables["segments"][client] = [], []
        for number in numbers:
            owners[add_list(tables, size, client, number)] = client
    reports = Reports(tables, size)
    campaigns = spread(size.campaigns, busy)
    for at, client in enumerate(clients):
        add_plans(tables, size, client, empty=client not in busy)
        sent = reports.add_campaigns(client, campaigns.get(client, []))
        journeys = reports.add_journeys(client, 2 - at if client in busy and at < 2 else 0)
        add_suppression_list(tables, size, client, reports.complaints)
        segments = [row["SegmentID"] for row in tables["segments"][client]]
        emails = [email for made in journeys.values() for email in made]
        owners |= dict.fromkeys([*sent, *segments, *journeys, *emails], client)
    # Only now: the campaigns have decided when people left.
    for list_id in tables["list_details"]:
        tables["list_stats"][list_id] = list_stats(tables, list_id, size.now)
    return Account(size.now, tables, owners)


@dataclass(frozen=True)
class Bulk:
    """The measures of a benchmark account: its lists, and the active people on each."""

    lists: int
    subscribers: int
    clients: int = 1

    @classmethod
    def parse(cls, text: str) -> "Bulk":
        """Read `LISTSxSUBSCRIBERS` or `LISTSxSUBSCRIBERSxCLIENTS`."""
        return cls(*(int(part) for part in text.split("x")))


def build_bulk_account(size: Size, bulk: Bulk) -> Account:
    """An account of large lists of active subscribers, and next to nothing besides."""
    small = replace(size, clients=bulk.clients, lists=bulk.lists, subscribers=0, campaigns=0)
    account = build_account(small)
    written = write_bulk(bulk.lists, bulk.subscribers, size.today)
    for list_id, rows in zip(account.tables["list_details"], written, strict=bool(written)):
        account.replace("active_subscribers", list_id, rows)
    return Account(account.now, account.tables, account.owners)
