"""Asset checks for each table, from one factory; they need DuckDB alone, not the API."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import duckdb

from campaign_monitor_assets.catalogue import HOMES, Table
from campaign_monitor_assets.orchestration.account import Wiring
from campaign_monitor_assets.orchestration.io_manager import SnapshotStore
from campaign_monitor_assets.orchestration.metadata import markdown_table
from campaign_monitor_assets.warehouse.sync_log import SYNC_LOG, SYNC_LOG_PARENTS
from campaign_monitor_assets.warehouse.target import identifier, table_exists

_STATS = "list_stats"
_WORST = 10
"""How many parents are named where figures disagree."""


@dataclass(frozen=True)
class Subject:
    """A table under check: an open connection, and where things are."""

    connection: duckdb.DuckDBPyConnection
    schema: str
    table: Table

    @property
    def name(self) -> str:
        """The table's quoted name."""
        return identifier(self.schema, self.table.name)

    def relation(self, table: str) -> str:
        """The quoted name of another table of the schema."""
        return identifier(self.schema, table)

    def has(self, table: str) -> bool:
        """Whether that table is there."""
        return table_exists(self.connection, self.schema, table)

    def number(self, query: str, *parameters: object) -> int:
        """The one number that a query answers; 0 for none."""
        row = self.connection.execute(query, list(parameters)).fetchone()
        return int(row[0] or 0) if row else 0


Check = Callable[[Subject], dg.AssetCheckResult]


def build_checks(
    tables: Sequence[Table], wiring: Wiring, *, warn_drop_percent: float
) -> list[dg.AssetChecksDefinition]:
    """The checks of each table, in one op a table so that the file is opened once."""
    alone = [_build_check(table, wiring, _checks_of(table, warn_drop_percent)) for table in tables]
    if not any(table.name == _STATS for table in tables):
        return alone
    # In an op of their own, since they wait for the other table and fall away where it fails.
    against_stats = [
        _build_check(table, wiring, _check_against_stats(table), after=_STATS)
        for table in tables
        if table.stat is not None
    ]
    return alone + against_stats


def _checks_of(table: Table, warn_drop_percent: float) -> dict[str, tuple[str, Check]]:
    """For each check that the table's own rows suffice for its name, what it proves, and how."""

    def not_dropped(subject: Subject) -> dg.AssetCheckResult:
        return row_count_not_dropped(subject, warn_drop_percent)

    checks: dict[str, tuple[str, Check]] = {
        "row_count_matches_source": (
            "DuckDB holds as many rows as the API reported at the last snapshot, per parent too.",
            row_count_matches_source,
        ),
        "row_count_not_dropped": (
            f"The rows did not fall by more than {warn_drop_percent:g} % since the last snapshot.",
            not_dropped,
        ),
    }
    if table.key:
        checks["primary_key_unique"] = (
            f"No {', '.join(table.key)} comes twice, and none is missing.",
            primary_key_unique,
        )
    if table.parent is not None:
        checks["parents_exist"] = ("Every parent's key is in the parent's table.", parents_exist)
    return checks


def _check_against_stats(table: Table) -> dict[str, tuple[str, Check]]:
    description = f"Each list has as many rows as its {table.stat} says."
    return {"subscribers_agree_with_list_stats": (description, subscribers_agree_with_list_stats)}


def _build_check(
    table: Table, wiring: Wiring, checks: dict[str, tuple[str, Check]], after: str | None = None
) -> dg.AssetChecksDefinition:
    """One op for checks of a table; `after` is a table that has to be read before, if it is."""
    key = wiring.key(table.name)

    @dg.multi_asset_check(
        name="__".join([*wiring.key_prefix, table.name, *([after] if after else []), "checks"]),
        specs=[
            dg.AssetCheckSpec(
                name,
                asset=key,
                description=description,
                additional_deps=[wiring.key(after)] if after else None,
            )
            for name, (description, _) in checks.items()
        ],
        can_subset=True,
        required_resource_keys={wiring.store},
    )
    def check(context: dg.AssetCheckExecutionContext) -> Any:
        store: SnapshotStore = getattr(context.resources, wiring.store)
        wanted = {key.name for key in context.selected_asset_check_keys}
        with store.database.connect(read_only=True, warn=context.log.warning) as connection:
            subject = Subject(connection, wiring.schema, table)
            results = [_result(name, checks[name][1], subject) for name in checks if name in wanted]
        for name, result in results:
            yield result._replace(asset_key=key, check_name=name)

    return check


def _result(name: str, check: Check, subject: Subject) -> tuple[str, dg.AssetCheckResult]:
    if not subject.has(subject.table.name):
        missing = "The table is not in DuckDB yet: materialize it first."
        return name, dg.AssetCheckResult(passed=False, description=missing)
    return name, check(subject)


