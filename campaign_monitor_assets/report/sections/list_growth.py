from typing import Final

import plotly.graph_objects as go

from campaign_monitor_assets.report import charts
from campaign_monitor_assets.report.facts import MINE, Facts
from campaign_monitor_assets.report.model import Chart, Section
from campaign_monitor_assets.report.times import unfinished_from

_MONTHS: Final = 36
_TABLES: Final = ("active_subscribers", "unsubscribed_subscribers", "bounced_subscribers")


def _make(facts: Facts) -> Chart | None:
    """Who came above the line and who went below it, by month, and what that leaves.

    Months in which nothing happened stand among the others.
    """
    found = facts.ask(
        "with mine as (select month, sum(joined)::bigint as joined,"
        " sum(unsubscribed)::bigint as unsubscribed, sum(bounced)::bigint as bounced,"
        " sum(net)::bigint as net"
        f" from temp.growth where {MINE} and month is not null group by all)"
        ", months as (select unnest(generate_series(greatest(min(month), max(month)"
        f" - interval {_MONTHS - 1} month), max(month), interval 1 month)) as month from mine)"
        " select month, coalesce(joined, 0), coalesce(unsubscribed, 0), coalesce(bounced, 0),"
        " coalesce(net, 0) from months left join mine using (month) order by month"
    )
    if not found:
        return None
    months, joined, unsubscribed, bounced, net = zip(*found, strict=True)
    chart = charts.Months(
        go.Figure(layout={"barmode": "relative"}), months, unfinished_from(facts.as_of(_TABLES))
    )
    chart.bars("Joined", joined, charts.BLUE)
    chart.bars("Unsubscribed", unsubscribed, charts.ORANGE, below=True)
    chart.bars("Bounced", bounced, charts.RED, below=True)
    chart.line("Net growth", net, width=3)
    return chart.chart(380, "Subscribers")


SECTION: Final = Section(
    title="List growth by month",
    note="By the date of joining a list, of leaving it and of bouncing for good; the last"
    f" {_MONTHS} months. Dates that are missing, before 2000 or more than a year ahead are left"
    " out.",
    tables=_TABLES,
    make=_make,
    empty="nobody is on a list yet",
    views=("list_growth_by_month",),
    summaries={
        "growth": """
            select ClientID, Month as month, sum(Joined) as joined, sum("Left") as unsubscribed,
                sum(Bounced) as bounced, sum(Net) as net
            from {list_growth_by_month} group by all""",
    },
    partly=True,
)
