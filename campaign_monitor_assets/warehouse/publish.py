"""The way of a snapshot: load, verify, write, log, all in the caller's transaction.

The table, its comments and its row in `sync_log` change together or not at all.
"""

from dataclasses import dataclass

import duckdb

from campaign_monitor_assets.staging.records import Staged
from campaign_monitor_assets.warehouse.load import Loaded, load, unload
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import table_exists
from campaign_monitor_assets.warehouse.sync_log import record
from campaign_monitor_assets.warehouse.verify import Guard, verify
from campaign_monitor_assets.warehouse.write import kept, replace

Connection = duckdb.DuckDBPyConnection


@dataclass(frozen=True)
class Published:
    """What a snapshot holds.

    Attributes:
        rows: Rows in the table.
        previous_rows: Rows in the snapshot before; None where there was none.
        kept_rows: Rows of parents that were not read again.
        loaded: What was loaded for it.
    """

    rows: int
    previous_rows: int | None
    kept_rows: int
    loaded: Loaded


def publish(
    connection: Connection, staged: Staged, table: TableName, *, run_id: str, guard: Guard
) -> Published:
    """Makes what was staged the table's snapshot, and logs it.

    Args:
        connection: The transaction.
        staged: What was read.
        table: Where it goes.
        run_id: Dagster's run.
        guard: How deep the rows may fall.

    Raises:
        DatabaseError: The staged rows can't be loaded, or not all of them arrived.
        SnapshotRefusedError: The guard kept the snapshot out.
    """
    there = table_exists(connection, table.schema, table.table)
    previous = _count(connection, f"from {table.quoted}") if there else None
    kept_rows = _count(connection, kept(staged, table)) if staged.kept else 0
    loaded = load(connection, staged)
    verify(connection, staged, loaded, kept_rows=kept_rows, previous_rows=previous, guard=guard)
    replace(connection, staged, loaded, table)
    rows = loaded.rows + kept_rows
    record(connection, staged, table, run_id=run_id, rows=rows)
    unload(connection)
    return Published(rows, previous, kept_rows, loaded)


def publish_trial(
    connection: Connection, staged: Staged, table: TableName, *, run_id: str
) -> Published:
    """Publishes a limited reading beside the full snapshot of the table, which stays as it is."""
    return publish(connection, staged, table.of_trial, run_id=run_id, guard=Guard())


def _count(connection: Connection, query: str) -> int:
    row = connection.execute(f"select count(*) from ({query})").fetchone()
    assert row is not None
    return int(row[0])
