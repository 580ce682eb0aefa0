from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from plotly.subplots import make_subplots

from campaign_monitor_assets.analytics.model import (
    LEAST_CAMPAIGNS,
    LEAST_DELIVERED,
    SETTLED_DAYS,
    with_fragments,
)
from campaign_monitor_assets.report import charts
from campaign_monitor_assets.report.facts import MINE, Facts
from campaign_monitor_assets.report.model import Cell, Chart, Grid, Section

_FEW: Final = "few"
_PALE: Final = 0.4
"""How strongly a bar is drawn behind which there are only few campaigns."""
_PANELS: Final = (("Opened", charts.BLUE), ("Clicks", charts.GREEN))


class _Time(NamedTuple):
    name: str
    campaigns: int
    delivered: int
    opened: float
    clicks: float
    is_enough: bool


def _make(slot: str, name: str, best: Callable[[str], str], facts: Facts) -> Chart | None:
    """What came of campaigns by weekday or hour; opened on the left, clicks beside it."""
    found = _times(facts, slot, name)
    # With few campaigns everywhere the bars would show nothing but chance.
    if not any(each.is_enough for each in found):
        return None
    figure = make_subplots(cols=2, shared_yaxes=True, horizontal_spacing=0.06)
    names = [each.name if each.is_enough else f"{each.name} ({_FEW})" for each in found]
    for panel, (title, colour) in enumerate(_PANELS, 1):
        figure.add_bar(
            name=title,
            x=[each.opened if title == "Opened" else each.clicks for each in found],
            y=list(range(len(found))),
            orientation="h",
            marker={
                "color": colour,
                "opacity": [1 if each.is_enough else _PALE for each in found],
            },
            hovertext=[charts.label(each) for each in names],
            hovertemplate="%{hovertext}: %{x:.1f} %",
            row=1,
            col=panel,
        )
        figure.update_xaxes(title_text=title, col=panel)
    figure.update_xaxes(ticksuffix=" %", showticksuffix="last", rangemode="tozero")
    heads = ["Weekday" if slot == "weekday" else "Hour", "Campaigns", "Delivered"]
    data: list[list[Cell]] = [
        [label, each.campaigns, each.delivered, each.opened, each.clicks]
        for label, each in zip(names, found, strict=True)
    ]
    return Chart(
        charts.labelled(figure, names, 90 + 30 * len(found)),
        Grid([*heads, *(title for title, _ in _PANELS)], data),
        remark=_remark([each for each in found if each.is_enough], best),
    )


def _times(facts: Facts, slot: str, name: str) -> list[_Time]:
    found = facts.ask(
        with_fragments(
            "with sums as (select Weekday, WeekdayName, Hour, sum(Campaigns)::bigint as Campaigns,"
            " sum(Delivered)::bigint as Delivered, sum(UniqueOpened)::bigint as UniqueOpened,"
            f" sum(Clicks)::bigint as Clicks from temp.send_times where Slot = '{slot}' and {MINE}"
            f" group by all) select {name}, Campaigns, Delivered, 100 * UniqueOpened / Delivered,"
            " 100 * Clicks / Delivered, {is_enough_sent} from sums order by Weekday, Hour"
        )
    )
    return [_Time(*row) for row in found]


def _remark(enough: Sequence[_Time], best: Callable[[str], str]) -> str:
    opened = max(enough, key=lambda each: each.opened)
    clicks = max(enough, key=lambda each: each.clicks)
    if len(enough) == 1:
        return ""
    if opened == clicks:
        return f"Both were highest {best(opened.name)}."
    return f"Opened was highest {best(opened.name)}, clicks {best(clicks.name)}."


def _section(title: str, make: Callable[[Facts], Chart | None]) -> Section:
    return Section(
        title=title,
        note="In each client's own time zone. It tells what went along with good results, not what"
        f" caused them. Fewer than {LEAST_CAMPAIGNS} campaigns or {LEAST_DELIVERED:,} delivered"
        f" e-mails are too {_FEW} to mean something, and paler. Some opens are made by mail"
        f" programs themselves; clicks are surer. Campaigns of the last {SETTLED_DAYS} days are"
        " left out.",
        tables=("campaigns", "campaign_summary"),
        make=make,
        empty=f"no such time has {LEAST_CAMPAIGNS} campaigns and {LEAST_DELIVERED:,} delivered"
        " e-mails yet, and fewer mean nothing",
        views=("send_time_performance",),
        summaries={"send_times": "from {send_time_performance}"},
    )


WEEKDAYS: Final = _section(
    "Results by weekday", partial(_make, "weekday", "WeekdayName", lambda day: f"on {day}s")
)

HOURS: Final = _section(
    "Results by hour of sending",
    partial(_make, "hour", "format('{:02}:00', Hour)", lambda hour: f"from {hour} on"),
)
