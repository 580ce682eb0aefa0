"""What comes of campaigns: which links, which times of sending, which domains, and is it more?"""

from dataclasses import replace

from campaign_monitor_assets.analytics.campaigns import CLIENT, COUNTS, RATES
from campaign_monitor_assets.analytics.model import (
    LEAST_ADDRESSES,
    LEAST_CAMPAIGNS,
    LEAST_DELIVERED,
    PERIODS,
    SETTLED_DAYS,
    View,
)
from campaign_monitor_assets.catalogue import Column
from campaign_monitor_assets.catalogue.model import count, flag, number, text, time

CAMPAIGN = (
    text("CampaignID", "The campaign's identifier.", personal=False),
    text("Name", "The campaign's name.", personal=False),
)
_SENT = time("SentDate", "When it was sent, in the client's time zone.")
_READ = "When its {} were last read, in UTC; NULL: never."

# What a rate is a share of, and what it is of.
_UNIQUE = tuple(each for each in COUNTS if each.name != "TotalOpened")


def period_columns() -> tuple[Column, ...]:
    """The columns that say which period a row is of."""
    return (
        Column("Days", "INTEGER", "How many days each of the two periods has.", personal=False),
        Column("FirstDay", "DATE", "The later period's first day.", personal=False),
        Column("LastDay", "DATE", "The later period's last day.", personal=False),
    )


def with_before(column: Column) -> tuple[Column, Column]:
    """A column of the later period, and the same of the period before."""
    before = f"{column.description.removesuffix('.')}, in the period before."
    return column, replace(column, name=f"{column.name}Before", description=before)


def _with_change(rate: Column) -> tuple[Column, ...]:
    change = f"{rate.name} less {rate.name}Before: by how much it rose, 0.01 being a point."
    return (*with_before(rate), number(f"{rate.name}Change", change, personal=False))


_PERIODS = f"{', '.join(map(str, PERIODS[:-1]))} and {PERIODS[-1]}"

CAMPAIGN_PERFORMANCE_CHANGE = View(
    name="campaign_performance_change",
    description="What the campaigns of a period did, and those of the period before it, one row per"
    f" client and length of the periods: {_PERIODS} days. Periods are of whole days; the later one"
    f" ends {SETTLED_DAYS} days before the last sync, since opens and clicks still come until then."
    " A client that sent nothing in either period has no row.",
    needs=("campaign_performance",),
    reads_log=True,
    columns=(
        *CLIENT,
        *period_columns(),
        *with_before(count("Campaigns", "How many campaigns were sent.")),
        *(each for column in _UNIQUE for each in with_before(column)),
        *(each for rate in RATES for each in _with_change(rate)),
    ),
    shows={
        "change": 'select ClientName as "client", Days as "days", LastDay as "until",'
        ' Delivered as "delivered", DeliveredBefore as "before",'
        ' round(100 * OpenRate, 1) as "opens %", round(100 * OpenRateChange, 1) as "change",'
        ' round(100 * ClickRate, 1) as "clicks %", round(100 * ClickRateChange, 1) as "change "'
        " from {campaign_performance_change} order by ClientName, Days limit 30"
    },
)

SEND_TIME_PERFORMANCE = View(
    name="send_time_performance",
    description="What came of the campaigns by the time at which they were sent, in the client's"
    " time zone: one row per client and weekday, one per hour, and one per both together; Slot says"
    " which, so choose one of the three before adding up. It tells what went along with good"
    " results, not what caused them. Opens that mail programs make by themselves are among the"
    f" opens, so look at clicks too. Campaigns of the last {SETTLED_DAYS} days before the sync are"
    " left out, since their results still come, and those that reached nobody. Of an A/B test the"
    " API tells only when it began.",
    needs=("campaign_performance",),
    reads_log=True,
    columns=(
        *CLIENT,
        text("Slot", "`weekday`, `hour` or `weekday and hour`.", personal=False),
        Column(
            "Weekday", "INTEGER", "From 1, Monday, to 7, Sunday; NULL: any day.", personal=False
        ),
        text("WeekdayName", "`Monday` to `Sunday`; NULL: any day.", personal=False),
        Column("Hour", "INTEGER", "From 0 to 23; NULL: any hour.", personal=False),
        count("Campaigns", "How many campaigns were sent."),
        *_UNIQUE,
        *RATES,
        flag(
            "IsEnough",
            f"Whether there are enough to mean something: {LEAST_CAMPAIGNS} campaigns and"
            f" {LEAST_DELIVERED} e-mails that arrived, or more.",
        ),
    ),
    shows={
        "weekdays": 'select ClientName as "client", WeekdayName as "weekday",'
        ' Campaigns as "campaigns", Delivered as "delivered",'
        ' round(100 * OpenRate, 1) as "opens %", bar(OpenRate, 0, 1, 20) as "opens",'
        ' round(100 * ClickRate, 1) as "clicks %", IsEnough as "enough"'
        " from {send_time_performance} where Slot = 'weekday' order by ClientName, Weekday limit 70"
    },
)

