"""The paths of the imitated API, and what each of them answers."""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["account", "client", "list", "segment", "campaign", "journey", "email"]


@dataclass(frozen=True)
class Endpoint:
    """What one path answers."""

    collection: str
    kind: Kind
    paged: bool = False
    order: tuple[str, ...] = ()
    """The order fields that a request may name."""
    sort: str = "EmailAddress"
    """The field by which the answer is ordered where the request names none."""
    descending: bool = False
    dated: str = ""
    """The field that the `date` parameter looks at; none: the parameter is not accepted."""
    recent: bool = False
    """Without `date`, only the last 30 days are given."""


FIELDS: Final = {"email": "EmailAddress", "name": "Name", "date": "Date", "list": "ListID"}

UNKNOWN: Final[dict[Kind, tuple[int, int, str]]] = {
    "account": (404, 404, "We couldn't find the resource you're looking for."),
    "client": (401, 102, "Invalid ClientID"),
    "list": (400, 101, "Invalid ListID"),
    "segment": (400, 271, "Invalid SegmentID"),
    "campaign": (400, 301, "Invalid CampaignID"),
    "journey": (400, 3000, "Invalid JourneyID"),
    "email": (400, 3002, "Invalid EmailID"),
}
"""Status, code and message for an identifier that nothing belongs to."""


def _subscribers(collection: str, kind: Kind = "list") -> Endpoint:
    return Endpoint(collection, kind, paged=True, order=("email", "name", "date"), dated="Date")


def _events(name: str) -> Endpoint:
    order = ("date", "email", "list")
    return Endpoint(
        f"campaign_{name}", "campaign", paged=True, order=order, sort="Date", dated="Date"
    )


def _steps(name: str, dated: str = "Date") -> Endpoint:
    collection = f"journey_email_{name}"
    return Endpoint(collection, "email", paged=True, sort=dated, dated=dated, recent=True)


ENDPOINTS: Final = {
    "clients": Endpoint("clients", "account"),
    "admins": Endpoint("administrators", "account"),
    "clients/{}": Endpoint("client_details", "client"),
    "clients/{}/people": Endpoint("people", "client"),
    "clients/{}/tags": Endpoint("tags", "client"),
    "clients/{}/campaigns": Endpoint(
        "campaigns", "client", paged=True, sort="SentDate", descending=True
    ),
    "clients/{}/scheduled": Endpoint("scheduled_campaigns", "client"),
    "clients/{}/drafts": Endpoint("draft_campaigns", "client"),
    "clients/{}/lists": Endpoint("lists", "client"),
    "clients/{}/segments": Endpoint("segments", "client"),
    "clients/{}/templates": Endpoint("templates", "client"),
    "clients/{}/journeys": Endpoint("journeys", "client"),
    "clients/{}/suppressionlist": Endpoint(
        "suppression_list", "client", paged=True, order=("email", "date")
    ),
    "lists/{}": Endpoint("list_details", "list"),
    "lists/{}/stats": Endpoint("list_stats", "list"),
    "lists/{}/customfields": Endpoint("list_custom_fields", "list"),
    "lists/{}/webhooks": Endpoint("list_webhooks", "list"),
    "lists/{}/segments": Endpoint("segments", "list"),
    "lists/{}/active": _subscribers("active_subscribers"),
    "lists/{}/unsubscribed": _subscribers("unsubscribed_subscribers"),
    "lists/{}/bounced": _subscribers("bounced_subscribers"),
    "lists/{}/unconfirmed": _subscribers("unconfirmed_subscribers"),
    "lists/{}/deleted": _subscribers("deleted_subscribers"),
    "segments/{}": Endpoint("segment_details", "segment"),
    "segments/{}/active": _subscribers("segment_subscribers", "segment"),
    "campaigns/{}/summary": Endpoint("campaign_summary", "campaign"),
    "campaigns/{}/listsandsegments": Endpoint("campaign_lists_and_segments", "campaign"),
    "campaigns/{}/emailclientusage": Endpoint("campaign_email_client_usage", "campaign"),
    "campaigns/{}/recipients": Endpoint(
        "campaign_recipients", "campaign", paged=True, order=("email", "list")
    ),
    "campaigns/{}/opens": _events("opens"),
    "campaigns/{}/clicks": _events("clicks"),
    "campaigns/{}/bounces": _events("bounces"),
    "campaigns/{}/unsubscribes": _events("unsubscribes"),
    "campaigns/{}/spam": _events("spam_complaints"),
    "journeys/{}": Endpoint("journey_emails", "journey"),
    "journeys/email/{}/recipients": _steps("recipients", "SentDate"),
    "journeys/email/{}/opens": _steps("opens"),
    "journeys/email/{}/clicks": _steps("clicks"),
    "journeys/email/{}/bounces": _steps("bounces"),
    "journeys/email/{}/unsubscribes": _steps("unsubscribes"),
}


def resolve(path: str) -> tuple[Endpoint, str] | None:
    """The endpoint of a path (without base and suffix) and the identifier in it."""
    parts = path.split("/")
    at = 2 if parts[:2] == ["journeys", "email"] else 1
    if len(parts) <= at:
        endpoint = ENDPOINTS.get(path)
        return (endpoint, "") if endpoint else None
    identifier, parts[at] = parts[at], "{}"
    endpoint = ENDPOINTS.get("/".join(parts))
    return (endpoint, identifier) if endpoint else None
