"""Journeys, their e-mails and what became of those."""

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
    text,
    time,
)

JOURNEYS = Table(
    name="journeys",
    description="The journeys of each client: e-mails that follow one another by themselves.",
    path="/clients/{ClientID}/journeys",
    shape=Shape.ARRAY,
    parent="clients",
    inherits=("ClientID",),
    key=("JourneyID",),
    docs=f"{REFERENCE}/journeys/#getting-journeys",
    group=Group.JOURNEYS,
    default=False,
    cost="1 per client",
    columns=(
        text("JourneyID", "The journey's identifier.", personal=False),
        text("ListID", "The list whose subscribers take the journey.", personal=False),
        text("Name", "The journey's name.", personal=False),
        text(
            "Status",
            "Whether it runs: for example `Not started`, `Active` or `Paused`.",
            personal=False,
        ),
    ),
)

JOURNEY_EMAILS = Table(
    name="journey_emails",
    description="The e-mails of each journey with their numbers as they stand now, one row each.",
    path="/journeys/{JourneyID}",
    shape=Shape.OBJECT,
    rows_at="Emails",
    enclosing={
        "JourneyName": "Name",
        "TriggerType": "TriggerType",
        "JourneyStatus": "Status",
    },
    parent="journeys",
    inherits=("ClientID", "JourneyID"),
    key=("EmailID",),
    deleted_codes=(3000,),
    docs=f"{REFERENCE}/journeys/#journey-summary",
    group=Group.JOURNEYS,
    cadence=Cadence.DAILY,
    default=False,
    cost="1 per journey",
    columns=(
        text("JourneyName", "The journey's name.", personal=False),
        text(
            "TriggerType",
            "What sends subscribers on the journey, such as `On Subscription`.",
            personal=False,
        ),
        text("JourneyStatus", "Whether the journey runs, for example `Active`.", personal=False),
        text("EmailID", "The e-mail's identifier.", personal=False),
        text("Name", "The e-mail's name within the journey.", personal=False),
        count("Sent", "How often it was sent."),
        count("Opened", "How often it was opened, counting every time."),
        count("UniqueOpened", "How many subscribers opened it at least once."),
        count("Clicked", "How many clicks on its links were counted."),
        count("Bounced", "How many times it bounced."),
        count("Unsubscribed", "How many subscribers left by it."),
    ),
)


def _report(name: str, description: str, *columns: Column) -> Table:
    return Table(
        name=f"journey_email_{name}",
        description=f"{description} The API gives about a year back.",
        path=f"/journeys/email/{{EmailID}}/{name}",
        shape=Shape.PAGE,
        # Without a date the last 30 days come. A field to order by is not accepted: the order is
        # that of time already.
        query=(("date", "2000-01-01"), ("orderdirection", "asc")),
        parent="journey_emails",
        inherits=("ClientID", "JourneyID", "EmailID"),
        # A subscriber can take a journey again, so every report is one of events.
        key=(),
        deleted_codes=(3002,),
        increments=Increments(
            column=next(each.name for each in columns if each.type == "TIMESTAMP")
        ),
        docs=f"{REFERENCE}/journeys/#journey-email-{name}",
        group=Group.JOURNEYS,
        cadence=Cadence.DAILY,
        default=False,
        cost="1 per e-mail of a journey and 1,000 rows",
        columns=(EMAIL_ADDRESS, *columns),
    )


JOURNEY_EMAIL_RECIPIENTS = _report(
    "recipients",
    "The subscribers whom each e-mail of a journey was sent to, a row for every time.",
    time("SentDate", "When the e-mail was sent to the subscriber, in the client's time zone."),
)
JOURNEY_EMAIL_OPENS = _report(
    "opens",
    "The opens of each e-mail of a journey, a row for every time.",
    OPENED,
    *PLACE,
)
JOURNEY_EMAIL_CLICKS = _report(
    "clicks",
    "The clicks on the links of each e-mail of a journey, a row for every time.",
    CLICKED,
    URL,
    *PLACE,
)
JOURNEY_EMAIL_BOUNCES = _report(
    "bounces",
    "The subscribers whom an e-mail of a journey could not be delivered to, and why.",
    *BOUNCE,
)
JOURNEY_EMAIL_UNSUBSCRIBES = _report(
    "unsubscribes",
    "The subscribers who left their list by way of an e-mail of a journey.",
    LEFT,
    IP_ADDRESS,
)

TABLES = (
    JOURNEYS,
    JOURNEY_EMAILS,
    JOURNEY_EMAIL_RECIPIENTS,
    JOURNEY_EMAIL_OPENS,
    JOURNEY_EMAIL_CLICKS,
    JOURNEY_EMAIL_BOUNCES,
    JOURNEY_EMAIL_UNSUBSCRIBES,
)
