"""What the report's charts have in common, as Plotly figures; their looks are the page's.

Names may hold anything, and come twice: bars stand at numbers, of which the names are the labels,
and are escaped, since Plotly takes a text for a little HTML.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from textwrap import wrap
from typing import Final

import plotly.graph_objects as go

from campaign_monitor_assets.report.model import Cell, Chart, Figure, Grid, Key
from campaign_monitor_assets.report.times import SO_FAR, month_of

BLUE, ORANGE, RED, GREY, GREEN = "#3987c9", "#c77414", "#d4483f", "#7f848f", "#24957c"
LINES: Final = (BLUE, ORANGE, GREEN, RED, GREY, "#9069d0", "#a67c1f", "#3a9494")
"""Colours that can be told from a white and from a black page."""

MOST_BARS: Final = 20
_LABEL: Final = 18
"""Characters of a line of a name beside its bar; a phone has no room for more."""
_KEY: Final = 28
"""Characters of a name in a legend."""
_ROW, _FRAME = 36, 60
"""Pixels for a bar's row, and for what stands around the bars."""
_PALE: Final = 0.45
"""How strongly a bar is drawn that is going to grow."""


def bars(
    heading: str,
    names: Sequence[str],
    series: Mapping[str, Sequence[int]],
    unit: str,
    colours: Mapping[str, str] | None = None,
) -> Chart:
    """A bar for each name, of one part or of several.

    Args:
        heading: What the names are of, as the heading of their column.
        names: The names, the first at the top.
        series: For each part its number at each name.
        unit: What is counted.
        colours: The colour of each part, where there are several.
    """
    colours = colours or {}
    figure = go.Figure(
        [
            go.Bar(
                name=name,
                x=numbers,
                y=list(range(len(names))),
                orientation="h",
                marker_color=colours.get(name, BLUE),
                hovertext=[label(each) for each in names],
                hovertemplate="%{hovertext}: %{x:,}",
            )
            for name, numbers in series.items()
        ]
    )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(title_text=unit)
    rows = [[name, *cells] for name, *cells in zip(names, *series.values(), strict=True)]
    legend = [Key(name, colours.get(name, BLUE)) for name in series] if len(series) > 1 else ()
    return Chart(
        labelled(figure, names, _FRAME + _ROW * len(names)),
        Grid([heading, *series], rows),
        legend,
    )


def labelled(figure: go.Figure, labels: Sequence[str], height: int) -> Figure:
    """A figure whose bars lie at the numbers from 0 on, with a label of one line or two each."""
    figure.update_yaxes(
        tickvals=list(range(len(labels))),
        ticktext=["<br>".join(map(label, _lines(each))) for each in labels],
        autorange="reversed",
    )
    return plain(figure, height)


def label(text: str) -> str:
    """A text as Plotly is to show it."""
    return escape(text)


