"""What proves a snapshot at any time, from the file alone: plain functions with plain findings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import duckdb

from campaign_monitor_assets.catalogue import HOMES, Table
from campaign_monitor_assets.warehouse.bookkeeping import SYNC_LOG_PARENTS, merged_rows
from campaign_monitor_assets.warehouse.keys import key_faults
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import identifier, literal, table_exists
from campaign_monitor_assets.warehouse.sync_log import last_row_counts

STATS = "list_stats"
"""The table with the vendor's own totals of each list."""

MOST_NAMED: Final = 10
"""How many parents are named where figures disagree."""


@dataclass(frozen=True)
class Worst:
    """The parents whose figures disagree most, as a table."""

    heads: tuple[str, ...]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        passed: Whether all is well.
        description: The finding in a sentence, with its figures.
        is_error: Whether what was found is an error; otherwise a warning.
        figures: The figures by name.
        worst: Where the figures disagree most.
    """

    passed: bool
    description: str
    is_error: bool = True
    figures: Mapping[str, int | float] = field(default_factory=dict)
    worst: Worst | None = None


@dataclass(frozen=True)
class Subject:
    """A table under check: an open connection, and where things are."""

    connection: duckdb.DuckDBPyConnection
    schema: str
    table: Table

    @property
    def name(self) -> str:
        """The table's quoted name."""
        return self.relation(self.table.name)

    def relation(self, table: str) -> str:
        """The quoted name of another table of the schema."""
        return TableName(self.schema, table).quoted

    def has(self, table: str) -> bool:
        """Whether that table is there."""
        return table_exists(self.connection, self.schema, table)

    @property
    def log_of_parents(self) -> str:
        """What the log says of the parents of the table's snapshot, as SQL."""
        log = self.relation(SYNC_LOG_PARENTS)
        return f"(from {log} where table_name = {literal(self.table.name)})"

    @property
    def merged(self) -> str:
        """What the log of parents says of the rows that were merged, as SQL."""
        return merged_rows(self.connection, self.schema)

    def number(self, query: str) -> int:
        """The one number that a query answers; 0 for none."""
        row = self.connection.execute(query).fetchone()
        return int(row[0] or 0) if row else 0


@dataclass(frozen=True)
class Check:
    """One check of a table.

    Attributes:
        name: Its name in Dagster.
        description: What it proves.
        find: How, for a table that is in DuckDB.
    """

    name: str
    description: str
    find: Callable[[Subject], Finding]

    def run(self, subject: Subject) -> Finding:
        """Looks at a table; one that is not in DuckDB yet fails."""
        if not subject.has(subject.table.name):
            return Finding(
                passed=False,
                description="The table is not in DuckDB yet: materialize it first.",
            )
        return self.find(subject)


def checks_of(table: Table, *, warn_drop_percent: float) -> tuple[Check, ...]:
    """The checks that a table's own rows and its parents' suffice for.

    Args:
        table: The table.
        warn_drop_percent: The deepest fall since the last snapshot that passes, in percent.
    """

    def not_dropped(subject: Subject) -> Finding:
        return row_count_not_dropped(subject, warn_drop_percent)

    checks = [
        Check(
            "row_count_matches_source",
            "DuckDB holds as many rows as the API reported at the last snapshot, per parent too.",
            row_count_matches_source,
        ),
        Check(
            "row_count_not_dropped",
            f"The rows did not fall by more than {warn_drop_percent:g} % since the last snapshot.",
            not_dropped,
        ),
    ]
    if table.key:
        unique = f"No {', '.join(table.key)} comes twice, and none is missing."
        checks.append(Check("primary_key_unique", unique, primary_key_unique))
    if table.parent is not None:
        exist = "Every parent's key is in the parent's table."
        checks.append(Check("parents_exist", exist, parents_exist))
    return tuple(checks)


def check_against_stats(table: Table) -> Check:
    """The check of a state's subscribers against the vendor's totals in `list_stats`."""
    return Check(
        "subscribers_agree_with_list_stats",
        f"Each list has as many rows as its {table.stat} says.",
        subscribers_agree_with_list_stats,
    )


