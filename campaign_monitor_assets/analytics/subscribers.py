"""Who is on which list, how lists grow, who reads what comes, and who may be written to."""

from campaign_monitor_assets.analytics.campaigns import CLIENT
from campaign_monitor_assets.analytics.model import View
from campaign_monitor_assets.catalogue import Column
from campaign_monitor_assets.catalogue.model import count, flag, nested, text, time

STATES = ("active_subscribers", "unsubscribed_subscribers", "bounced_subscribers")

LIST = (
    text("ListID", "The list's identifier.", personal=False),
    text("ListName", "The list's name.", personal=False),
)
ADDRESS = text(
    "EmailAddress",
    "The address in lower case and without blanks around it: other spellings of it count as one.",
    personal=True,
)

SUBSCRIBERS = View(
    name="subscribers",
    description="Everybody on each list once, one row per list and address, with the present state."
    " Two spellings of an address are one subscriber, and who stands in the tables of two states,"
    " having moved while they were read, is in the one that began later.",
    needs=STATES,
    columns=(
        text("ClientID", "The client's identifier.", personal=False),
        text("ListID", "The list's identifier.", personal=False),
        ADDRESS,
        text("State", "`Active`, `Unsubscribed` or `Bounced`.", personal=False),
        time("Date", "When the present state began, in the client's time zone."),
        time("ListJoinedDate", "When the subscriber joined, in the client's time zone."),
        text("ReadsEmailWith", "The e-mail program last seen in use.", personal=False),
    ),
)

SUPPRESSED_ADDRESSES = View(
    name="suppressed_addresses",
    description="The addresses that no campaign of a client is sent to, one row per client and"
    " address; two spellings of an address are one.",
    needs=("suppression_list",),
    columns=(
        text("ClientID", "The client's identifier.", personal=False),
        ADDRESS,
        text("SuppressionReason", "Why it is suppressed, last.", personal=False),
        time("SuppressedDate", "When it was suppressed last, in the client's time zone."),
    ),
)

SUBSCRIBERS_BY_LIST = View(
    name="subscribers_by_list",
    description="How many subscribers each list has in each state, one row per list, empty lists"
    " too, and how many of them would receive its next campaign. ListName is NULL where the list is"
    " not in the last snapshot of `lists`.",
    needs=("clients", "lists", "subscribers", "suppressed_addresses"),
    columns=(
        *CLIENT,
        *LIST,
        count("Active", "How many are active."),
        count("Unsubscribed", "How many have left."),
        count("Bounced", "How many bounced for good."),
        count("Suppressed", "How many of the active the client may not write to."),
        count("MayBeMailed", "Active without Suppressed: whom the next campaign would reach."),
    ),
    shows={
        "state_by_list": 'select ClientName as "client", ListName as "list", Active as "active",'
        ' Unsubscribed as "unsubscribed", Bounced as "bounced", Suppressed as "suppressed",'
        ' MayBeMailed as "may be mailed",'
        ' bar(MayBeMailed, 0, max(MayBeMailed) over (), 20) as " "'
        " from {subscribers_by_list} order by Active desc, ClientName, ListName limit 50"
    },
)

LIST_GROWTH_BY_MONTH = View(
    name="list_growth_by_month",
    description="Who came to each list and who went, month by month; months in which nothing"
    " happened are left out. It is told from the subscribers that the list has now. So who was"
    " deleted is not counted at all, and who left and came back counts as having joined only: the"
    " API keeps no trace of the time between. Subscribers of the last month is how many are active"
    " now.",
    needs=("clients", "lists", "subscribers"),
    columns=(
        *CLIENT,
        *LIST,
        Column(
            "Month",
            "DATE",
            "The month's first day, in the client's time zone; NULL where there is no date, or one"
            " before 2000 or more than a year from now.",
            personal=False,
        ),
        count("Joined", "How many joined, whatever became of them later."),
        count("Left", "How many unsubscribed."),
        count("Bounced", "How many were put among the bounced."),
        count("Net", "Joined without Left and Bounced."),
        count("Subscribers", "The sum of Net up to this month: how many were then active."),
    ),
    shows={
        "list_growth": "with months as (select Month, sum(Joined) as Joined,"
        ' sum("Left") as Gone, sum(Bounced) as Bounced, sum(Net) as Net'
        " from {list_growth_by_month} group by Month),"
        " totals as (select *, sum(Net) over (order by Month nulls first) as Active from months)"
        ' select Month as "month", Joined as "joined", Gone as "left", Bounced as "bounced",'
        ' Net as "net", Active as "active",'
        ' bar(Active, 0, max(Active) over (), 20) as " "'
        " from totals order by Month desc nulls last limit 36"
    },
)

