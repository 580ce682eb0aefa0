"""Work on so many rows at a time as `memory_limit` suffices for, however many there are.

DuckDB puts most of what it works on to disk where memory doesn't suffice, but not all: what it
notes of each row that a transaction deletes or joins stays in memory.
"""

from collections.abc import Iterator
from typing import Final

import duckdb

from campaign_monitor_assets.warehouse.memory import memory_limit
from campaign_monitor_assets.warehouse.quoting import row_of

Connection = duckdb.DuckDBPyConnection

_BYTES_A_ROW: Final = 192
"""A row's share of `memory_limit`: what is joined by hashes takes 40 to 80 bytes of it, and each
thread has more than one such table in memory as it goes from one to the next."""


def slices(connection: Connection, rows: int) -> int:
    """In how many parts so many rows are to be worked on."""
    return rows * _BYTES_A_ROW // memory_limit(connection) + 1


def of_slice(column: str, number: int, count: int) -> str:
    """Which rows belong to one of several slices by a column of hashes, as SQL."""
    # DuckDB would work out the hash once more for a condition that says nothing.
    return f"{column} % {count} = {number}" if count > 1 else "true"


def materialized(connection: Connection, name: str, query: str, count: int) -> str:
    """A query that is to be read for each of several slices: its rows, where there are several.

    Args:
        connection: The transaction.
        name: The temporary table that they go into; its reader drops it.
        query: The query.
        count: The number of slices.
    """
    if count == 1:
        return query
    connection.execute(f"create or replace temp table {name} as {query}")
    return f"from temp.{name}"


def row_ranges(connection: Connection, relation: str, column: str) -> Iterator[tuple[int, int]]:
    """Ranges of the rowids in a column, each with a slice of them: its first, and the one after.

    Args:
        connection: The transaction.
        relation: The temporary table with the column.
        column: The column; NULL is in no range.
    """
    rows, first, last = row_of(
        connection, f"select count({column}), min({column}), max({column}) from {relation}"
    )
    if not rows:
        return
    step = (last - first) // slices(connection, rows) + 1
    for start in range(first, last + 1, step):
        yield start, start + step