def row_count_matches_source(subject: Subject) -> Finding:
    """Rows now against rows reported; a warning where the API's collection was inconsistent."""
    log = subject.log_of_parents
    now = subject.number(f"select count(*) from {subject.name}")
    reported = subject.number(f"select sum(reported) from {log}")
    merged = subject.number(f"select sum({subject.merged}) from {log}")
    inconsistent = subject.number(f"select count(*) from {log} where not settled")
    differing = _parents_that_differ(subject)
    heads = (subject.table.parent_key or "table", "rows", "reported")
    return Finding(
        passed=now == reported - merged and not differing and not inconsistent,
        is_error=not inconsistent or any(consistent for *_, consistent in differing),
        description=f"{now} rows in DuckDB, {reported} reported by the API"
        + (f", {merged} of them other spellings of an address." if merged else "."),
        figures={
            "dagster/row_count": now,
            "reported": reported,
            "other_spellings": merged,
            "parents_that_differ": len(differing),
            "inconsistent_collections": inconsistent,
        },
        worst=Worst(heads, [row[:3] for row in differing[:MOST_NAMED]]) if differing else None,
    )


def _parents_that_differ(subject: Subject) -> list[tuple[str, int, int, bool]]:
    """Parents with rows now, rows reported and whether they were consistent; the worst first."""
    parent = subject.table.parent_key
    counted = (
        f"select {identifier(parent)} as parent, count(*) as rows from {subject.name} group by all"
        if parent
        else f"select '' as parent, count(*) as rows from {subject.name}"
    )
    return subject.connection.execute(
        f"select coalesce(parent, log.parent), coalesce(now.rows, 0), coalesce(log.reported, 0),"
        f" coalesce(settled, true) from ({counted}) now"
        f" full join (select *, reported - {subject.merged} as expected"
        f" from {subject.log_of_parents}) log"
        " using (parent) where coalesce(now.rows, 0) <> coalesce(log.expected, 0)"
        " order by abs(coalesce(now.rows, 0) - coalesce(log.expected, 0)) desc"
    ).fetchall()


def primary_key_unique(subject: Subject) -> Finding:
    """Keys that come twice, and keys with a part missing."""
    faults = key_faults(subject.connection, subject.table, subject.name)
    return Finding(
        passed=not faults,
        description=f"{faults.repeated} keys come more than once, {faults.incomplete} are"
        " incomplete.",
        figures={"repeated_keys": faults.repeated, "incomplete_keys": faults.incomplete},
    )


def row_count_not_dropped(subject: Subject, warn_percent: float) -> Finding:
    """The last two snapshots against each other; an error where none can be right."""
    table = TableName(subject.schema, subject.table.name)
    now, before = [*last_row_counts(subject.connection, table, most=2), 0, 0][:2]
    fall = 100 * (before - now) / before if before else 0.0
    empty = subject.table.never_empty and not now
    return Finding(
        passed=fall <= warn_percent and not empty,
        is_error=empty,
        description=f"{now} rows after {before}: a fall by {max(fall, 0):.1f} %.",
        figures={"dagster/row_count": now, "previous_rows": before, "fall_percent": fall},
    )


def parents_exist(subject: Subject) -> Finding:
    """Rows whose parent is not in the parent's table."""
    orphans = {}
    for column in subject.table.inherits:
        parent = HOMES[column].name
        if subject.has(parent):
            name = identifier(column)
            orphans[column] = subject.number(
                f"select count(*) from {subject.name} child where not exists"
                f" (from {subject.relation(parent)} parent where parent.{name} = child.{name})"
            )
    return Finding(
        passed=not any(orphans.values()),
        is_error=False,
        description=", ".join(
            f"{count} rows without their {name}" for name, count in orphans.items()
        )
        or "No parent's table is there to compare with.",
        figures={f"rows_without_{name}": count for name, count in orphans.items()},
    )


def subscribers_agree_with_list_stats(subject: Subject) -> Finding:
    """Rows of each list against the vendor's own total of it."""
    if not subject.has(STATS):
        return Finding(
            passed=False,
            is_error=False,
            description="list_stats is not in DuckDB yet: materialize it too.",
        )
    stat = subject.table.stat
    assert stat is not None
    # The vendor counts each spelling of an address.
    differing = subject.connection.execute(
        f"select stats.ListID, coalesce(now.stored, 0) + coalesce(log.merged, 0) as rows,"
        f" stats.{stat} as stat from {subject.relation(STATS)} stats left join"
        f" (select ListID, count(*) as stored from {subject.name} group by all) now using (ListID)"
        f" left join (select parent as ListID, {subject.merged} as merged"
        f" from {subject.log_of_parents}) log using (ListID)"
        " where rows is distinct from stat order by abs(rows - stat) desc"
    ).fetchall()
    return Finding(
        passed=not differing,
        is_error=False,
        description=f"{len(differing)} lists differ from their {stat}; the two are"
        " read some time apart.",
        figures={"lists_that_differ": len(differing)},
        worst=Worst(("ListID", "rows", stat), differing[:MOST_NAMED]) if differing else None,
    )