SUBSCRIBER_ENGAGEMENT = View(
    name="subscriber_engagement",
    description="What the subscribers of each list did with the campaigns they were sent, one row"
    " per list and address. It knows the reports that were read: with a window on a report, what"
    " happened to older campaigns afterwards is missing.",
    needs=("campaigns", "campaign_recipients", "campaign_opens", "campaign_clicks"),
    columns=(
        text("ClientID", "The client's identifier.", personal=False),
        text("ListID", "The list through which the campaigns came.", personal=False),
        ADDRESS,
        count("CampaignsReceived", "How many campaigns were sent to the address."),
        count("CampaignsOpened", "How many campaigns were opened at least once."),
        count("CampaignsClicked", "How many campaigns had a link clicked at least once."),
        count("Opens", "How often campaigns were opened, counting every time."),
        count("Clicks", "How often links were clicked, counting every time."),
        time("LastReceived", "When the last campaign was sent, in the client's time zone."),
        time("LastOpen", "When a campaign was last opened, in the client's time zone."),
        time("LastClick", "When a link was last clicked, in the client's time zone."),
    ),
    shows={
        "who_reads": 'select CampaignsOpened as "campaigns opened",'
        ' count(*) as "subscribers", bar(count(*), 0, max(count(*)) over (), 20) as " "'
        " from {subscriber_engagement} group by CampaignsOpened"
        " order by CampaignsOpened limit 20"
    },
)

SUBSCRIBERS_ACROSS_LISTS = View(
    name="subscribers_across_lists",
    description="Each address of a client on all of its lists, one row per client and address, with"
    " the suppression list resolved: may it be mailed, and why not. Unconfirmed and deleted"
    " subscribers are not looked at.",
    needs=("clients", "lists", *STATES, "suppressed_addresses"),
    columns=(
        *CLIENT,
        ADDRESS,
        flag(
            "MayBeMailed",
            "Whether the address is active on some list and not suppressed; then a campaign to"
            " those lists reaches it.",
        ),
        text(
            "Reason",
            "Why: `active on 2 lists`; `suppressed: …` with the API's reason; `unsubscribed from"
            " every list`; `bounced on every list`; `unsubscribed or bounced on every list`.",
            personal=False,
        ),
        count("Active", "On how many lists it is active."),
        count("Unsubscribed", "How many lists it has left."),
        count("Bounced", "On how many lists it has bounced."),
        nested(
            "Lists",
            'STRUCT("ListID" VARCHAR, "Name" VARCHAR, "State" VARCHAR, "Date" TIMESTAMP)[]',
            "The lists by name, with the state on each and when it began, in the client's time"
            " zone; empty where the address is only suppressed.",
            personal=False,
        ),
        text("SuppressionReason", "Why it is suppressed; NULL where it isn't.", personal=False),
        time("SuppressedDate", "When it was suppressed, in the client's time zone."),
    ),
    shows={
        "who_may_be_mailed": 'select ClientName as "client", MayBeMailed as "may be mailed",'
        ' Reason as "reason", count(*) as "addresses",'
        ' bar(count(*), 0, max(count(*)) over (), 20) as " "'
        " from {subscribers_across_lists} group by all"
        " order by ClientName, count(*) desc limit 50"
    },
)

VIEWS = (
    SUBSCRIBERS,
    SUPPRESSED_ADDRESSES,
    SUBSCRIBERS_BY_LIST,
    LIST_GROWTH_BY_MONTH,
    SUBSCRIBER_ENGAGEMENT,
    SUBSCRIBERS_ACROSS_LISTS,
)
