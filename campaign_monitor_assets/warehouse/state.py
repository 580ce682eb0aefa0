"""What a schema says of itself: the version of its bookkeeping, and how many readings were begun.

Snapshots are ordered by the numbers of their readings, not by the clock, which can jump. A reading
takes the next number in a transaction of its own before it asks the API for anything, so of two
readings the one with the higher number began later, whatever the clocks of their machines say. The
number of the snapshot that is there stands in `sync_log`; a reading with a lower one is older, and
never replaces it. Numbers of runs that failed are left out: only their order matters.

The number that a table has when a reading begins would not do: two readings that begin with the
same snapshot have it in common, and which of them began first is what has to be known.

To forget somebody takes a number too: what was read before would bring the person back.
"""

import threading
from collections.abc import Callable
from typing import Final

import duckdb

from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.warehouse.comments import Comments, set_comments
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import (
    columns_there,
    identifier,
    number_of,
    row_of,
    table_exists,
)
from campaign_monitor_assets.warehouse.target import Database

FORMAT = 4
"""The version of the bookkeeping that this program writes.

1 had no `sync_state`; 2 didn't say how a parent's collection was read; 3 said neither how many of
its rows were merged nor what was removed for good.
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

SYNC_LOG_PARENTS = "sync_log_parents"
"""For each table and parent of its present snapshot the rows, what the API reported, and how many
of those were merged into others, whose hashed addresses are the same."""

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

_NUMBERING: Final = threading.Lock()


def begin_reading(
    database: Database, schema: str, warn: Callable[[str], None] = lambda _: None
) -> int:
    """Takes the number of a reading that is about to begin, and brings old bookkeeping up to date.

    Args:
        database: The file, which has to be writable; it is waited for while it is in use.
        schema: Where the snapshots will go.
        warn: Told of a wait for the file.

    Raises:
        DatabaseError: The file can't be written, or a newer version of this program made it.
    """
    # DuckDB refuses the second of two transactions that change the same row.
    with _NUMBERING, database.connect(warn=warn) as connection:
        prepare(connection, schema)
        state = TableName(schema, SYNC_STATE).quoted
        return number_of(
            connection, f"update {state} set readings = readings + 1 returning readings"
        )


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
    full = {"method": "'full_refresh'", "full_at": "synced_at", "merged": "0"}
    _take_over(connection, TableName(schema, SYNC_LOG_PARENTS), _PARENTS, full)
    state = TableName(schema, SYNC_STATE)
    _take_over(connection, state, _STATE, {"forgotten": "0", "bytes_left": "false"})
    if found is None:
        connection.execute(
            f"insert into {state.quoted} select {FORMAT}, coalesce(max(snapshot), 0), 0, false"
            f" from {TableName(schema, SYNC_LOG).quoted}"
        )
    connection.execute(f"update {state.quoted} set format = {FORMAT}")
    set_comments(connection, state, _COMMENTS)


def note_removed(connection: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Notes that the file may hold bytes of what was removed, until it is written anew."""
    state = TableName(schema, SYNC_STATE).quoted
    connection.execute(f"update {state} set bytes_left = true")


def bytes_left(connection: duckdb.DuckDBPyConnection, schema: str) -> bool:
    """Whether the file may hold bytes of what was removed."""
    state = TableName(schema, SYNC_STATE).quoted
    return bool(row_of(connection, f"select bytes_left from {state}")[0])


def note_forgotten(connection: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Notes that somebody was forgotten: what readings that have begun brought may hold them.

    The next number of a reading is taken, so that only later ones are newer.
    """
    if not any(table_exists(connection, schema, name) for name in (SYNC_STATE, SYNC_LOG)):
        return
    prepare(connection, schema)
    state = TableName(schema, SYNC_STATE).quoted
    connection.execute(
        f"update {state} set readings = readings + 1, forgotten = readings + 1, bytes_left = true"
    )


def last_forgotten(connection: duckdb.DuckDBPyConnection, schema: str) -> int:
    """The number that was taken when somebody was last forgotten; 0: nobody was."""
    state = TableName(schema, SYNC_STATE)
    if not table_exists(connection, schema, SYNC_STATE):
        return 0
    return number_of(connection, f"select forgotten from {state.quoted}")


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
    connection.execute(
        f"create or replace table {table.quoted} as select {chosen} from {table.quoted}"
    )
