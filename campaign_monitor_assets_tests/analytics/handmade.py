"""Tables and histories made by hand, for figures that would cost a test many syncs."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from campaign_monitor_assets.analytics import ALL_VIEWS
from campaign_monitor_assets.analytics.create import create_view
from campaign_monitor_assets.analytics.relations import Place, columns_of
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.warehouse.quoting import identifier

SCHEMA = "campaign_monitor"
Row = Mapping[str, Any]


def create_table(
    connection: duckdb.DuckDBPyConnection, name: str, rows: Iterable[Row], *, history: bool = False
) -> None:
    """A table of the catalogue, or the history of one, with these rows; the rest is NULL."""
    columns = {column.name: column.type for column in columns_of(CATALOGUE[name])}
    columns |= {"_valid_from": "TIMESTAMP", "_valid_to": "TIMESTAMP"} if history else {}
    schema = f"{SCHEMA}_history" if history else SCHEMA
    table = identifier(schema, name)
    # Of a lake each transaction is a snapshot.
    connection.begin()
    connection.execute(f"create schema if not exists {identifier(schema)}")
    defined = ", ".join(f"{identifier(column)} {type_}" for column, type_ in columns.items())
    connection.execute(f"create or replace table {table} ({defined})")
    # Of a lake each statement is a file.
    for names, alike in itertools.groupby(rows, key=tuple):
        found = [list(row.values()) for row in alike]
        given = ", ".join(map(identifier, names))
        marks = ", ".join(f"({', '.join('?' for _ in names)})" for _ in found)
        values = list(itertools.chain(*found))
        connection.execute(f"insert into {table} ({given}) values {marks}", values)
    connection.commit()


def create_log(connection: duckdb.DuckDBPyConnection, snapshots: Iterable[tuple[str, str]]) -> None:
    """The log of snapshots: of which tables, and when."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    connection.execute(
        f"create or replace table {SCHEMA}.sync_log"
        " (table_name varchar, synced_at timestamp, rows bigint)"
    )
    found = list(snapshots)
    marks = ", ".join("(?, ?, 0)" for _ in found)
    connection.execute(f"insert into {SCHEMA}.sync_log values {marks}", [*itertools.chain(*found)])


def create_readings(
    connection: duckdb.DuckDBPyConnection, readings: Iterable[tuple[str, str, str]]
) -> None:
    """What is logged of parents: of which table, which parent, and when it was last read."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    connection.execute(
        f"create or replace table {SCHEMA}.sync_log_parents"
        " (table_name varchar, parent varchar, synced_at timestamp)"
    )
    found = list(readings)
    marks = ", ".join("(?, ?, ?)" for _ in found)
    values = list(itertools.chain(*found))
    connection.execute(f"insert into {SCHEMA}.sync_log_parents values {marks}", values)


def place(connection: duckdb.DuckDBPyConnection) -> Place:
    return Place(connection, SCHEMA, f"{SCHEMA}_analytics")


def make(connection: duckdb.DuckDBPyConnection, *views: str) -> None:
    """Makes views, and first those that they need."""
    for view in views:
        make(connection, *(need for need in ALL_VIEWS[view].needs if need in ALL_VIEWS))
        create_view(place(connection), ALL_VIEWS[view])


def rows(connection: duckdb.DuckDBPyConnection, view: str, columns: str) -> list[tuple[Any, ...]]:
    """What a view holds."""
    return connection.execute(
        f"select {columns} from {SCHEMA}_analytics.{view} order by all"
    ).fetchall()
