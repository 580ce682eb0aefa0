from typing import Final

from campaign_monitor_assets.report import charts
from campaign_monitor_assets.report.facts import MINE, Facts
from campaign_monitor_assets.report.model import Chart, Section
from campaign_monitor_assets.report.times import day_of

_SAID: Final = {
    "no open for 6 months": "No open for 6 to 12 months",
    "no open for 12 months": "No open for 12 months or more",
    "not mailed for 6 months": "Not mailed for 6 months",
    "never mailed": "Never mailed",
}


def _make(facts: Facts) -> Chart | None:
    """How many read nothing, and apart from them how many get nothing to read."""
    found = facts.ask(
        "select Inactivity, sum(number)::bigint, max(KnownSince) from temp.inactive"
        f" where {MINE} group by all"
    )
    if not found:
        return None
    numbers = {name: number for name, number, _ in found}
    since = max((since for *_, since in found if since), default=None)
    remark = f"What is known reaches back to {day_of(since.date())}." if since else ""
    chart = charts.bars(
        "Subscribers",
        list(_SAID.values()),
        {"Addresses": [numbers.get(name, 0) for name in _SAID]},
        "Addresses",
    )
    return Chart(chart.figure, chart.data, remark=remark)


SECTION: Final = Section(
    title="Who reads nothing",
    note="Addresses that are active on a list and may be mailed; a click counts as an open. Apart"
    " from them stand those who had nothing to open. Nobody is counted who is too little known."
    " Mail programs that show no pictures hide"
    " opens, and others open by themselves.",
    tables=(
        "active_subscribers",
        "unsubscribed_subscribers",
        "bounced_subscribers",
        "suppression_list",
        "campaigns",
        "campaign_recipients",
        "campaign_opens",
        "campaign_clicks",
    ),
    make=_make,
    empty="nobody is known to read nothing",
    views=("campaign_reports_read", "inactive_subscribers"),
    summaries={
        "inactive": """
            select ClientID, Inactivity, count(*) as number, max(KnownSince) as KnownSince
            from {inactive_subscribers} group by all""",
    },
)
