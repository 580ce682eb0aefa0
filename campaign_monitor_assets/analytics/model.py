"""The form of an analytics view: what it is, what it reads, and what its columns mean.

An entry holds no behaviour. Its SQL stands in the file of the same name beside this one, as a plain
`select` in which `{campaigns}` stands for the table of that name, `{time_zones}` for the view,
`{lists_history}` for the history of the table `lists`, and `{sync_log}` for the log of snapshots.
What several views compute in the same way stands here once: `{rates}`, `{month}`, `{address}`, ….
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from types import MappingProxyType

from campaign_monitor_assets.catalogue import Column
from campaign_monitor_assets.warehouse.masking import domain_of

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

PERIODS = (30, 90, 365)
"""Days of the periods that are compared with those before them."""

SETTLED_DAYS = 3
"""Days after sending by which most opens and clicks of a campaign have come."""

LEAST_CAMPAIGNS = 5
LEAST_DELIVERED = 500
"""Campaigns, and e-mails that arrived, from which on rates of a time of sending tell something."""

LEAST_ADDRESSES = 20
"""Addresses from which on a domain's rates tell something, and of nobody in particular."""

FRAGMENTS: Mapping[str, str] = MappingProxyType(
    {
        "{rates}": ",\n    ".join(
            f"{part} / nullif({whole}, 0) as {name}" for name, (part, whole) in RATES.items()
        ),
        # Of a date that can't be right, one makes a chart of eight thousand years.
        "{month}": "case when Moment >= timestamp '2000-01-01' and"
        " Moment < current_date + interval 1 year then date_trunc('month', Moment) end",
        "{address}": "lower(trim(EmailAddress))",
        # Of two states of an address on a list the one that began later counts.
        "{latest}": "coalesce(epoch_ms(Date), -4e12::bigint) * 4"
        " + case State when 'Unsubscribed' then 2 when 'Bounced' then 1 else 0 end",
        # Where addresses are hashed the domain may stand beside them.
        "{domain}": f"coalesce(EmailDomain, {domain_of('EmailAddress')})",
        "{rates_before}": ",\n    ".join(
            f"{part}Before / nullif({whole}Before, 0) as {name}Before"
            for name, (part, whole) in RATES.items()
        ),
        "{rate_changes}": ",\n    ".join(
            f"{name} - {name}Before as {name}Change" for name in RATES
        ),
        # Each period, and the one of as many days before it; `as_of` says when they end.
        "{periods}": "select Days, Ending - to_days(Days) as Beginning,"
        " Beginning - to_days(Days) as BeginningBefore, Ending"
        f" from (select unnest({list(PERIODS)}) as Days, Ending from as_of)",
        # Everybody joined once; those who are no longer active also left or bounced once.
        "{moments}": "unnest(case State when 'Active' then [ListJoinedDate]"
        " else [ListJoinedDate, Date] end) as Moment,"
        " unnest(case State when 'Active' then ['Joined'] else ['Joined', State] end) as Change",
        "{settled_days}": f"interval {SETTLED_DAYS} day",
        "{is_enough_sent}": f"Campaigns >= {LEAST_CAMPAIGNS} and Delivered >= {LEAST_DELIVERED}",
        "{is_enough_addresses}": f"Addresses >= {LEAST_ADDRESSES}",
        "{utc_now}": "make_timestamp(epoch_us(now()))",
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
        optional: Further tables that it reads where they are there.
        reads_log: Whether it reads the log of snapshots, and so tells of their times.
        relies_on: Columns, as `table.column`, without whose values its figures would be wrong;
            those that hold addresses have to be hashed all of them or none.
    """

    name: str
    description: str
    needs: tuple[str, ...]
    columns: tuple[Column, ...]
    shows: Mapping[str, str] = field(default_factory=dict)
    history: tuple[str, ...] = ()
    optional_history: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    reads_log: bool = False
    relies_on: tuple[str, ...] = ()

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
