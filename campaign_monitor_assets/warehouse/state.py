"""What a schema says of itself: how many readings were begun, and what was removed for good.

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

from campaign_monitor_assets.warehouse.backend import backend_of
from campaign_monitor_assets.warehouse.bookkeeping import SYNC_STATE, bring_up_to_date, prepare
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import number_of, row_of, table_exists
from campaign_monitor_assets.warehouse.target import Database

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

    def number(connection: duckdb.DuckDBPyConnection) -> int:
        prepare(connection, schema)
        state = TableName(schema, SYNC_STATE).quoted
        connection.execute(f"update {state} set readings = readings + 1")
        return number_of(connection, f"select readings from {state}")

    # DuckDB refuses the second of two transactions that change the same row.
    with _NUMBERING:
        return database.write(number, warn)


def first_of_table(connection: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Takes a turn that whoever forgets somebody takes too: a new table has none of its own yet."""
    if backend_of(connection).has_many_writers:
        state = TableName(schema, SYNC_STATE).quoted
        connection.execute(f"update {state} set readings = readings")


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
    if not bring_up_to_date(connection, schema):
        return
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
