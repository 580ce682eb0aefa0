"""Clients and what belongs to a client as a whole."""

from campaign_monitor_assets.catalogue.model import (
    REFERENCE,
    Cadence,
    Group,
    Shape,
    Table,
    text,
    time,
)

CLIENTS = Table(
    name="clients",
    description="The clients that the credentials see: one row per client of the account.",
    path="/clients",
    shape=Shape.ARRAY,
    key=("ClientID",),
    never_empty=True,
    docs=f"{REFERENCE}/account/#getting-your-clients",
    group=Group.ACCOUNT,
    columns=(
        text("ClientID", "The client's identifier, which everything else of the client carries."),
        text("Name", "The client's company name."),
    ),
)

TEMPLATES = Table(
    name="templates",
    description="The e-mail templates that a client can build campaigns from.",
    path="/clients/{ClientID}/templates",
    shape=Shape.ARRAY,
    parent="clients",
    inherits=("ClientID",),
    key=("TemplateID",),
    docs=f"{REFERENCE}/clients/#getting-client-templates",
    group=Group.ACCOUNT,
    cost="1 per client",
    columns=(
        text("TemplateID", "The template's identifier."),
        text("Name", "The template's name."),
        text("PreviewURL", "Where the template can be seen in a browser."),
        text("ScreenshotURL", "Where a picture of the template is."),
    ),
)

SUPPRESSION_LIST = Table(
    name="suppression_list",
    description="The addresses that no campaign of the client is sent to, and why.",
    path="/clients/{ClientID}/suppressionlist",
    shape=Shape.PAGE,
    order_field="date",
    parent="clients",
    inherits=("ClientID",),
    key=("ClientID", "EmailAddress"),
    docs=f"{REFERENCE}/clients/#getting-client-suppression-list",
    group=Group.ACCOUNT,
    cadence=Cadence.DAILY,
    cost="1 per client and 1,000 addresses",
    columns=(
        text("EmailAddress", "The suppressed address."),
        text("State", "Always `Suppressed`."),
        text("SuppressionReason", "Why it is suppressed, for example `Unsubscribed`."),
        time("Date", "When it was suppressed, in the client's time zone."),
    ),
)

TABLES = (CLIENTS, TEMPLATES, SUPPRESSION_LIST)
