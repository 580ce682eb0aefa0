from collections.abc import Sequence
from typing import Any, Final

import plotly.graph_objects as go

from campaign_monitor_assets.report import charts
from campaign_monitor_assets.report.facts import MINE, Facts
from campaign_monitor_assets.report.model import HISTORY, Chart, Grid, Key, Section, largest

_MOST_LINES: Final = len(charts.LINES)
_FEW_DAYS, _DAY = 10, 86_400_000
"""Up to how many days each has its own mark on the axis, and milliseconds of a day."""
_VIEWS: Final = ("subscriber_state_periods", "subscriber_state_changes", "list_size_by_day")


def _sizes(facts: Facts) -> Chart | None:
    """How many active subscribers the largest lists or clients had, day by day."""
    everything = facts.ask_grouped(
        f"with mine as (select {facts.key}, day, sum(active)::bigint as active from temp.sizes"
        f" where {MINE} group by all)"
        f" select {facts.key}, coalesce(name, {facts.key}), day, active"
        f" from mine left join {facts.names} using ({facts.key})"
        f" order by arg_max(active, day) over (partition by {facts.key}) desc, {facts.key}, day"
    )
    if not everything:
        return None
    lines = everything[:_MOST_LINES]
    figure = go.Figure()
    legend = [
        _add_line(figure, line, colour) for line, colour in zip(lines, charts.LINES, strict=False)
    ]
    few = all(len(line) <= _FEW_DAYS for line in lines)
    figure.update_yaxes(title_text="Active subscribers", rangemode="tozero")
    figure.update_xaxes(
        title_text="Day",
        hoverformat="%-d %B %Y",
        dtick=_DAY if few else None,
        tickformat="%-d %b %Y",
    )
    figure.update_layout(hovermode="x unified")
    days = sorted({day for line in lines for *_, day, _ in line})
    sizes = [{day: active for *_, day, active in line} for line in lines]
    rows = [[day, *(known.get(day) for known in sizes)] for day in days]
    data = Grid(["Day", *(str(line[0][1]) for line in lines)], rows)
    return Chart(
        charts.plain(figure, 380),
        data,
        legend if len(legend) > 1 else (),
        largest(_MOST_LINES, len(everything), facts.kind),
    )


def _add_line(figure: go.Figure, line: Sequence[Sequence[Any]], colour: str) -> Key:
    """Draws the days of a list or a client, and says how the legend names it."""
    key = Key(charts.short(line[0][1]), colour, "solid")
    figure.add_scatter(
        # Plotly takes a name for a little HTML; the legend takes it as it is.
        name=charts.label(key.name),
        x=[f"{day:%Y-%m-%d}" for *_, day, _ in line],
        y=[active for *_, active in line],
        mode="lines" if len(line) > 1 else "markers",
        line={"width": 2, "color": colour},
        marker={"color": colour},
        hovertemplate="%{y:,}",
    )
    return key


def _moves(facts: Facts) -> Grid | None:
    """How often somebody moved from one state to another, the most common moves first."""
    found = facts.ask(
        "select before || ' → ' || after as move, sum(number)::bigint as moved, max(last)::date"
        f" from temp.changes where {MINE} group by all order by moved desc, move"
    )
    return Grid(["From → to", "Subscribers", "Last"], found) if found else None


SIZES: Final = Section(
    title="List sizes over time",
    note="Active subscribers at the end of each day (UTC), as they were found at the syncs.",
    tables=(HISTORY,),
    make=_sizes,
    empty="no history was kept yet",
    views=_VIEWS,
    summaries={
        "sizes": "select ClientID, ListID, Day as day, Active as active from {list_size_by_day}",
    },
)

MOVES: Final = Section(
    title="Moves between states",
    note="How many times somebody moved from one state on a list to another, since the history"
    " began.",
    tables=(HISTORY,),
    make=_moves,
    empty="nobody has moved since the history began",
    views=_VIEWS,
    summaries={
        "changes": """
            select ClientID, coalesce(FromState, 'Not on the list') as before,
                coalesce(ToState, 'Not on the list') as after, count(*) as number,
                max(ChangedAt) as last
            from {subscriber_state_changes} group by all""",
    },
)
