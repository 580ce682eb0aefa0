"""The sections of a client's report: what each shows, of which tables, and when it is left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from campaign_monitor_assets.report import charts
from campaign_monitor_assets.report.facts import MONTHS, Facts
from campaign_monitor_assets.report.records import Campaign, Change, Movement
from campaign_monitor_assets.report.summaries import HISTORY

Cell = str | int | float | None
"""A cell of a table; a float is a percentage, and None nothing."""

_LATEST: Final = 12
_TOP: Final = 15
_MOST_LISTS: Final = 100
_GROWTH_TABLES: Final = ("active_subscribers", "unsubscribed_subscribers", "bounced_subscribers")
_RESULT_TABLES: Final = ("campaigns", "campaign_summary")
_RATES: Final = (
    "Bounced is out of all recipients, the rest out of those it did not bounce for; Clicks are as"
    " Campaign Monitor counts them."
)


@dataclass(frozen=True)
class Grid:
    """A table of the page; with `anchors`, each row's first cell leads to one."""

    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    anchors: Sequence[str] = ()

    @property
    def numeric(self) -> list[bool]:
        """For each column whether it holds numbers."""
        return [
            any(isinstance(row[at], int | float) for row in self.rows)
            for at in range(len(self.heads))
        ]


@dataclass(frozen=True)
class Section:
    """A part of a client's report: a Plotly figure or a table, or why there is neither."""

    title: str
    note: str
    content: charts.Figure | Grid | None = None
    left_out: str = ""

    @property
    def is_grid(self) -> bool:
        """Whether it is a table."""
        return isinstance(self.content, Grid)


@dataclass(frozen=True)
class Part:
    """How a section is made.

    Attributes:
        title: What it shows.
        note: How it is to be read.
        tables: What it is made from.
        ask: The facts that it shows.
        draw: What it shows them as.
        empty: Why there may be none.
        partly: Whether some of the tables will do.
        optional: Whether the section is not missed where a table is not there.
    """

    title: str
    note: str
    tables: Sequence[str]
    ask: Callable[[Facts], Sequence[Any]]
    draw: Callable[[Sequence[Any]], charts.Figure | Grid]
    empty: str
    partly: bool = False
    optional: bool = False

    def section(self, facts: Facts, present: frozenset[str]) -> Section:
        """The section on what the facts are of."""
        missing = [table for table in self.tables if table not in present]
        names = ", ".join(missing)
        if missing and not (self.partly and len(missing) < len(self.tables)):
            return Section(self.title, "", left_out=f"Left out: DuckDB does not hold {names} yet.")
        rows = self.ask(facts)
        if not rows:
            return Section(self.title, "", left_out=f"Nothing to show: {self.empty}.")
        note = f"{self.note} Without {names}, which DuckDB does not hold yet." if missing else ""
        return Section(self.title, note or self.note, self.draw(rows))


def _most_opened(campaigns: Sequence[Campaign]) -> Grid:
    heads = ["Campaign", "Client", "Sent", "Recipients", "Openers"]
    rows: list[list[Cell]] = [
        [
            campaign.name,
            campaign.client,
            f"{campaign.sent:%Y-%m-%d}" if campaign.sent else None,
            campaign.results.reported,
            campaign.results.openers,
            campaign.results.opened,
            campaign.results.clicks,
            campaign.results.unsubscribed,
            campaign.results.bounced,
        ]
        for campaign in campaigns
    ]
    return _of_clients([*heads, "Opened", "Clicks", "Unsubscribed", "Bounced"], rows)


def _movements(movements: Sequence[Movement]) -> Grid:
    periods = ["Joined this month", "Left this month", "Joined this year", "Left this year"]
    return _of_clients(["List", "Client", "Active", *periods], movements)


def _changes(changes: Sequence[Change]) -> Grid:
    rows: list[list[Cell]] = [
        [change.before, change.after, change.number, f"{change.last:%Y-%m-%d}"]
        for change in changes
    ]
    return Grid(["From", "To", "Subscribers", "Last"], rows)


def _of_clients(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Grid:
    """A table whose second column names the client, which goes without saying where it is one."""
    if len({row[1] for row in rows}) > 1:
        return Grid(heads, rows)
    return Grid([heads[0], *heads[2:]], [[row[0], *row[2:]] for row in rows])


PARTS: Final = (
    Part(
        "Subscribers by state",
        "Subscribers are counted on each list: who is on two lists counts twice."
        f" At most the {charts.MOST_BARS} with the most active ones are shown.",
        _GROWTH_TABLES,
        Facts.subscribers,
        charts.subscribers,
        "there are no subscribers",
        partly=True,
    ),
    Part(
        "List growth by month",
        "By the date of joining a list, of leaving it and of bouncing for good;"
        f" the last {MONTHS} months at the most. Dates before 2000 or more than a year ahead can't"
        " be right and are left out, as are missing ones.",
        _GROWTH_TABLES,
        Facts.growth,
        charts.growth,
        "there are no subscribers",
        partly=True,
    ),
    Part(
        "List sizes over time",
        "Active subscribers at the end of each day (UTC), as they were found at the syncs;"
        f" the {charts.MOST_LINES} largest.",
        (HISTORY,),
        Facts.sizes,
        charts.sizes,
        "no history was kept yet",
        optional=True,
    ),
    Part(
        "Moves between states",
        "How many times somebody moved from one state on a list to another, since the history"
        " began.",
        (HISTORY,),
        Facts.changes,
        _changes,
        "nobody has moved since the history began",
        optional=True,
    ),
    Part(
        "Lists this month and this year",
        "In Campaign Monitor's own count, at the time of the last sync;"
        f" the {_MOST_LISTS} largest lists at the most.",
        ("lists", "list_stats"),
        lambda facts: facts.movements(_MOST_LISTS),
        _movements,
        "there are no lists",
    ),
    Part(
        "Recipients by month",
        "How many e-mails the sent campaigns went out as.",
        ("campaigns",),
        Facts.months,
        charts.recipients,
        "no campaign was sent yet",
    ),
    Part(
        "Campaign performance by month",
        f"All campaigns of a month together. {_RATES}",
        _RESULT_TABLES,
        lambda facts: [month for month in facts.months() if month.results.reported],
        charts.monthly_rates,
        "no campaign has results yet",
    ),
    Part(
        "The latest campaigns",
        f"The {_LATEST} that were sent last, the latest first. {_RATES}",
        _RESULT_TABLES,
        lambda facts: facts.latest(_LATEST),
        charts.campaign_rates,
        "no campaign has results yet",
    ),
    Part(
        "The most opened campaigns",
        f"The {_TOP} that the most subscribers opened. {_RATES}",
        _RESULT_TABLES,
        lambda facts: facts.most_opened(_TOP),
        _most_opened,
        "no campaign was opened yet",
    ),
    Part(
        "E-mail programs",
        "What the active subscribers were last seen to read with; not known for those who have"
        " not opened anything yet.",
        ("active_subscribers",),
        Facts.programs,
        lambda rows: charts.counted(rows, "Active subscribers"),
        "there are no active subscribers",
    ),
    Part(
        "Suppressed addresses by reason",
        "The addresses that no campaign of a client is sent to.",
        ("suppression_list",),
        Facts.suppressions,
        lambda rows: charts.counted(rows, "Addresses"),
        "no address is suppressed",
    ),
)
