"""Rows of the last snapshot that stay in the new one although they were not read again.

Those of whole collections stay where a window keeps their parents; of a collection that was read
incrementally all rows stay but those that what was read replaces. Which ones go is found out once,
by key and time, and both the proof of an increment and its merge count on that.
"""

from dataclasses import dataclass

import duckdb

from campaign_monitor_assets.staging.records import Merge, Staged
from campaign_monitor_assets.warehouse.load import DEPARTED, LOADED, load_departed
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.privacy import KEEP_ALL, Privacy
from campaign_monitor_assets.warehouse.quoting import identifier, literal, number_of, read_json

Connection = duckdb.DuckDBPyConnection

TEMPORARY = ("kept_parents", "increments", "early", "gone", "departed")
"""The temporary tables that are made here."""


@dataclass(frozen=True)
class Kept:
    """The rows of the last snapshot that stay.

    Attributes:
        condition: Which of the table's rows they are, in SQL.
        of_window: Rows of parents that were not read again.
        merges: What becomes of each collection of which only what was added was read.
    """

    condition: str = "false"
    of_window: int = 0
    merges: tuple[Merge, ...] = ()

    @property
    def of_increments(self) -> int:
        """Rows of collections of which only what was added was read."""
        return sum(merge.kept for merge in self.merges)

    @property
    def early(self) -> int:
        """Rows that were loaded and left out again: from before the time asked for."""
        return sum(merge.early for merge in self.merges)

    @property
    def rows(self) -> int:
        """All rows that stay."""
        return self.of_window + self.of_increments

    @property
    def any(self) -> bool:
        """Whether there may be any."""
        return self.condition != "false"


def find_kept(
    connection: Connection, staged: Staged, table: TableName, privacy: Privacy = KEEP_ALL
) -> Kept:
    """Finds the rows that stay, and takes from the loaded rows those that came too early.

    The last snapshot has those already. That a filter gives more than it was asked for must do no
    harm to events, which have no key that they could be merged by.

    Args:
        connection: An open file, in which what was staged is loaded.
        staged: What was read.
        table: The table with the last snapshot, which is there where anything stays.
        privacy: What became of personal data as the rows were loaded.
    """
    conditions: list[str] = []
    of_window = 0
    merges: tuple[Merge, ...] = ()
    if staged.kept:
        connection.execute(
            "create or replace temp table kept_parents as"
            f" select unnest({literal([*staged.kept])}::varchar[]) as parent"
        )
        conditions.append(f"coalesce({_parent(staged)} in (from temp.kept_parents), false)")
        of_window = number_of(
            connection, f"select count(*) from {table.quoted} where {conditions[-1]}"
        )
    if staged.has_increments:
        _load_increments(connection, staged)
        _find_gone(connection, staged, table, privacy)
        conditions.append(
            f"(coalesce({_parent(staged)} in (select parent from temp.increments), false)"
            " and rowid not in (select row from temp.gone))"
        )
        merges = _merges(connection, staged, table, conditions[-1])
    return Kept(" or ".join(conditions) or "false", of_window, merges)


def _load_increments(connection: Connection, staged: Staged) -> None:
    """Loads what was asked for, and removes the rows from before that time."""
    columns = {"parent": "JSON", "method": "VARCHAR", "since": "TIMESTAMP", "reported": "BIGINT"}
    key = literal(f"$.{staged.table.parent_key}")
    connection.execute(
        f"create or replace temp table increments as select parent->>{key} as parent, since,"
        f" reported from {read_json(staged.reads_path, columns)} where method = 'incremental'"
    )
    is_early = f"loaded.{_parent(staged)} = asked.parent and loaded.{_time(staged)} < asked.since"
    connection.execute(
        f"create or replace temp table early as select asked.parent, count(*) as rows from {LOADED}"
        f" join temp.increments asked on {is_early} group by all"
    )
    connection.execute(f"delete from {LOADED} using temp.increments asked where {is_early}")


def _find_gone(connection: Connection, staged: Staged, table: TableName, privacy: Privacy) -> None:
    """Finds the rows of increments' collections that don't stay."""
    stored = (
        f"select stored.rowid as row from {table.quoted} stored"
        f" join temp.increments asked on stored.{_parent(staged)} = asked.parent"
    )
    gone = f"{stored} where stored.{_time(staged)} >= asked.since"
    if staged.table.key:
        load_departed(connection, staged, privacy)
        key = [identifier(name) for name in staged.table.key]
        names, alike = ", ".join(key), " and ".join(f"stored.{name} = other.{name}" for name in key)
        others = f"select {names} from {LOADED} union all select {names} from {DEPARTED}"
        gone += f" union {stored} semi join ({others}) other on {alike}"
    connection.execute(f"create or replace temp table gone as {gone}")


def _merges(
    connection: Connection, staged: Staged, table: TableName, condition: str
) -> tuple[Merge, ...]:
    parent = _parent(staged)
    found = connection.execute(
        f"with stays as (select {parent} as parent, count(*) as rows from {table.quoted}"
        f" where {condition} group by all),"
        f" came as (select {parent} as parent, count(*) as rows from {LOADED} group by all)"
        " select asked.parent, coalesce(stays.rows, 0), coalesce(came.rows, 0), asked.reported,"
        " coalesce(early.rows, 0) from temp.increments asked left join stays using (parent)"
        " left join came using (parent) left join temp.early early using (parent)"
    ).fetchall()
    return tuple(Merge(*row) for row in found)


def _parent(staged: Staged) -> str:
    assert staged.table.parent_key is not None
    return identifier(staged.table.parent_key)


def _time(staged: Staged) -> str:
    assert staged.table.increments is not None
    return identifier(staged.table.increments.column)
