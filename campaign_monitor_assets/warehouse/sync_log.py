"""Step 4 of a snapshot: its row in the log, which stands in DuckDB beside the tables.

A failed run records a materialization in Dagster too; what the last snapshot held stands here.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import duckdb

from campaign_monitor_assets.staging.records import Staged
from campaign_monitor_assets.warehouse.backend import backend_of
from campaign_monitor_assets.warehouse.bookkeeping import (
    SYNC_LOG,
    SYNC_LOG_PARENTS,
    SYNC_PARENTS,
    order_of_snapshots,
)
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import literal, read_json, table_exists
from campaign_monitor_assets.warehouse.target import Database
from campaign_monitor_assets.warehouse.write import Written


@dataclass(frozen=True)
class LoggedSnapshot:
    """A snapshot as the log has it.

    Attributes:
        number: The number of its reading: higher ones began later.
        run_id: The run that published it.
        has_history: Whether its rows went into the table's history too.
    """

    number: int
    run_id: str
    has_history: bool


def record(
    connection: duckdb.DuckDBPyConnection,
    staged: Staged,
    table: TableName,
    written: Written,
    *,
    run_id: str,
) -> None:
    """Logs a snapshot in the transaction that publishes it.

    Args:
        connection: The transaction, in which `load_parents` has been called.
        staged: What was read.
        table: The snapshot's table.
        written: What became of its rows.
        run_id: Dagster's run.
    """
    _record_parents(connection, staged, table)
    figures = {
        "table_name": table.table,
        "run_id": run_id,
        "synced_at": staged.synced_at,
        "rows": written.rows,
        "staged": staged.rows,
        "requests": staged.requests,
        "bytes": staged.size,
        "seconds": staged.seconds,
        "reread": staged.retries,
        "unsettled": len(staged.inconsistent),
        "left_out": len(staged.missing),
        "snapshot": staged.reading,
        "strategy": written.strategy.value,
        "history": written.has_history,
        **(asdict(written.changes) if written.changes is not None else {}),
    }
    chosen = ", ".join(f"{literal(value)} as {name}" for name, value in figures.items())
    connection.execute(
        f"insert into {table.beside(SYNC_LOG).quoted} by name select {chosen},"
        f" sum(reported) as reported from {table.beside(SYNC_PARENTS).quoted}"
        f" where table_name = {literal(table.table)} and snapshot = {staged.reading}"
    )
    if not backend_of(connection).has_many_writers:
        remove_old_parents(connection, table.schema)


def load_parents(
    connection: duckdb.DuckDBPyConnection, staged: Staged, merged: Mapping[str, int]
) -> None:
    """Makes the temporary table of the parents that were read, with their figures.

    Before anything is written: DuckDB takes 32 MB to read even a little JSON, which a transaction
    that has written much may not have.

    Args:
        connection: The transaction.
        staged: What was read.
        merged: For each parent's key how many of its rows were merged into others.
    """
    columns = {
        "parent": "JSON",
        "rows": "BIGINT",
        "reported": "BIGINT",
        "consistent": "BOOLEAN",
        "method": "VARCHAR",
        "proof": "VARCHAR",
        "full_at": "TIMESTAMP",
    }
    # What was added to a collection and what stays of it are together what the API counts.
    rows = "if(method = 'incremental', reported, rows)"
    merged_rows = (
        f"coalesce(map({literal([*merged])}::varchar[],"
        f" {literal([*merged.values()])}::bigint[])[parent], 0)"
    )
    key = literal(f"$.{staged.table.parent_key or 'none'}")
    connection.execute(
        f"create or replace temp table parents as select parent, {merged_rows} as merged,"
        f" {rows} - merged as rows, reported, consistent as settled, method, proof, full_at"
        f" from (select * replace (coalesce(parent->>{key}, '') as parent)"
        f" from {read_json(staged.reads_path, columns)})"
    )


def _record_parents(
    connection: duckdb.DuckDBPyConnection, staged: Staged, table: TableName
) -> None:
    """Logs the figures of each parent that was read."""
    parents, name = table.beside(SYNC_PARENTS).quoted, literal(table.table)
    if staged.kept:
        # Their rows stay in the table, and so does what is known of them.
        connection.execute(
            f"insert into {parents} by name select * replace ({staged.reading} as snapshot)"
            f" from {parents} where table_name = {name}"
            f" and list_contains({literal([*staged.kept])}::varchar[], parent)"
            f" and snapshot = (select max(snapshot) from {table.beside(SYNC_LOG).quoted}"
            f" where table_name = {name})"
        )
    connection.execute(
        f"insert into {parents} by name select {name} as table_name, {staged.reading} as snapshot,"
        f" {literal(staged.synced_at)} as synced_at, {literal(staged.form)} as form,"
        f" * replace (coalesce(full_at, {literal(staged.synced_at)}) as full_at) from temp.parents"
    )


def remove_old_parents(connection: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Removes what is known of the parents of snapshots that are there no more."""
    log = TableName(schema, SYNC_LOG)
    connection.execute(
        f"delete from {log.beside(SYNC_PARENTS).quoted} old where snapshot < ("
        f"select max(snapshot) from {log.quoted} log where log.table_name = old.table_name)"
    )


def last_snapshot(connection: duckdb.DuckDBPyConnection, table: TableName) -> LoggedSnapshot | None:
    """The snapshot that the table holds; None where there is none."""
    if not all(_exists(connection, each) for each in (table, table.beside(SYNC_LOG))):
        return None
    row = connection.execute(
        f"select snapshot, run_id, coalesce(history, false) from {table.beside(SYNC_LOG).quoted}"
        f" where table_name = {literal(table.table)} order by snapshot desc limit 1"
    ).fetchone()
    return LoggedSnapshot(*row) if row else None


def last_row_counts(
    connection: duckdb.DuckDBPyConnection, table: TableName, *, most: int
) -> list[int]:
    """The rows of the last snapshots of a table, the newest first.

    Args:
        connection: An open file.
        table: The table.
        most: How many snapshots to look back at the most.
    """
    order = order_of_snapshots(connection, table.schema)
    found = connection.execute(
        f"select rows from {table.beside(SYNC_LOG).quoted}"
        f" where table_name = {literal(table.table)} order by {order} desc limit {most}"
    )
    return [rows for (rows,) in found.fetchall()]


def parents_of_snapshot(database: Database, table: TableName) -> frozenset[str]:
    """The parents whose rows are in the present snapshot of a table; none where it is not."""
    if not database.exists():
        return frozenset()
    parents = table.beside(SYNC_LOG_PARENTS)
    with database.connect(read_only=True) as connection:
        if not all(_exists(connection, each) for each in (table, parents)):
            return frozenset()
        found = connection.execute(
            f"select parent from {parents.quoted} where table_name = {literal(table.table)}"
        )
        return frozenset(parent for (parent,) in found.fetchall())


def _exists(connection: duckdb.DuckDBPyConnection, table: TableName) -> bool:
    return table_exists(connection, table.schema, table.table)
