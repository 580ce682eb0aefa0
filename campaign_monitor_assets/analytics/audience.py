"""Who reads nothing, how lists overlap, and whether they grow more than before."""

from campaign_monitor_assets.analytics.campaigns import CLIENT
from campaign_monitor_assets.analytics.model import PERIODS, View
from campaign_monitor_assets.analytics.results import period_columns, with_before
from campaign_monitor_assets.analytics.subscribers import ADDRESS, LIST, STATES
from campaign_monitor_assets.catalogue.model import count, number, text, time

_JOURNEYS = ("journey_email_recipients", "journey_email_opens", "journey_email_clicks")
_REPORTS = ("campaign_recipients", "campaign_opens", "campaign_clicks")

LIST_GROWTH_CHANGE = View(
    name="list_growth_change",
    description="Who came to each list and who went in a period, and in the period before it, one"
    f" row per list and length of the periods: {', '.join(map(str, PERIODS[:-1]))} and"
    f" {PERIODS[-1]} days, up to the day before the last sync. A list to which nothing happened in"
    " either has no row. It is told from the subscribers that the list has now, so who was deleted"
    " is not counted at all, and who left and came back counts as having joined only.",
    needs=("clients", "lists", "subscribers"),
    reads_log=True,
    columns=(
        *CLIENT,
        *LIST,
        *period_columns(),
        *with_before(count("Joined", "How many joined, whatever became of them later.")),
        *with_before(count("Left", "How many unsubscribed.")),
        *with_before(count("Bounced", "How many were put among the bounced.")),
        *with_before(count("Net", "Joined without Left and Bounced.")),
    ),
    shows={
        "change": 'select ListName as "list", Days as "days", LastDay as "until",'
        ' Joined as "joined", JoinedBefore as "before", "Left" as "left", LeftBefore as "before ",'
        ' Net as "net", NetBefore as "before  "'
        " from {list_growth_change} order by ClientName, ListName, ListID, Days limit 60"
    },
)

INACTIVE_SUBSCRIBERS = View(
    name="inactive_subscribers",
    description="Who is active on a list, may be mailed, and has opened nothing for 6 or 12 months"
    " before the last sync of the reports, one row per client and address, whatever the lists; and"
    " apart from them who has not been mailed for 6 months, or never. A click counts as an open,"
    " and opens and clicks of journeys count where their tables are read. Nobody is called"
    " inactive for what is not known: only campaigns count against somebody whose opens and clicks"
    " were read 7 days or more after sending, one of them from before those months began and one"
    " from within. KnownSince is when the first such campaign was sent. Who consents to no tracking"
    " is left out, where consents are read. With a window on `campaign_opens` or `campaign_clicks`,"
    " what somebody did with a campaign later than that is not known. Opens that mail programs make"
    " by themselves are opens, too; and who shows no pictures opens nothing by the API's count.",
    needs=(
        "clients",
        "subscribers",
        "suppressed_addresses",
        "campaign_reports_read",
        "active_subscribers",
        *_REPORTS,
    ),
    optional=_JOURNEYS,
    reads_log=True,
    relies_on=(
        *(f"{table}.EmailAddress" for table in (*STATES, "suppression_list")),
        *(f"{table}.EmailAddress" for table in (*_REPORTS, *_JOURNEYS)),
        *(f"{table}.Date" for table in (*_REPORTS[1:], *_JOURNEYS[1:])),
        "active_subscribers.ConsentToTrack",
    ),
    columns=(
        *CLIENT,
        ADDRESS,
        text(
            "Inactivity",
            "`no open for 12 months`, `no open for 6 months`, `not mailed for 6 months` or `never"
            " mailed`; one of them.",
            personal=False,
        ),
        count("ActiveOn", "On how many of the client's lists the address is active."),
        time("Joined", "When it joined the first of them, in the client's time zone."),
        count("CampaignsReceived", "How many campaigns were sent to the address."),
        time("LastReceived", "When the last e-mail was sent to it, in the client's time zone."),
        time("LastOpen", "When it last opened one, in the client's time zone; NULL: never."),
        time("LastClick", "When it last clicked a link, in the client's time zone; NULL: never."),
        time(
            "KnownSince",
            "When the client's first campaign was sent of which it is known who opened it: nothing"
            " from before counts.",
        ),
        time("KnownUntil", "The UTC time of the sync from which months are counted back."),
    ),
    shows={
        "inactive": 'select ClientName as "client", Inactivity as "since",'
        ' count(*) as "addresses", bar(count(*), 0, max(count(*)) over (), 20) as " "'
        " from {inactive_subscribers} group by all order by all limit 50"
    },
)

LIST_OVERLAP = View(
    name="list_overlap",
    description="How many active subscribers two lists of a client have in common, one row per list"
    " and other list, so two for each pair; lists without a common subscriber are left out. Two"
    " spellings of an address are one.",
    needs=("clients", "lists", "subscribers"),
    relies_on=tuple(f"{table}.EmailAddress" for table in STATES),
    columns=(
        *CLIENT,
        *LIST,
        text("OtherListID", "The other list's identifier.", personal=False),
        text("OtherListName", "The other list's name.", personal=False),
        count("Active", "How many are active on the list."),
        count("OtherActive", "How many are active on the other list."),
        count("OnBoth", "How many are active on both."),
        number("Share", "OnBoth of Active, 1 being all.", personal=False),
    ),
    shows={
        "overlap": 'select ClientName as "client", ListName as "list", OtherListName as "other",'
        ' Active as "active", OnBoth as "on both", round(100 * Share, 1) as "%",'
        ' bar(Share, 0, 1, 20) as " " from {list_overlap}'
        " order by OnBoth desc, ListID, OtherListID limit 40"
    },
)

VIEWS = (LIST_GROWTH_CHANGE, INACTIVE_SUBSCRIBERS, LIST_OVERLAP)
