"""What became of the sent campaigns: their numbers, their audience and the events of each."""

from campaign_monitor_assets.catalogue.events import (
    BOUNCE,
    CLICKED,
    EMAIL_ADDRESS,
    IP_ADDRESS,
    LEFT,
    OPENED,
    PLACE,
    URL,
)
from campaign_monitor_assets.catalogue.model import (
    REFERENCE,
    Cadence,
    Column,
    Group,
    Increments,
    Shape,
    Table,
    count,
    number,
    text,
    time,
)

CAMPAIGN_SUMMARY = Table(
    name="campaign_summary",
    description="The numbers of each sent campaign as they stand now, one row per campaign.",
    path="/campaigns/{CampaignID}/summary",
    shape=Shape.OBJECT,
    parent="campaigns",
    inherits=("ClientID", "CampaignID"),
    key=("CampaignID",),
    deleted_codes=(301,),
    docs=f"{REFERENCE}/campaigns/#campaign-summary",
    group=Group.CAMPAIGN_REPORTS,
    cadence=Cadence.DAILY,
    cost="1 per sent campaign",
    columns=(
        text("Name", "The campaign's name.", personal=False),
        count("Recipients", "How many subscribers it was sent to."),
        count("TotalOpened", "How often it was opened, counting every time."),
        count("UniqueOpened", "How many subscribers opened it at least once."),
        count("Clicks", "How often its links were clicked."),
        count("Unsubscribed", "How many subscribers left by it."),
        count("Bounced", "How many subscribers it bounced for, hard and soft together."),
        count("SpamComplaints", "How many subscribers marked it as spam."),
        count("Mentions", "How often it was mentioned on social networks."),
        count("Forwards", "How often it was forwarded with its own forward link."),
        count("Likes", "How often it was liked on social networks."),
        text("WebVersionURL", "The public web version.", personal=False),
        text("WebVersionTextURL", "The public web version in plain text.", personal=False),
        text(
            "WorldviewURL", "Where a map shows the opens and clicks as they happen.", personal=False
        ),
    ),
)


def _audience(field: str, description: str, key: str, *columns: Column) -> Table:
    # One response holds both the lists and the segments; either is left out where there are none.
    return Table(
        name=f"campaign_{field.lower()}",
        description=description,
        path="/campaigns/{CampaignID}/listsandsegments",
        shape=Shape.OBJECT,
        rows_at=field,
        parent="campaigns",
        inherits=("ClientID", "CampaignID"),
        key=("CampaignID", key),
        deleted_codes=(301,),
        docs=f"{REFERENCE}/campaigns/#campaign-lists-and-segments",
        group=Group.CAMPAIGN_REPORTS,
        cadence=Cadence.DAILY,
        default=False,
        cost="1 per sent campaign, for its lists and segments together",
        columns=columns,
    )


CAMPAIGN_LISTS = _audience(
    "Lists",
    "The lists that each campaign was sent to.",
    "ListID",
    text("ListID", "The list that the campaign was sent to.", personal=False),
    text("Name", "The list's name.", personal=False),
)
CAMPAIGN_SEGMENTS = _audience(
    "Segments",
    "The segments that each campaign was sent to.",
    "SegmentID",
    text("SegmentID", "The segment that the campaign was sent to.", personal=False),
    text("ListID", "The list that the segment is of.", personal=False),
    text("Title", "The segment's name.", personal=False),
)

CAMPAIGN_EMAIL_CLIENT_USAGE = Table(
    name="campaign_email_client_usage",
    description="Which e-mail programs each campaign was opened with, a row per version.",
    path="/campaigns/{CampaignID}/emailclientusage",
    shape=Shape.ARRAY,
    parent="campaigns",
    inherits=("ClientID", "CampaignID"),
    key=("CampaignID", "Client", "Version"),
    deleted_codes=(301,),
    docs=f"{REFERENCE}/campaigns/#campaign-email-client-usage",
    group=Group.CAMPAIGN_REPORTS,
    cadence=Cadence.DAILY,
    default=False,
    cost="1 per sent campaign",
    columns=(
        text("Client", "The e-mail program, or `Undetectable`.", personal=False),
        text("Version", "Its version or device, for example `iPhone`.", personal=False),
        number(
            "Percentage", "The share of the subscribers who used it, from 0 to 100.", personal=False
        ),
        count("Subscribers", "How many subscribers used it."),
    ),
)


# A campaign goes to an address of a list once, and that one delivery bounces or is complained of
# once: those reports, like the recipients, have a row for each recipient. Opens and clicks happen
# again and again, within a second too; and who joined again can leave again by the same e-mail's
# link. Nothing is sure to tell the rows of these apart, and a key that is no key would make a
# collection look inconsistent.
_RECIPIENT = ("CampaignID", "ListID", "EmailAddress")
_EVENT = ()

_SUBSCRIBER = (
    EMAIL_ADDRESS,
    text("ListID", "The list through which the campaign reached the subscriber.", personal=False),
)


def _report(
    name: str,
    description: str,
    *columns: Column,
    key: tuple[str, ...],
    path: str | None = None,
    order_field: str = "date",
) -> Table:
    return Table(
        name=f"campaign_{name}",
        description=description,
        path=f"/campaigns/{{CampaignID}}/{path or name}",
        shape=Shape.PAGE,
        order_field=order_field,
        parent="campaigns",
        inherits=("ClientID", "CampaignID"),
        key=key,
        deleted_codes=(301,),
        increments=Increments() if order_field == "date" else None,
        docs=f"{REFERENCE}/campaigns/#campaign-{name.replace('_', '-')}",
        group=Group.CAMPAIGN_REPORTS,
        cadence=Cadence.DAILY,
        default=False,
        cost="1 per sent campaign and 1,000 rows",
        columns=(*_SUBSCRIBER, *columns),
    )


CAMPAIGN_RECIPIENTS = _report(
    "recipients",
    "The subscribers whom each campaign was sent to.",
    key=_RECIPIENT,
    order_field="email",  # the endpoint knows no date
)
CAMPAIGN_OPENS = _report(
    "opens",
    "The opens of each campaign, a row for every time.",
    OPENED,
    *PLACE,
    key=_EVENT,
)
CAMPAIGN_CLICKS = _report(
    "clicks",
    "The clicks on the links of each campaign, a row for every time.",
    CLICKED,
    URL,
    *PLACE,
    key=_EVENT,
)
CAMPAIGN_BOUNCES = _report(
    "bounces",
    "The subscribers whom each campaign could not be delivered to, and why.",
    *BOUNCE,
    key=_RECIPIENT,
)
CAMPAIGN_UNSUBSCRIBES = _report(
    "unsubscribes",
    "The subscribers who left their list by way of a campaign, a row for every time.",
    LEFT,
    IP_ADDRESS,
    key=_EVENT,
)
CAMPAIGN_SPAM_COMPLAINTS = _report(
    "spam_complaints",
    "The subscribers who marked a campaign as spam.",
    time("Date", "When the campaign was marked as spam, in the client's time zone."),
    key=_RECIPIENT,
    path="spam",
)

TABLES = (
    CAMPAIGN_SUMMARY,
    CAMPAIGN_LISTS,
    CAMPAIGN_SEGMENTS,
    CAMPAIGN_EMAIL_CLIENT_USAGE,
    CAMPAIGN_RECIPIENTS,
    CAMPAIGN_OPENS,
    CAMPAIGN_CLICKS,
    CAMPAIGN_BOUNCES,
    CAMPAIGN_UNSUBSCRIBES,
    CAMPAIGN_SPAM_COMPLAINTS,
)
