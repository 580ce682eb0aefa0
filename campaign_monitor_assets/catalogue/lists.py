"""Subscriber lists and their segments."""

from campaign_monitor_assets.catalogue.model import (
    REFERENCE,
    Group,
    Shape,
    Table,
    count,
    flag,
    nested,
    text,
    texts,
)

LISTS = Table(
    name="lists",
    description="The subscriber lists of each client.",
    path="/clients/{ClientID}/lists",
    shape=Shape.ARRAY,
    parent="clients",
    inherits=("ClientID",),
    key=("ListID",),
    never_empty=True,
    docs=f"{REFERENCE}/clients/#getting-subscriber-lists",
    group=Group.LISTS,
    cost="1 per client",
    columns=(
        text("ListID", "The list's identifier.", personal=False),
        text("Name", "The list's name.", personal=False),
    ),
)

SEGMENTS = Table(
    name="segments",
    description="The segments that are defined on the lists.",
    # One request tells a client's segments of all lists; asking each list would cost more.
    path="/clients/{ClientID}/segments",
    shape=Shape.ARRAY,
    parent="lists",
    inherits=("ClientID",),
    key=("SegmentID",),
    docs=f"{REFERENCE}/clients/#getting-segments",
    group=Group.LISTS,
    cost="1 per client",
    columns=(
        text("SegmentID", "The segment's identifier.", personal=False),
        text("ListID", "The list that the segment is of.", personal=False),
        text("Title", "The segment's name.", personal=False),
    ),
)

LIST_DETAILS = Table(
    name="list_details",
    description="How each list is set up: opting in, leaving, and the pages shown on the way.",
    path="/lists/{ListID}",
    shape=Shape.OBJECT,
    parent="lists",
    inherits=("ClientID", "ListID"),
    key=("ListID",),
    deleted_codes=(101,),
    docs=f"{REFERENCE}/lists/#list-details",
    group=Group.LISTS,
    default=False,
    cost="1 per list",
    columns=(
        text("Title", "The list's name, the same as Name in `lists`.", personal=False),
        text(
            "UnsubscribePage",
            "The page shown to who left; empty for the vendor's own.",
            personal=False,
        ),
        text(
            "UnsubscribeSetting",
            "What leaving means: `OnlyThisList`, or `AllClientLists` for every list of the client.",
            personal=False,
        ),
        text(
            "ConfirmationSuccessPage",
            "The page shown to who confirmed; empty for the vendor's.",
            personal=False,
        ),
        flag("ConfirmedOptIn", "Whether joining takes a confirmation by e-mail."),
    ),
)

_CHANGES = (
    ("NewActiveSubscribers", "became active"),
    ("Unsubscribes", "left"),
    ("Deleted", "were deleted"),
    ("Bounces", "were put among the bounced"),
)
_PERIODS = (
    ("Today", "today"),
    ("Yesterday", "yesterday"),
    ("ThisWeek", "this week so far"),
    ("ThisMonth", "this month so far"),
    ("ThisYear", "this year so far"),
)

LIST_STATS = Table(
    name="list_stats",
    description="How many subscribers each list has in each state, and how many came and went. "
    "The API does not say in which time zone its days begin.",
    path="/lists/{ListID}/stats",
    shape=Shape.OBJECT,
    parent="lists",
    inherits=("ClientID", "ListID"),
    key=("ListID",),
    deleted_codes=(101,),
    docs=f"{REFERENCE}/lists/#list-stats",
    group=Group.LISTS,
    cost="1 per list",
    columns=(
        count("TotalActiveSubscribers", "How many subscribers receive the list's campaigns."),
        count("TotalUnsubscribes", "How many subscribers have left the list."),
        count("TotalDeleted", "How many subscribers were deleted from the list."),
        count("TotalBounces", "How many subscribers the list has among the bounced."),
        *(
            count(f"{change}{period}", f"How many subscribers {did} {when}.")
            for change, did in _CHANGES
            for period, when in _PERIODS
        ),
    ),
)

LIST_CUSTOM_FIELDS = Table(
    name="list_custom_fields",
    description="The custom fields that are defined on each list: what CustomFields may hold.",
    path="/lists/{ListID}/customfields",
    shape=Shape.ARRAY,
    parent="lists",
    inherits=("ClientID", "ListID"),
    key=("ListID", "Key"),
    deleted_codes=(101,),
    docs=f"{REFERENCE}/lists/#list-custom-fields",
    group=Group.LISTS,
    cost="1 per list",
    columns=(
        text("FieldName", "The field's name as people see it.", personal=False),
        text(
            "Key",
            "The field's key within the list, in square brackets: `[website]`. Subscribers' "
            "CustomFields may give it without them.",
            personal=False,
        ),
        text(
            "DataType",
            "What it holds: `Text`, `Number`, `MultiSelectOne`, `MultiSelectMany`, `Date`, "
            "`Country` or `USState`.",
            personal=False,
        ),
        texts(
            "FieldOptions",
            "The values to choose from; empty where any value will do.",
            personal=True,  # subscribers have them as their values
        ),
        flag("VisibleInPreferenceCenter", "Whether subscribers can see and edit it themselves."),
    ),
)

LIST_WEBHOOKS = Table(
    name="list_webhooks",
    description="The webhooks of each list: which URL is told of which changes to subscribers.",
    path="/lists/{ListID}/webhooks",
    shape=Shape.ARRAY,
    parent="lists",
    inherits=("ClientID", "ListID"),
    key=("ListID", "WebhookID"),
    deleted_codes=(101,),
    docs=f"{REFERENCE}/lists/#list-webhooks",
    group=Group.LISTS,
    default=False,
    cost="1 per list",
    columns=(
        text("WebhookID", "The webhook's identifier.", personal=False),
        texts(
            "Events", "What it is told of: `Subscribe`, `Update` and `Deactivate`.", personal=False
        ),
        text("Url", "Where the events are sent.", personal=True),
        text("Status", "Whether it is in use, for example `Active`.", personal=False),
        text("PayloadFormat", "The format of what is sent: `Json` or `Xml`.", personal=False),
    ),
)

SEGMENT_DETAILS = Table(
    name="segment_details",
    description="What each segment selects by, and how many active subscribers it selects.",
    path="/segments/{SegmentID}",
    shape=Shape.OBJECT,
    parent="segments",
    inherits=("ClientID", "ListID", "SegmentID"),
    key=("SegmentID",),
    deleted_codes=(271,),
    docs=f"{REFERENCE}/segments/#getting-segments-details",
    group=Group.LISTS,
    default=False,
    cost="1 per segment",
    columns=(
        text("Title", "The segment's name.", personal=False),
        count("ActiveSubscribers", "How many active subscribers of the list it selects."),
        nested(
            "RuleGroups",
            'STRUCT("Rules" STRUCT("RuleType" VARCHAR, "Clause" VARCHAR)[])[]',
            "The rules: a subscriber must meet at least one rule of every group. RuleType is what "
            "is looked at, Clause the condition.",
            personal=True,
        ),
    ),
)

TABLES = (
    LISTS,
    LIST_DETAILS,
    LIST_STATS,
    LIST_CUSTOM_FIELDS,
    LIST_WEBHOOKS,
    SEGMENTS,
    SEGMENT_DETAILS,
)
