"""The log of snapshots, which stands in DuckDB beside the tables.

A failed run records a materialization in Dagster too; what the last snapshot held stands here.
"""

import duckdb

from campaign_monitor_assets.staging.records import Staged
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import read_json, table_exists
from campaign_monitor_assets.warehouse.target import Database

SYNC_LOG = "sync_log"
"""A row for each snapshot of each table."""

SYNC_LOG_PARENTS = "sync_log_parents"
"""For each table and parent of its present snapshot the rows, and what the API reported."""


def record(
    connection: duckdb.DuckDBPyConnection,
    staged: Staged,
    table: TableName,
    *,
    run_id: str,
    rows: int,
) -> None:
    """Logs a snapshot in the transaction that publishes it.

    Args:
        connection: The transaction.
        staged: What was read.
        table: The snapshot's table.
        run_id: Dagster's run.
        rows: Rows that the table has now.
    """
    log, parents = table.beside(SYNC_LOG).quoted, table.beside(SYNC_LOG_PARENTS).quoted
    connection.execute(
        f"create table if not exists {parents} (table_name varchar, parent varchar,"
        " rows bigint, reported bigint, settled boolean)"
    )
    connection.execute(
        f"delete from {parents} where table_name = ? and not list_contains(?::varchar[], parent)",
        [table.table, list(staged.kept)],
    )
    columns = {"parent": "JSON", "rows": "BIGINT", "reported": "BIGINT", "consistent": "BOOLEAN"}
    connection.execute(
        f"insert into {parents} select ?, coalesce(parent->>?, ''), rows, reported, consistent"
        f" from {read_json(staged.reads_path, columns)}",
        [table.table, f"$.{staged.table.parent_key or 'none'}"],
    )
    connection.execute(
        f"create table if not exists {log} (table_name varchar, run_id varchar,"
        " synced_at timestamp, rows bigint, staged bigint, reported bigint, requests bigint,"
        " bytes bigint, seconds double, reread bigint, unsettled bigint, left_out bigint)"
    )
    connection.execute(
        f"insert into {log} select $table, $run, $synced_at, $rows, $staged, sum(reported),"
        " $requests, $bytes, $seconds, $reread, $unsettled, $left_out"
        f" from {parents} where table_name = $table",
        {
            "table": table.table,
            "run": run_id,
            "synced_at": staged.synced_at,
            "rows": rows,
            "staged": staged.rows,
            "requests": staged.requests,
            "bytes": staged.size,
            "seconds": staged.seconds,
            "reread": staged.retries,
            "unsettled": len(staged.inconsistent),
            "left_out": len(staged.missing),
        },
    )


def parents_of_snapshot(database: Database, table: TableName) -> frozenset[str]:
    """The parents whose rows are in the present snapshot of a table; none where it is not."""
    if not database.path.exists():
        return frozenset()
    parents = table.beside(SYNC_LOG_PARENTS)
    with database.connect(read_only=True) as connection:
        if not all(table_exists(connection, each.schema, each.table) for each in (table, parents)):
            return frozenset()
        found = connection.execute(
            f"select parent from {parents.quoted} where table_name = ?", [table.table]
        )
        return frozenset(parent for (parent,) in found.fetchall())
