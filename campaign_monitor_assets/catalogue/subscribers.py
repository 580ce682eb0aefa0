"""The subscribers of a list, a table for each state."""

from campaign_monitor_assets.catalogue.model import (
    REFERENCE,
    Cadence,
    Group,
    Increments,
    Option,
    Shape,
    Table,
    address,
    nested,
    text,
    time,
)

_EDITS = " Where the table is read incrementally, an edit shows at the list's next full reading."

COLUMNS = (
    address("EmailAddress", f"The subscriber's address: the key within the list.{_EDITS}"),
    text("Name", f"The subscriber's name.{_EDITS}", personal=True),
    time("Date", "When the present state began, in the client's time zone."),
    time("ListJoinedDate", "When the subscriber joined the list, in the client's time zone."),
    text("State", "The subscriber's state in the list.", personal=False),
    nested(
        "CustomFields",
        'STRUCT("Key" VARCHAR, "Value" VARCHAR)[]',
        "The custom fields that have a value; a multi-valued field repeats its Key." + _EDITS,
        personal=True,
    ),
    text(
        "ReadsEmailWith",
        f"The e-mail program that the subscriber was last seen to use.{_EDITS}",
        personal=False,
    ),
    text(
        "MobileNumber",
        f"The subscriber's mobile number, where one is known.{_EDITS}",
        personal=True,
    ),
    text(
        "ConsentToTrack",
        f"Consent to tracking: Yes, No or Unchanged. Read only on request.{_EDITS}",
        personal=False,
    ),
    text(
        "ConsentToSendSms",
        f"Consent to SMS: Yes, No or Unchanged. Read only on request.{_EDITS}",
        personal=False,
    ),
)


_STATES = ("active", "unsubscribed", "bounced", "unconfirmed", "deleted")


def _subscribers(state: str, description: str, stat: str | None, *, default: bool = True) -> Table:
    return Table(
        name=f"{state}_subscribers",
        description=description,
        path=f"/lists/{{ListID}}/{state}",
        shape=Shape.PAGE,
        order_field="date",
        retry_order_field="email",
        options=(Option.TRACKING, Option.SMS),
        parent="lists",
        inherits=("ClientID", "ListID"),
        key=("ListID", "EmailAddress"),
        deleted_codes=(101,),
        stat=stat,
        increments=Increments(
            departures=tuple(f"/lists/{{ListID}}/{other}" for other in _STATES if other != state)
        ),
        docs=f"{REFERENCE}/lists/#{state}-subscribers",
        group=Group.SUBSCRIBERS,
        cadence=Cadence.DAILY,
        default=default,
        cost="1 per list and 1,000 subscribers",
        columns=COLUMNS,
    )


ACTIVE_SUBSCRIBERS = _subscribers(
    "active",
    "The subscribers who receive the list's campaigns.",
    "TotalActiveSubscribers",
)
UNSUBSCRIBED_SUBSCRIBERS = _subscribers(
    "unsubscribed",
    "The subscribers who left the list.",
    "TotalUnsubscribes",
)
BOUNCED_SUBSCRIBERS = _subscribers(
    "bounced",
    "The subscribers whose address bounced for good, so that the list's campaigns pass them over.",
    "TotalBounces",
)

UNCONFIRMED_SUBSCRIBERS = _subscribers(
    "unconfirmed",
    "The subscribers who have yet to confirm that they want to join a list with opt-in.",
    None,
    default=False,
)
DELETED_SUBSCRIBERS = _subscribers(
    "deleted",
    "The subscribers who were deleted from the list.",
    "TotalDeleted",
    default=False,
)

SEGMENT_SUBSCRIBERS = Table(
    name="segment_subscribers",
    description="The active subscribers whom each segment selects, as their list knows them.",
    path="/segments/{SegmentID}/active",
    shape=Shape.PAGE,
    order_field="date",
    retry_order_field="email",
    options=(Option.TRACKING, Option.SMS),
    parent="segments",
    inherits=("ClientID", "ListID", "SegmentID"),
    key=("SegmentID", "EmailAddress"),
    deleted_codes=(271,),
    docs=f"{REFERENCE}/segments/#getting-active-subscribers",
    group=Group.SUBSCRIBERS,
    cadence=Cadence.DAILY,
    default=False,
    cost="1 per segment and 1,000 subscribers",
    columns=COLUMNS,
)

TABLES = (
    ACTIVE_SUBSCRIBERS,
    UNSUBSCRIBED_SUBSCRIBERS,
    BOUNCED_SUBSCRIBERS,
    UNCONFIRMED_SUBSCRIBERS,
    DELETED_SUBSCRIBERS,
    SEGMENT_SUBSCRIBERS,
)
