"""The bookkeeping of a schema: its tables, and how those of older versions are taken over."""

import duckdb

from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.warehouse.comments import Comments, set_comments
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import (
    columns_there,
    identifier,
    relation_of_view,
    table_exists,
)
from campaign_monitor_assets.warehouse.replacing import replace_by_query

FORMAT = 5
"""The version of the bookkeeping that this program writes.

1 had no `sync_state`; 2 didn't say how a parent's collection was read; 3 said neither how many of
its rows were merged nor what was removed for good; 4 had `sync_log_parents` as a table.
"""

SYNC_STATE = "sync_state"
"""One row: the version of the bookkeeping, the newest reading, and what was removed for good."""

_COMMENTS = Comments(
    columns={
        "format": "The version of the bookkeeping in this schema.",
        "readings": "The number of the newest reading; snapshots are ordered by these numbers.",
        "forgotten": "The number that was taken when somebody was last forgotten: what readings"
        " with lower ones brought is not published any more.",
        "bytes_left": "Whether bytes of what was removed for good may be left in the file, so that"
        " it is to be written anew.",
    }
)

SYNC_LOG = "sync_log"
"""A row for each snapshot of each table."""

SYNC_PARENTS = "sync_parents"
"""For each snapshot that was logged lately, and each parent of it, the rows, what the API reported,
and how many of those were merged into others, whose hashed addresses are the same.

With many writers, rows are only added to it: to delete those of the snapshot before would conflict
with whoever adds some meanwhile, of another table too.
"""

SYNC_LOG_PARENTS = "sync_log_parents"
"""The view of those of the present snapshots."""

_STATE = {
    "format": "bigint",
    "readings": "bigint",
    "forgotten": "bigint",
    "bytes_left": "boolean",
}

_LOG = {
    "table_name": "varchar",
    "run_id": "varchar",
    "synced_at": "timestamp",
    "rows": "bigint",
    "staged": "bigint",
    "reported": "bigint",
    "requests": "bigint",
    "bytes": "bigint",
    "seconds": "double",
    "reread": "bigint",
    "unsettled": "bigint",
    "left_out": "bigint",
    "snapshot": "bigint",
    "strategy": "varchar",
    "inserted": "bigint",
    "updated": "bigint",
    "deleted": "bigint",
    "unchanged": "bigint",
    "history": "boolean",
}

_PARENTS = {
    "table_name": "varchar",
    "snapshot": "bigint",
    "parent": "varchar",
    "rows": "bigint",
    "reported": "bigint",
    "merged": "bigint",
    "settled": "boolean",
    "synced_at": "timestamp",
    "method": "varchar",
    "proof": "varchar",
    "full_at": "timestamp",
    "form": "varchar",
}


