"""Which campaign did well: the numbers of the sent campaigns, and their rates."""

from campaign_monitor_assets.analytics.model import View
from campaign_monitor_assets.catalogue import Column
from campaign_monitor_assets.catalogue.model import count, number, text, time

CLIENT = (
    text("ClientID", "The client's identifier.", personal=False),
    text("ClientName", "The client's name.", personal=False),
)

COUNTS = (
    count("Recipients", "How many subscribers it was sent to."),
    count("Delivered", "Recipients without the bounced ones: what rates are shares of."),
    count("TotalOpened", "How often it was opened, counting every time."),
    count("UniqueOpened", "How many subscribers opened it at least once."),
    count("Clicks", "How often its links were clicked."),
    count("Bounced", "How many subscribers it bounced for, hard and soft together."),
    count("Unsubscribed", "How many subscribers left by it."),
    count("SpamComplaints", "How many subscribers marked it as spam."),
)
RATES = (
    number("OpenRate", "UniqueOpened of Delivered, 1 being all.", personal=False),
    number(
        "ClickRate",
        "Clicks of Delivered; above 1 where people click more than once.",
        personal=False,
    ),
    number("ClickToOpenRate", "Clicks of UniqueOpened.", personal=False),
    number("BounceRate", "Bounced of Recipients, 1 being all.", personal=False),
    number("UnsubscribeRate", "Unsubscribed of Delivered, 1 being all.", personal=False),
    number("ComplaintRate", "SpamComplaints of Delivered, 1 being all.", personal=False),
)

CAMPAIGN_PERFORMANCE = View(
    name="campaign_performance",
    description="The sent campaigns with their numbers and rates, one row per campaign. Numbers"
    " are NULL where a campaign's report has not been read yet, and a rate is NULL where it would"
    " be a share of nothing.",
    needs=("clients", "campaigns", "campaign_summary"),
    columns=(
        *CLIENT,
        text("CampaignID", "The campaign's identifier.", personal=False),
        text("Name", "The campaign's name.", personal=False),
        text("Subject", "The subject of the e-mail.", personal=False),
        time("SentDate", "When it was sent, in the client's time zone."),
        *COUNTS,
        *RATES,
    ),
    shows={
        "latest_campaigns": 'select ClientName as "client", Name as "campaign", SentDate as "sent",'
        ' Recipients as "recipients", round(100 * OpenRate, 1) as "opens %",'
        ' bar(OpenRate, 0, 1, 20) as "opens", round(100 * ClickRate, 1) as "clicks %",'
        ' round(100 * BounceRate, 1) as "bounces %",'
        ' round(100 * UnsubscribeRate, 2) as "unsubscribes %"'
        " from {campaign_performance} order by SentDate desc limit 20"
    },
)

CAMPAIGN_PERFORMANCE_BY_MONTH = View(
    name="campaign_performance_by_month",
    description="The sent campaigns of each client, month by month. Rates are of the month's sums,"
    " so a large campaign weighs more than a small one; a campaign whose report has not been read"
    " yet is counted among the Campaigns and nowhere else.",
    needs=("campaign_performance",),
    columns=(
        *CLIENT,
        Column(
            "Month",
            "DATE",
            "The month's first day, in the client's time zone; NULL where the date is missing,"
            " before 2000 or more than a year from now.",
            personal=False,
        ),
        count("Campaigns", "How many campaigns were sent."),
        *COUNTS,
        *RATES,
    ),
    shows={
        "months": 'select ClientName as "client", Month as "month", Campaigns as "campaigns",'
        ' Delivered as "delivered", round(100 * OpenRate, 1) as "opens %",'
        ' bar(OpenRate, 0, 1, 20) as "opens", round(100 * ClickRate, 1) as "clicks %"'
        " from {campaign_performance_by_month} order by Month desc, ClientName limit 36"
    },
)

VIEWS = (CAMPAIGN_PERFORMANCE, CAMPAIGN_PERFORMANCE_BY_MONTH)