def short(name: str) -> str:
    """A name as a legend has room for it; of a long one the beginning and the end."""
    return name if len(name) <= _KEY else "".join(_ends(name, _KEY // 2))


def _lines(name: str) -> list[str]:
    """A name in two lines at the most; of a longer one the beginning and the end."""
    lines = wrap(name, _LABEL)
    return lines if len(lines) <= 2 else _ends(name, _LABEL)


def _ends(name: str, width: int) -> list[str]:
    """As many words as there is room for: names that begin alike are told by their ends."""
    end = wrap(name[::-1], width - 1, break_long_words=False)[0]
    return [wrap(name, width)[0], f"…{end[: width - 1][::-1]}"]


def plain(figure: go.Figure, height: int) -> Figure:
    """A figure as JSON, without Plotly's own looks, that stays as it is under fingers."""
    figure.update_layout(height=height)
    figure.update_xaxes(fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    figure.layout.template = None
    return dict(figure.to_plotly_json())


class Months:
    """A chart by month, in which months that aren't over can be told from the others."""

    def __init__(
        self,
        figure: go.Figure,
        months: Sequence[datetime],
        unfinished: datetime,
    ) -> None:
        """Begins a chart.

        Args:
            figure: An empty one.
            months: The months' first days.
            unfinished: The first month that isn't over.
        """
        self._figure = figure
        self._months = months
        self._unfinished = unfinished
        self._days = [f"{month:%Y-%m-%d}" for month in months]
        self._over = sum(month < unfinished for month in months)
        self._columns: dict[str, Sequence[Cell]] = {}
        self._legend: list[Key] = []

    def bars(self, name: str, numbers: Sequence[int], colour: str, *, below: bool = False) -> None:
        """Adds a bar for each month, above or below the line."""
        left = len(self._months) - self._over
        self._figure.add_bar(
            name=name,
            x=self._days,
            y=[-number for number in numbers] if below else numbers,
            marker={"color": colour, "opacity": [1.0] * self._over + [_PALE] * left},
            hovertemplate="%{y:,}",
        )
        self._told(name, numbers, Key(name, colour))

    def line(
        self,
        name: str,
        numbers: Sequence[int] | Sequence[float | None],
        colour: str = "",
        *,
        template: str = "%{y:,}",
        width: int = 2,
        dashed: bool = False,
        row: int | None = None,
    ) -> None:
        """Adds a line, which ends before the months that aren't over; without a colour the text's.

        Each of those has a mark of its own: a line down to it would look like a fall.
        """
        place = {} if row is None else {"row": row, "col": 1}
        look = {"color": colour} if colour else {}
        over = self._over
        days: list[str | None] = [*self._days[:over]]
        marks: list[float | None] = [*numbers[:over]]
        for day, number in zip(self._days[over:], numbers[over:], strict=True):
            days += [None, day]
            marks += [None, number]
        symbols = ["circle"] * over + ["circle-open"] * (len(days) - over)
        self._figure.add_scatter(
            name=name,
            x=days,
            y=marks,
            mode="lines+markers" if over > 1 else "markers",
            line={**look, "width": width, "dash": "dash" if dashed else "solid"},
            marker={**look, "size": 2 + 2 * width, "symbol": symbols},
            hovertemplate=template,
            **place,
        )
        self._told(name, numbers, Key(name, colour, "dashed" if dashed else "solid"))

    def _told(self, name: str, numbers: Sequence[Cell], key: Key) -> None:
        self._legend.append(key)
        self.also(name, numbers)

    def also(self, name: str, numbers: Sequence[Cell]) -> None:
        """Adds to the chart's table what the chart itself does not show."""
        self._columns[name] = numbers

    def chart(self, height: int, *titles: str) -> Chart:
        """The chart with what was added, of such a height, and with a title for each panel."""
        figure = self._figure
        for row, title in enumerate(titles, 1):
            place = {"row": row, "col": 1} if len(titles) > 1 else {}
            figure.update_yaxes(title_text=title, rangemode="tozero", **place)
        figure.update_layout(hovermode="x unified")
        figure.update_xaxes(hoverformat="%B %Y", tickformat="%b %Y")
        # Of panels that share the months, the lowest names them.
        figure.update_xaxes(title_text="Month", selector=-1)
        remark = ""
        if left := self._months[self._over :]:
            self._mark(left)
            names = " and ".join(f"{month:%B %Y}" for month in left)
            remark = f"{names} {'are' if len(left) > 1 else 'is'} not over: figures {SO_FAR}."
        rows = [
            [month_of(month, self._unfinished), *cells]
            for month, *cells in zip(self._months, *self._columns.values(), strict=True)
        ]
        legend = self._legend if len(self._legend) > 1 else ()
        return Chart(plain(figure, height), Grid(["Month", *self._columns], rows), legend, remark)

    def _mark(self, left: Sequence[datetime]) -> None:
        """Shades the months that aren't over, and says so above them."""
        half = timedelta(days=15)
        first, last = left[0] - half, left[-1] + half
        self._figure.add_shape(
            type="rect",
            xref="x",
            yref="paper",
            x0=f"{first:%Y-%m-%d}",
            x1=f"{last:%Y-%m-%d}",
            y0=0,
            y1=1,
            layer="below",
            line_width=0,
            fillcolor=GREY,
            opacity=0.15,
        )
        self._figure.add_annotation(
            text=SO_FAR,
            x=f"{last:%Y-%m-%d}",
            xref="x",
            xanchor="right",
            y=1,
            yref="paper",
            yanchor="bottom",
            showarrow=False,
        )
