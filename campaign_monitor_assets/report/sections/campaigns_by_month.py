from datetime import datetime
from typing import Final

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from campaign_monitor_assets.report import charts
from campaign_monitor_assets.report.facts import MINE, RESULTS, SUMS, Facts, Results
from campaign_monitor_assets.report.model import Chart, Section
from campaign_monitor_assets.report.rates import PANELS, RATES, percent
from campaign_monitor_assets.report.times import YOUNG, unfinished_from

_MONTHS: Final = 36
_RESULTS: Final = ("campaigns", "campaign_summary")


def _months(facts: Facts, which: str = "true") -> list[tuple[datetime, int, Results]]:
    """The latest months in which a campaign was sent, how many were, and their results."""
    found = facts.ask(
        f"with sums as (select month, count(*) as campaigns, {SUMS} from temp.sent"
        f" where {MINE} and {which} and month is not null group by month)"
        f" select month, campaigns, {RESULTS} order by month desc limit {_MONTHS}"
    )
    return [(month, number, Results(*rest)) for month, number, *rest in reversed(found)]


def _sent(facts: Facts) -> Chart | None:
    found = _months(facts)
    if not found:
        return None
    months, campaigns, results = zip(*found, strict=True)
    chart = charts.Months(go.Figure(), months, unfinished_from(facts.as_of(["campaigns"])))
    chart.bars("E-mails sent", [each.sent_to for each in results], charts.BLUE)
    chart.also("Campaigns", campaigns)
    return chart.chart(320, "E-mails sent")


def _performance(facts: Facts) -> Chart | None:
    """What became of each month's campaigns; what is wanted above, what is not below."""
    as_of = facts.as_of(_RESULTS)
    old = f"sent <= timestamp '{as_of - YOUNG}'"
    found = [(month, results) for month, _, results in _months(facts, old) if results.reported]
    if not found:
        return None
    months = [month for month, _ in found]
    figure = make_subplots(rows=len(PANELS), shared_xaxes=True, vertical_spacing=0.08)
    chart = charts.Months(figure, months, unfinished_from(as_of))
    for rate in RATES:
        numbers = [percent(results, rate) for _, results in found]
        chart.line(
            rate.name,
            numbers,
            rate.colour,
            template="%{y:.1f} %",
            dashed=rate.dashed,
            row=rate.panel,
        )
    figure.update_yaxes(ticksuffix=" %")
    return chart.chart(480, *PANELS)


SENT: Final = Section(
    title="E-mails sent by month",
    note="To how many subscribers the campaigns of each month went.",
    tables=("campaigns",),
    make=_sent,
    empty="no campaign was sent yet",
)

PERFORMANCE: Final = Section(
    title="Results by month",
    note=f"All campaigns of a month together, but for those of the last {YOUNG.days} days, whose"
    " results still come in.",
    tables=_RESULTS,
    make=_performance,
    empty="no campaign has results yet",
)
