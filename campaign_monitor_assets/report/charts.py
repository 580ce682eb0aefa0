"""The report's charts as Plotly figures, without their looks and legends: those are the page's.

Names may hold anything, and come twice: bars stand at numbers, of which the names are the labels,
and are escaped, since Plotly takes a text for a little HTML.
"""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any, Final

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from campaign_monitor_assets.report.records import (
    Campaign,
    Counted,
    Growth,
    Month,
    Size,
    Subscribers,
)
from campaign_monitor_assets.report.summaries import STATES

Figure = dict[str, Any]

MOST_BARS: Final = 20
MOST_LINES: Final = 8
_LABEL: Final = 28
"""Characters of a name beside its bar; a phone has no room for more."""
_FEW_DAYS, _DAY = 10, 86_400_000
"""Up to how many days each has its own mark on the axis, and milliseconds of a day."""
_ROW, _FRAME = 30, 60
"""Pixels for a bar's row, and for what stands around the bars."""

_BLUE, _ORANGE, _RED, _GREY, _GREEN = "#3987c9", "#e08a1e", "#cf4a41", "#8b8f99", "#2b9c84"
_LINES: Final = (_BLUE, _ORANGE, _GREEN, _RED, _GREY, "#8a63c9", "#b8892b", "#4fa8a8")
_STATE_COLOURS = dict(zip(STATES.values(), (_BLUE, _ORANGE, _RED, _GREEN, _GREY), strict=True))


def subscribers(counted: Sequence[Subscribers]) -> Figure:
    """Subscribers by state, a bar for each of the largest lists or clients."""
    bars = [list(rows) for _, rows in groupby(counted, key=lambda row: row.id)][:MOST_BARS]
    states = [{row.state: row.number for row in rows} for rows in bars]
    shown = [state for state in STATES.values() if any(state in numbers for numbers in states)]
    return _bars(
        [rows[0].name for rows in bars],
        {state: [numbers.get(state, 0) for numbers in states] for state in shown},
        "Subscribers",
        _STATE_COLOURS,
    )


def counted(rows: Sequence[Counted], unit: str) -> Figure:
    """A bar for each of the names that come most often."""
    kept = rows[:MOST_BARS]
    return _bars([row.name for row in kept], {unit: [row.number for row in kept]}, unit, {})


def sizes(rows: Sequence[Size]) -> Figure:
    """How many active subscribers the largest lists or clients had, day by day."""
    lines = [list(days) for _, days in groupby(rows, key=lambda row: row.id)][:MOST_LINES]
    figure = go.Figure(
        [
            go.Scatter(
                name=escape(_short(days[0].name)),
                # Plotly takes a name for a little HTML; the page's legend takes it as it is.
                meta=_short(days[0].name),
                x=[f"{row.day:%Y-%m-%d}" for row in days],
                y=[row.active for row in days],
                mode="lines" if len(days) > 1 else "markers",
                marker={"color": colour},
                hovertemplate="%{y:,}",
            )
            for days, colour in zip(lines, _LINES, strict=False)
        ]
    )
    figure.update_yaxes(title_text="Active subscribers", rangemode="tozero")
    few = all(len(days) <= _FEW_DAYS for days in lines)
    figure.update_xaxes(
        title_text="Day",
        fixedrange=True,
        hoverformat="%-d %B %Y",
        dtick=_DAY if few else None,
        tickformat="%-d %b %Y" if few else None,
    )
    figure.update_layout(height=380, hovermode="x unified")
    figure.update_yaxes(fixedrange=True)
    return _plain(figure)


def growth(rows: Sequence[Growth]) -> Figure:
    """Who came above the line and who went below it, by month, and what that leaves."""
    months = [f"{row.month:%Y-%m-%d}" for row in rows]
    columns = (
        ("Joined", [row.joined for row in rows], _BLUE),
        ("Unsubscribed", [-row.unsubscribed for row in rows], _ORANGE),
        ("Bounced", [-row.bounced for row in rows], _RED),
    )
    figure = go.Figure(
        [
            go.Bar(name=name, x=months, y=numbers, marker_color=colour, hovertemplate="%{y:,}")
            for name, numbers, colour in columns
        ]
    )
    figure.add_scatter(
        name="Net growth",
        x=months,
        y=[row.net for row in rows],
        mode="lines+markers",
        marker={"color": _GREEN, "size": 5},
        hovertemplate="%{y:,}",
    )
    figure.update_layout(barmode="relative")
    figure.update_yaxes(title_text="Subscribers a month")
    return _by_month(figure, 380)


