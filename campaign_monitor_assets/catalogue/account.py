"""Clients and what belongs to a client as a whole."""

from campaign_monitor_assets.catalogue.model import (
    REFERENCE,
    Cadence,
    Group,
    Increments,
    Shape,
    Table,
    address,
    count,
    nested,
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
        text(
            "ClientID",
            "The client's identifier, which everything else of the client carries.",
            personal=False,
        ),
        text("Name", "The client's company name.", personal=False),
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
        text("TemplateID", "The template's identifier.", personal=False),
        text("Name", "The template's name.", personal=False),
        text("PreviewURL", "Where the template can be seen in a browser.", personal=False),
        text("ScreenshotURL", "Where a picture of the template is.", personal=False),
    ),
)

SUPPRESSION_LIST = Table(
    name="suppression_list",
    description="The addresses that no campaign of the client is sent to, and why.",
    path="/clients/{ClientID}/suppressionlist",
    shape=Shape.PAGE,
    order_field="date",
    retry_order_field="email",
    increments=Increments(filtered=False),
    parent="clients",
    inherits=("ClientID",),
    key=("ClientID", "EmailAddress"),
    docs=f"{REFERENCE}/clients/#getting-client-suppression-list",
    group=Group.ACCOUNT,
    cadence=Cadence.DAILY,
    cost="1 per client and 1,000 addresses",
    columns=(
        address("EmailAddress", "The suppressed address."),
        text("State", "Always `Suppressed`.", personal=False),
        text(
            "SuppressionReason", "Why it is suppressed, for example `Unsubscribed`.", personal=False
        ),
        time("Date", "When it was suppressed, in the client's time zone."),
    ),
)

CLIENT_DETAILS = Table(
    name="client_details",
    description="What the account knows of each client: contact, time zone, access and billing.",
    path="/clients/{ClientID}",
    shape=Shape.OBJECT,
    parent="clients",
    inherits=("ClientID",),
    key=("ClientID",),
    never_stored=("ApiKey",),
    docs=f"{REFERENCE}/clients/#getting-clients-details",
    group=Group.ACCOUNT,
    default=False,
    cost="1 per client",
    columns=(
        nested(
            "BasicDetails",
            'STRUCT("ClientID" VARCHAR, "CompanyName" VARCHAR, "ContactName" VARCHAR, '
            '"EmailAddress" VARCHAR, "Country" VARCHAR, "TimeZone" VARCHAR)',
            "The company and its country. TimeZone is the display name of the zone of the client's "
            "times. ContactName and EmailAddress are given where there is exactly one person.",
            personal=True,
        ),
        nested(
            "BillingDetails",
            "JSON",
            "Who pays, the credits left, the rates and the currency, as the API gives them.",
            personal=True,
        ),
        nested(
            "AccessDetails",
            "JSON",
            "The user name and access level where the client has exactly one person.",
            personal=True,
        ),
    ),
)

PEOPLE = Table(
    name="people",
    description="The people who can sign in to a client, and what they may do there.",
    path="/clients/{ClientID}/people",
    shape=Shape.ARRAY,
    parent="clients",
    inherits=("ClientID",),
    key=("ClientID", "EmailAddress"),
    docs=f"{REFERENCE}/clients/#getting-people",
    group=Group.ACCOUNT,
    default=False,
    cost="1 per client",
    columns=(
        address("EmailAddress", "The person's address: the key within the client."),
        text("Name", "The person's name.", personal=True),
        text("Status", "The state of the person's access, for example `Active`.", personal=False),
        count("AccessLevel", "What the person may do, as the sum of the vendor's access codes."),
    ),
)

TAGS = Table(
    name="tags",
    description="The tags that a client sorts its campaigns by.",
    path="/clients/{ClientID}/tags",
    shape=Shape.ARRAY,
    parent="clients",
    inherits=("ClientID",),
    key=("ClientID", "Name"),
    docs=f"{REFERENCE}/clients/#getting-tags",
    group=Group.ACCOUNT,
    default=False,
    cost="1 per client",
    columns=(
        text("Name", "The tag itself, as it stands in the Tags of campaigns.", personal=False),
        count("NumberOfCampaigns", "How many campaigns carry it."),
    ),
)

ADMINISTRATORS = Table(
    name="administrators",
    description="The people who administer the account with all of its clients.",
    path="/admins",
    shape=Shape.ARRAY,
    key=("EmailAddress",),
    docs=f"{REFERENCE}/account/#getting-administrators",
    group=Group.ACCOUNT,
    default=False,
    columns=(
        address("EmailAddress", "The administrator's address: the key within the account."),
        text("Name", "The administrator's name.", personal=True),
        text(
            "Status",
            "The state of the administrator's access, for example `Active`.",
            personal=False,
        ),
    ),
)

TABLES = (CLIENTS, CLIENT_DETAILS, PEOPLE, TAGS, TEMPLATES, SUPPRESSION_LIST, ADMINISTRATORS)
