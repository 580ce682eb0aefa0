"""The form of an analytics view: what it is, what it reads, and what its columns mean.

An entry holds no behaviour. Its SQL stands in the file of the same name beside this one, as a plain
`select` in which `{campaigns}` stands for the table of that name, `{time_zones}` for the view, and
`{lists_history}` for the history of the table `lists`. What several views compute in the same way
stands here once: `{rates}`, `{month}` and `{address}`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from types import MappingProxyType

from campaign_monitor_assets.catalogue import Column

RATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "OpenRate": ("UniqueOpened", "Delivered"),
        "ClickRate": ("Clicks", "Delivered"),
        "ClickToOpenRate": ("Clicks", "UniqueOpened"),
        "BounceRate": ("Bounced", "Recipients"),
        "UnsubscribeRate": ("Unsubscribed", "Delivered"),
        "ComplaintRate": ("SpamComplaints", "Delivered"),
    }
)
"""For each rate of campaigns what it is a share of what; a share of nothing is NULL."""

FRAGMENTS: Mapping[str, str] = MappingProxyType(
    {
        "{rates}": ",\n    ".join(
            f"{part} / nullif({whole}, 0) as {name}" for name, (part, whole) in RATES.items()
        ),
        # Of a date that can't be right, one makes a chart of eight thousand years.
        "{month}": "case when Moment >= timestamp '2000-01-01' and"
        " Moment < current_date + interval 1 year then date_trunc('month', Moment) end",
        "{address}": "lower(trim(EmailAddress))",
    }
)
"""SQL that several views have in common, by what stands for it."""


def with_fragments(sql: str) -> str:
    """SQL in which what several views have in common stands in the place of its name."""
    for name, fragment in FRAGMENTS.items():
        sql = sql.replace(name, fragment)
    return sql


@dataclass(frozen=True, kw_only=True)
class View:
    """One view of the analytics schema.

    Attributes:
        name: The view's name in DuckDB and the last part of the asset's key.
        description: What a row is, and what can't be known from it.
        needs: The tables and views that it reads.
        columns: The columns that the SQL gives, in their order and with their types.
        shows: What the asset's page shows as a table: for each heading a query.
        history: The tables whose history it reads.
        optional_history: The tables whose history it reads where that is there.
    """

    name: str
    description: str
    needs: tuple[str, ...]
    columns: tuple[Column, ...]
    shows: Mapping[str, str] = field(default_factory=dict)
    history: tuple[str, ...] = ()
    optional_history: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        """The query, with names of tables in braces."""
        return with_fragments(
            files(__package__).joinpath(f"{self.name}.sql").read_text("utf-8").strip()
        )


@dataclass(frozen=True)
class Shown:
    """A small table that an asset's page shows."""

    heads: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True)
class Made:
    """What became of a view.

    Attributes:
        rows: The rows that it has now.
        sql: Its query; None where it is a table or there are several.
        shown: What the asset's page shows, by heading.
        dropped: The views of deleted lists that were dropped.
    """

    rows: int = 0
    sql: str | None = None
    shown: Mapping[str, Shown] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