def prepare(connection: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Makes the schema's bookkeeping, or takes over that of an older version without losing a row.

    Raises:
        DatabaseError: A newer version of this program made it.
    """
    found = _format(connection, schema)
    if found == FORMAT:
        return
    connection.execute(f"create schema if not exists {identifier(schema)}")
    _take_over(connection, TableName(schema, SYNC_LOG), _LOG, {"snapshot": _SNAPSHOT_NUMBER})
    # Whatever an older version read, it read in full.
    snapshot = (
        f"(select max(snapshot) from {TableName(schema, SYNC_LOG).quoted} log"
        " where log.table_name = old.table_name)"
    )
    full = {
        "method": "'full_refresh'",
        "full_at": "synced_at",
        "merged": "0",
        "snapshot": snapshot,
    }
    _take_over_parents(connection, schema, full)
    state = TableName(schema, SYNC_STATE)
    _take_over(connection, state, _STATE, {"forgotten": "0", "bytes_left": "false"})
    if found is None:
        connection.execute(
            f"insert into {state.quoted} select {FORMAT}, coalesce(max(snapshot), 0), 0, false"
            f" from {TableName(schema, SYNC_LOG).quoted}"
        )
    connection.execute(f"update {state.quoted} set format = {FORMAT}")
    set_comments(connection, state, _COMMENTS)


def _take_over_parents(
    connection: duckdb.DuckDBPyConnection, schema: str, filled: dict[str, str]
) -> None:
    """Makes the table of parents, with what an older version had where the view is now."""
    parents, view = TableName(schema, SYNC_PARENTS), TableName(schema, SYNC_LOG_PARENTS)
    if table_exists(connection, schema, SYNC_PARENTS):
        return
    if table_exists(connection, schema, SYNC_LOG_PARENTS):
        connection.execute(f"alter table {view.quoted} rename to {identifier(SYNC_PARENTS)}")
    _take_over(connection, parents, _PARENTS, filled)
    make_parents_view(connection, schema)


def make_parents_view(connection: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Makes the view of the parents of the present snapshots."""
    view = TableName(schema, SYNC_LOG_PARENTS)
    log, all_ = (relation_of_view(schema, name) for name in (SYNC_LOG, SYNC_PARENTS))
    connection.execute(
        f"create view {view.quoted} as select logged.* exclude (snapshot) from {all_} logged"
        f" join (select table_name, max(snapshot) as snapshot from {log} group by all) last"
        " using (table_name, snapshot)"
    )


def bring_up_to_date(connection: duckdb.DuckDBPyConnection, schema: str) -> bool:
    """Takes over the bookkeeping of an older version, and says whether there is any."""
    if not any(table_exists(connection, schema, name) for name in (SYNC_STATE, SYNC_LOG)):
        return False
    prepare(connection, schema)
    return True


def require_supported(connection: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Raises DatabaseError where a newer version of this program made the schema."""
    _format(connection, schema)


def order_of_snapshots(connection: duckdb.DuckDBPyConnection, schema: str) -> str:
    """The column of `sync_log` that orders snapshots, in a file of the version before too."""
    return "snapshot" if table_exists(connection, schema, SYNC_STATE) else "synced_at"


def merged_rows(connection: duckdb.DuckDBPyConnection, schema: str) -> str:
    """What `sync_log_parents` says of merged rows, as SQL; a file of the version before too."""
    there = columns_there(connection, identifier(schema, SYNC_LOG_PARENTS))
    return "merged" if "merged" in there else "0"


_SNAPSHOT_NUMBER = "row_number() over (order by synced_at)"
"""What orders the snapshots of a log of version 1, which has nothing but the clock."""


def _format(connection: duckdb.DuckDBPyConnection, schema: str) -> int | None:
    if not table_exists(connection, schema, SYNC_STATE):
        return None
    state = TableName(schema, SYNC_STATE).quoted
    row = connection.execute(f"select max(format) from {state}").fetchone()
    found = int(row[0]) if row and row[0] is not None else None
    if found is not None and found > FORMAT:
        raise DatabaseError(
            f"The schema {schema} of the DuckDB file was written by a newer version of"
            f" campaign_monitor_assets: its format is {found}, and this version knows {FORMAT} and"
            " older ones. Nothing was changed. Update the package, or choose another file."
        )
    return found


def _take_over(
    connection: duckdb.DuckDBPyConnection,
    table: TableName,
    columns: dict[str, str],
    filled: dict[str, str],
) -> None:
    """Makes a table of the bookkeeping, with the rows that an older version wrote.

    Args:
        connection: The transaction.
        table: The table.
        columns: Its columns with their types.
        filled: What the columns that the older version hadn't get, in SQL; NULL otherwise.
    """
    if not table_exists(connection, table.schema, table.table):
        declared = ", ".join(f"{name} {type_}" for name, type_ in columns.items())
        connection.execute(f"create table {table.quoted} ({declared})")
        return
    there = columns_there(connection, table.quoted)
    chosen = ", ".join(
        f"{name if name in there else filled.get(name, 'null')}::{type_} as {name}"
        for name, type_ in columns.items()
    )
    replace_by_query(connection, table, f"select {chosen} from {table.quoted} old")