LINK_PERFORMANCE = View(
    name="link_performance",
    description="How often each link of each campaign was clicked, and by how many subscribers, one"
    " row per campaign and link. Who clicks a link many times is one clicker. Links that differ in"
    " anything are two, so where a link holds something of its reader each reader has one. Links"
    " that nobody clicked are not known, nor, with a window on `campaign_clicks`, clicks that came"
    " after it.",
    needs=("campaign_performance", "campaign_clicks"),
    relies_on=("campaign_clicks.EmailAddress", "campaign_clicks.URL"),
    columns=(
        *CLIENT,
        *CAMPAIGN,
        text("Subject", "The subject of the e-mail.", personal=False),
        _SENT,
        # It may hold what a reader is known by.
        text("URL", "The link.", personal=True),
        count("Clicks", "How often it was clicked, counting every time."),
        count("Clickers", "How many addresses clicked it at least once."),
        number(
            "ClickerRate",
            "Clickers of the campaign's delivered e-mails, 1 being all; NULL where its results have"
            " not been read yet.",
            personal=False,
        ),
        time("FirstClick", "When it was first clicked, in the client's time zone."),
        time("LastClick", "When it was last clicked, in the client's time zone."),
    ),
    shows={
        "clicked_campaigns": 'select Name as "campaign", SentDate as "sent",'
        ' count(*) as "links", sum(Clicks)::bigint as "clicks",'
        ' max(Clickers) as "clickers of the best link"'
        " from {link_performance} group by CampaignID, Name, SentDate"
        " order by SentDate desc nulls last limit 20"
    },
)

CAMPAIGN_REPORTS_READ = View(
    name="campaign_reports_read",
    description="When each report of each sent campaign was last read, one row per campaign: how"
    " far what is known of single recipients reaches. With a window on a report, campaigns that are"
    " older than it keep the time at which they were last read.",
    # The others that read it need these, too; without them nothing would be told.
    needs=("campaigns", "campaign_recipients"),
    reads_log=True,
    columns=(
        text("ClientID", "The client's identifier.", personal=False),
        *CAMPAIGN,
        _SENT,
        time("RecipientsReadAt", _READ.format("recipients")),
        time("OpensReadAt", _READ.format("opens")),
        time("ClicksReadAt", _READ.format("clicks")),
        time("BouncesReadAt", _READ.format("bounces")),
        time("UnsubscribesReadAt", _READ.format("unsubscribes")),
        time("SpamComplaintsReadAt", _READ.format("complaints")),
    ),
)

DOMAIN_PERFORMANCE = View(
    name="domain_performance",
    description="How many e-mails went to the addresses of each domain, bounced there and were"
    " marked as spam, one row per client and domain. Only campaigns whose recipients, bounces and"
    " complaints have all been read are counted.",
    needs=(
        "clients",
        "campaign_reports_read",
        "campaign_recipients",
        "campaign_bounces",
        "campaign_spam_complaints",
    ),
    relies_on=tuple(
        f"campaign_{table}.{column}"
        for column in ("EmailDomain", "EmailAddress")
        for table in ("recipients", "bounces", "spam_complaints")
    ),
    columns=(
        *CLIENT,
        # A domain of one's own names a person.
        text(
            "Domain", "The domain in lower case; NULL for addresses that have none.", personal=True
        ),
        count("Addresses", "How many addresses there are."),
        count("Recipients", "How many e-mails were sent to them."),
        count("HardBounces", "How many bounced since the address is no good."),
        count("SoftBounces", "How many bounced for another reason, such as a full mailbox."),
        count("SpamComplaints", "How many were marked as spam."),
        number(
            "BounceRate", "HardBounces and SoftBounces of Recipients, 1 being all.", personal=False
        ),
        number("HardBounceRate", "HardBounces of Recipients, 1 being all.", personal=False),
        number(
            "ComplaintRate",
            "SpamComplaints of Recipients without the bounced ones, 1 being all.",
            personal=False,
        ),
        flag(
            "IsEnough",
            "Whether there are enough to mean something, and to be about nobody in particular:"
            f" {LEAST_ADDRESSES} addresses or more.",
        ),
    ),
    shows={
        "domains": 'select ClientName as "client", IsEnough as "enough addresses",'
        ' count(*) as "domains", sum(Recipients)::bigint as "recipients",'
        ' sum(HardBounces)::bigint as "hard bounces", sum(SoftBounces)::bigint as "soft bounces",'
        ' sum(SpamComplaints)::bigint as "complaints" from {domain_performance} group by all'
        " order by all limit 50"
    },
)

VIEWS = (
    CAMPAIGN_PERFORMANCE_CHANGE,
    SEND_TIME_PERFORMANCE,
    LINK_PERFORMANCE,
    CAMPAIGN_REPORTS_READ,
    DOMAIN_PERFORMANCE,
)
