"""The form of the report: what a section is, and what becomes of it for one client."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal

from campaign_monitor_assets.report.facts import Facts
from campaign_monitor_assets.report.times import day_of

Figure = dict[str, Any]
"""A Plotly figure, as JSON."""

HISTORY: Final = "the history of subscribers"
"""What is present where the history of the tables of states is kept."""

Cell = str | int | float | date | None
"""A cell of a table; a float is a percentage, and None nothing."""


class Signed(str):
    """A number that is written already, with what it is more or less by."""

    __slots__ = ()


_KINDS: Final = (("number", (int, float, Signed)), ("day", date))


@dataclass(frozen=True)
class Grid:
    """A table of the page.

    Attributes:
        heads: The columns' headings.
        rows: The cells; the first of each row says what the row is of.
        anchors: What each row's first cell leads to, where it leads anywhere.
        remark: What is to be known of these very figures.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    anchors: Sequence[str] = ()
    remark: str = ""

    @property
    def kinds(self) -> list[str]:
        """What each column holds: `number`, `day`, or nothing of the kind."""
        columns = [[row[at] for row in self.rows] for at in range(len(self.heads))]
        return [
            next(
                (kind for kind, type_ in _KINDS if any(isinstance(each, type_) for each in column)),
                "",
            )
            for column in columns
        ]


@dataclass(frozen=True)
class Key:
    """One entry of a chart's legend: a bar, or a line of such a kind.

    Without a colour it is drawn in that of the text.
    """

    name: str
    colour: str = ""
    line: Literal["", "solid", "dashed"] = ""


@dataclass(frozen=True)
class Chart:
    """A chart, and what it is for those who don't see it.

    Attributes:
        figure: The chart.
        data: The figures that it shows, as a table.
        legend: What its colours mean, where it has several.
        remark: What is to be known of these very figures.
    """

    figure: Figure
    data: Grid
    legend: Sequence[Key] = ()
    remark: str = ""


@dataclass(frozen=True)
class Section:
    """A chart or a table of each client's report, and what it needs.

    Attributes:
        title: What it shows.
        note: How it is to be read.
        tables: What it is made from, by name in the catalogue, or `HISTORY`.
        make: Makes it of the facts of a client, or of all; None where there is nothing to show.
        empty: Why there may be nothing.
        views: The views that its summaries read besides those that all have in common, each after
            those that it needs.
        summaries: Temporary tables that `make` asks, by name, with the SQL that fills them once
            for all clients; tables and views stand in braces.
        partly: Whether some of the tables will do.
    """

    title: str
    note: str
    tables: Sequence[str]
    make: Callable[[Facts], Grid | Chart | None]
    empty: str
    views: Sequence[str] = ()
    summaries: Mapping[str, str] = field(default_factory=dict)
    partly: bool = False

    def of(self, facts: Facts) -> "Card | str":
        """What there is to show, or why there is nothing."""
        missing = [table for table in self.tables if table not in facts.present]
        if missing and not (self.partly and len(missing) < len(self.tables)):
            return f"switch on {_named(missing)} to see this"
        for view in self.views:
            if reason := facts.absent.get(view):
                return reason
        content = self.make(facts)
        if content is None:
            return self.empty
        note = f"{self.note} Without {_named(missing)}, not switched on." if missing else self.note
        return Card(self.title, note, content)


@dataclass(frozen=True)
class Group:
    """Sections under one heading.

    Attributes:
        title: The heading.
        note: What is to be known of all of them.
        empty: Says instead of all of them that there is nothing to show, where that is so.
        sections: In their order.
    """

    title: str
    sections: Sequence[Section]
    note: str = ""
    empty: Callable[[Facts], str] = lambda _: ""

    def of(self, facts: Facts) -> "Shown":
        """What is shown of it for a client, or for all."""
        if empty := self.empty(facts):
            return Shown(self.title, empty)
        cards: list[Card] = []
        left_out: dict[str, list[str]] = {}
        for section in self.sections:
            made = section.of(facts)
            if isinstance(made, Card):
                cards.append(made)
            else:
                left_out.setdefault(made, []).append(section.title)
        reasons = [(", ".join(titles), reason) for reason, titles in left_out.items()]
        return Shown(self.title, self.note if cards else "", cards, reasons)


@dataclass(frozen=True)
class Card:
    """A section with what it shows."""

    title: str
    note: str
    content: Grid | Chart

    @property
    def is_chart(self) -> bool:
        """Whether it is a chart."""
        return isinstance(self.content, Chart)


@dataclass(frozen=True)
class Shown:
    """A group with what it shows.

    Attributes:
        title: The heading.
        note: What is to be known of the cards, or why there are none.
        cards: The sections that there is something to show in.
        left_out: The titles of others, and why they are left out.
    """

    title: str
    note: str
    cards: Sequence[Card] = ()
    left_out: Sequence[tuple[str, str]] = ()


def largest(most: int, found: int, kind: str) -> str:
    """Says that not all are shown, where that is so."""
    return f"The {most} largest of {found:,} {kind.lower()}s." if found > most else ""


def _named(missing: Sequence[str]) -> str:
    tables = [name for name in missing if name != HISTORY]
    said = f"the table{'s' if len(tables) > 1 else ''} {', '.join(tables)}" if tables else ""
    return " and ".join(filter(None, (said, HISTORY if HISTORY in missing else "")))


def written(cell: Cell) -> str:
    """A cell as it is read: numbers with thousands apart, percentages with a decimal."""
    match cell:
        case None:
            return "—"
        case float():
            return f"{cell:.1f} %"
        case int():
            return f"{cell:,}"
        case date():
            return day_of(cell)
    return cell