def row_count_matches_source(subject: Subject) -> dg.AssetCheckResult:
    """Rows now against rows reported; WARN where the API's collection never stood still."""
    log, name = subject.relation(SYNC_LOG_PARENTS), subject.table.name
    now = subject.number(f"select count(*) from {subject.name}")
    reported = subject.number(f"select sum(reported) from {log} where table_name = ?", name)
    inconsistent = subject.number(
        f"select count(*) from {log} where table_name = ? and not settled", name
    )
    parent = subject.table.inherits[-1] if subject.table.inherits else None
    counted = (
        f"select {identifier(parent)} as parent, count(*) as rows from {subject.name} group by all"
        if parent
        else f"select '' as parent, count(*) as rows from {subject.name}"
    )
    differing = subject.connection.execute(
        f"select coalesce(parent, log.parent), coalesce(now.rows, 0), coalesce(log.reported, 0),"
        f" coalesce(settled, true) from ({counted}) now"
        f" full join (select * from {log} where table_name = ?) log"
        " using (parent) where coalesce(now.rows, 0) <> coalesce(log.reported, 0)"
        " order by abs(coalesce(now.rows, 0) - coalesce(log.reported, 0)) desc",
        [name],
    ).fetchall()
    metadata: dict[str, Any] = {
        "dagster/row_count": now,
        "reported": reported,
        "parents_that_differ": len(differing),
        "inconsistent_collections": inconsistent,
    }
    if differing:
        heads, worst = [parent or "table", "rows", "reported"], [row[:3] for row in differing]
        metadata["worst"] = dg.MetadataValue.md(markdown_table(heads, worst[:_WORST]))
    return dg.AssetCheckResult(
        passed=now == reported and not differing and not inconsistent,
        severity=dg.AssetCheckSeverity.WARN
        if inconsistent and not any(consistent for *_, consistent in differing)
        else dg.AssetCheckSeverity.ERROR,
        description=f"{now} rows in DuckDB, {reported} reported by the API.",
        metadata=metadata,
    )


def primary_key_unique(subject: Subject) -> dg.AssetCheckResult:
    """Keys that come twice, and keys with a part missing."""
    key = ", ".join(identifier(name) for name in subject.table.key)
    missing = " or ".join(f"{identifier(name)} is null" for name in subject.table.key)
    # A key that comes twice has a hash that does, and hashes take a fraction of the memory.
    alike = subject.number(f"select count(*) - count(distinct hash({key})) from {subject.name}")
    twice = (
        f"select count(*) from (select 1 from {subject.name} group by {key} having count(*) > 1)"
    )
    repeated = subject.number(twice) if alike else 0
    nulls = subject.number(f"select count(*) from {subject.name} where {missing}")
    return dg.AssetCheckResult(
        passed=not repeated and not nulls,
        description=f"{repeated} keys come more than once, {nulls} are incomplete.",
        metadata={"repeated_keys": repeated, "incomplete_keys": nulls},
    )


def row_count_not_dropped(subject: Subject, warn_percent: float) -> dg.AssetCheckResult:
    """The last two snapshots against each other; ERROR where none can't be right."""
    counts = subject.connection.execute(
        f"select rows from {subject.relation(SYNC_LOG)} where table_name = ?"
        " order by synced_at desc limit 2",
        [subject.table.name],
    ).fetchall()
    now, before = ([count for (count,) in counts] + [0, 0])[:2]
    fall = 100 * (before - now) / before if before else 0.0
    empty = subject.table.never_empty and not now
    return dg.AssetCheckResult(
        passed=fall <= warn_percent and not empty,
        severity=dg.AssetCheckSeverity.ERROR if empty else dg.AssetCheckSeverity.WARN,
        description=f"{now} rows after {before}: a fall by {max(fall, 0):.1f} %.",
        metadata={"dagster/row_count": now, "previous_rows": before, "fall_percent": fall},
    )


def parents_exist(subject: Subject) -> dg.AssetCheckResult:
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
    return dg.AssetCheckResult(
        passed=not any(orphans.values()),
        severity=dg.AssetCheckSeverity.WARN,
        description=", ".join(
            f"{count} rows without their {name}" for name, count in orphans.items()
        )
        or "No parent's table is there to compare with.",
        metadata={f"rows_without_{name}": count for name, count in orphans.items()},
    )


def subscribers_agree_with_list_stats(subject: Subject) -> dg.AssetCheckResult:
    """Rows of each list against the vendor's own total of it."""
    if not subject.has(_STATS):
        return dg.AssetCheckResult(
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            description="list_stats is not in DuckDB yet: materialize it too.",
        )
    assert subject.table.stat is not None
    differing = subject.connection.execute(
        f"select stats.ListID, coalesce(now.rows, 0) as rows, stats.{subject.table.stat} as stat"
        f" from {subject.relation(_STATS)} stats left join"
        f" (select ListID, count(*) as rows from {subject.name} group by all) now using (ListID)"
        " where coalesce(now.rows, 0) is distinct from stat"
        " order by abs(coalesce(now.rows, 0) - stat) desc"
    ).fetchall()
    metadata: dict[str, Any] = {"lists_that_differ": len(differing)}
    if differing:
        heads = ["ListID", "rows", subject.table.stat]
        metadata["worst"] = dg.MetadataValue.md(markdown_table(heads, differing[:_WORST]))
    return dg.AssetCheckResult(
        passed=not differing,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(differing)} lists differ from their {subject.table.stat}; the two are"
        " read some time apart.",
        metadata=metadata,
    )
