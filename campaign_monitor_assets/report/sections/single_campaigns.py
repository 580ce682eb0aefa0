from datetime import datetime
from typing import Final, NamedTuple

from plotly.subplots import make_subplots

from campaign_monitor_assets.report import charts
from campaign_monitor_assets.report.facts import MINE, RESULTS, Facts, Results
from campaign_monitor_assets.report.grids import without_lone_client
from campaign_monitor_assets.report.model import Chart, Grid, Key, Section
from campaign_monitor_assets.report.rates import PANELS, RATES, percent
from campaign_monitor_assets.report.times import SO_FAR, YOUNG

_LATEST: Final = 12
_TOP: Final = 15
_TABLES: Final = ("campaigns", "campaign_summary")


class _Campaign(NamedTuple):
    name: str
    client: str
    sent: datetime | None
    results: Results


def _campaigns(facts: Facts, which: str, order: str, most: int) -> list[_Campaign]:
    found = facts.ask(
        "with sums as (select sent.*, clients.name as client from temp.sent"
        f" join temp.clients using (ClientID) where {MINE} and {which})"
        f" select name, client, sent, {RESULTS} order by {order}, CampaignID limit {most}"
    )
    return [_Campaign(name, client, sent, Results(*rest)) for name, client, sent, *rest in found]


def _latest(facts: Facts) -> Chart | None:
    """What became of the latest; what is wanted on the left, what is not beside it."""
    found = _campaigns(facts, "Recipients > 0", "sent desc nulls last", _LATEST)
    if not found:
        return None
    young = facts.as_of(_TABLES) - YOUNG
    names = [_name(each, young) for each in found]
    figure = make_subplots(
        cols=len(PANELS), shared_yaxes=True, horizontal_spacing=0.06, column_widths=[0.55, 0.45]
    )
    for rate in RATES:
        figure.add_bar(
            name=rate.name,
            x=[percent(each.results, rate) for each in found],
            y=list(range(len(found))),
            orientation="h",
            marker_color=rate.colour,
            hovertext=[charts.label(name) for name in names],
            hovertemplate="%{hovertext}: %{x:.1f} %",
            row=1,
            col=rate.panel,
        )
    for panel, title in enumerate(PANELS, 1):
        # A phone has no room for both titles in one line.
        figure.update_xaxes(title_text=title.replace(", ", ",<br>"), col=panel)
    figure.update_xaxes(ticksuffix=" %", showticksuffix="last", rangemode="tozero")
    rows = [
        [name, *(percent(each.results, rate) for rate in RATES)]
        for name, each in zip(names, found, strict=True)
    ]
    return Chart(
        charts.labelled(figure, names, 100 + 40 * len(found)),
        Grid(["Campaign", *(rate.name for rate in RATES)], rows),
        [Key(rate.name, rate.colour) for rate in RATES],
        f"Of campaigns of the last {YOUNG.days} days the results are those {SO_FAR}."
        if any(each.sent and each.sent > young for each in found)
        else "",
    )


def _name(campaign: _Campaign, young: datetime) -> str:
    is_young = campaign.sent is not None and campaign.sent > young
    return f"{campaign.name} ({SO_FAR})" if is_young else campaign.name


def _most_opened(facts: Facts) -> Grid | None:
    order = "UniqueOpened desc, sent desc nulls last"
    found = _campaigns(facts, "UniqueOpened > 0", order, _TOP)
    heads = ["Campaign", "Client", "Sent", "E-mails sent", "Opened by"]
    rows = [
        [
            each.name,
            each.client,
            each.sent.date() if each.sent else None,
            each.results.reported,
            each.results.openers,
            *(percent(each.results, rate) for rate in RATES),
        ]
        for each in found
    ]
    return without_lone_client([*heads, *(rate.name for rate in RATES)], rows)


LATEST: Final = Section(
    title="The latest campaigns",
    note=f"The {_LATEST} that were sent last, the latest first.",
    tables=_TABLES,
    make=_latest,
    empty="no campaign has results yet",
)

MOST_OPENED: Final = Section(
    title="The most opened campaigns",
    note=f"The {_TOP} that the most subscribers opened.",
    tables=_TABLES,
    make=_most_opened,
    empty="no campaign was opened yet",
)
