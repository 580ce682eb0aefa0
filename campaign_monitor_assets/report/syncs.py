"""How old the tables are that the report is made from."""

from datetime import datetime
from typing import NamedTuple

import duckdb

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.report.model import Card, Grid
from campaign_monitor_assets.report.times import moment_of
from campaign_monitor_assets.warehouse.bookkeeping import SYNC_LOG, order_of_snapshots
from campaign_monitor_assets.warehouse.quoting import identifier, row_count, table_exists


class Sync(NamedTuple):
    """The last snapshot of a table, and how many rows the table has now."""

    table: str
    synced_at: datetime
    rows: int
    now: int | None


def syncs(connection: duckdb.DuckDBPyConnection, schema: str) -> list[Sync]:
    """The last snapshot of each table, in the catalogue's order; empty where none is logged."""
    if not table_exists(connection, schema, SYNC_LOG):
        return []
    order = order_of_snapshots(connection, schema)
    logged = connection.execute(
        "select table_name, synced_at, rows"
        f" from {identifier(schema, SYNC_LOG)}"
        f" qualify row_number() over (partition by table_name order by {order} desc) = 1"
    ).fetchall()
    last = {table: rest for table, *rest in logged}
    found = []
    for table in (name for name in CATALOGUE if name in last):
        synced_at, rows = last[table]
        found.append(Sync(table, synced_at, rows, row_count(connection, schema, table)))
    return found


def card(found: list[Sync]) -> Card | str:
    """What tells of them, or why nothing does."""
    if not found:
        return f"DuckDB does not hold {SYNC_LOG} yet, which tells of each sync."
    rows = [[sync.table, moment_of(sync.synced_at), sync.rows, sync.now] for sync in found]
    grid = Grid(["Table", "Last synced (UTC)", "Rows then", "Rows now"], rows)
    note = "The figures are as old as the tables that they come from."
    return Card("When each table was last synced", note, grid)