def recipients(rows: Sequence[Month]) -> Figure:
    """How many e-mails went out by month."""
    figure = go.Figure(
        go.Bar(
            name="Recipients",
            x=[f"{row.month:%Y-%m-%d}" for row in rows],
            y=[row.results.recipients for row in rows],
            customdata=[row.campaigns for row in rows],
            marker_color=_BLUE,
            hovertemplate="%{y:,} recipients of %{customdata:,} campaigns<extra></extra>",
        )
    )
    figure.update_yaxes(title_text="Recipients a month")
    return _by_month(figure, 320)


def monthly_rates(rows: Sequence[Month]) -> Figure:
    """What became of each month's campaigns; what is wanted above, what is not below."""
    figure = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.08)
    months = [f"{row.month:%Y-%m-%d}" for row in rows]
    for position, name, field, colour in _RATES:
        figure.add_scatter(
            name=name,
            x=months,
            y=[_percent(row, field) for row in rows],
            mode="lines+markers",
            marker={"color": colour, "size": 6},
            hovertemplate="%{y:.1f} %",
            row=position,
            col=1,
        )
    figure.update_yaxes(title_text="% of e-mails", rangemode="tozero")
    return _by_month(figure, 480)


def campaign_rates(campaigns: Sequence[Campaign]) -> Figure:
    """What became of each of a few campaigns; what is wanted on the left, what is not beside it."""
    figure = make_subplots(
        cols=2, shared_yaxes=True, horizontal_spacing=0.05, column_widths=[0.62, 0.38]
    )
    names = [row.name for row in campaigns]
    for position, name, field, colour in _RATES:
        figure.add_bar(
            name=name,
            x=[_percent(row, field) for row in campaigns],
            y=list(range(len(campaigns))),
            orientation="h",
            marker_color=colour,
            hovertext=[escape(each) for each in names],
            hovertemplate="%{hovertext}: %{x:.1f} %",
            row=1,
            col=position,
        )
    figure.update_xaxes(title_text="% of e-mails", rangemode="tozero", fixedrange=True)
    # A phone has no room for the same words twice.
    figure.update_xaxes(title_text="%", col=2)
    return _labelled(figure, names, height=_FRAME + 20 + 40 * len(names))


_RATES = (
    (1, "Opened", "opened", _BLUE),
    (1, "Clicks", "clicks", _GREEN),
    (2, "Unsubscribed", "unsubscribed", _ORANGE),
    (2, "Bounced", "bounced", _RED),
)
"""Which panel a rate stands in, its name, its field and its colour."""


def _percent(row: Month | Campaign, field: str) -> float | None:
    percent: float | None = getattr(row.results, field)
    return None if percent is None else round(percent, 2)


def _bars(
    names: Sequence[str],
    series: Mapping[str, Sequence[int]],
    unit: str,
    colours: Mapping[str, str],
) -> Figure:
    figure = go.Figure(
        [
            go.Bar(
                name=name,
                x=numbers,
                y=list(range(len(names))),
                orientation="h",
                marker_color=colours.get(name, _BLUE),
                hovertext=[escape(each) for each in names],
                hovertemplate="%{hovertext}: %{x:,}",
            )
            for name, numbers in series.items()
        ]
    )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(title_text=unit, fixedrange=True)
    return _labelled(figure, names, height=_FRAME + _ROW * len(names))


def _labelled(figure: go.Figure, names: Sequence[str], height: int) -> Figure:
    figure.update_layout(height=height)
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[escape(_short(name)) for name in names],
        autorange="reversed",
        fixedrange=True,
    )
    return _plain(figure)


def _by_month(figure: go.Figure, height: int) -> Figure:
    figure.update_layout(height=height, hovermode="x unified")
    figure.update_xaxes(fixedrange=True, hoverformat="%B %Y")
    # Of panels that share the months, the lowest names them.
    figure.update_xaxes(title_text="Month", selector=-1)
    figure.update_yaxes(fixedrange=True)
    return _plain(figure)


def _plain(figure: go.Figure) -> Figure:
    figure.layout.template = None
    return dict(figure.to_plotly_json())


def _short(name: str) -> str:
    return name if len(name) <= _LABEL else f"{name[: _LABEL - 1]}…"
