"""Step 3 of a snapshot: the verified rows go into the table."""

from collections.abc import Sequence

import duckdb

from campaign_monitor_assets.catalogue import Column
from campaign_monitor_assets.staging.records import Staged
from campaign_monitor_assets.warehouse.load import LOADED, Loaded
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import identifier, literal

Connection = duckdb.DuckDBPyConnection

_KEPT = "temp.kept"


def replace(connection: Connection, staged: Staged, loaded: Loaded, table: TableName) -> None:
    """Replaces the whole table by the loaded rows and those that stay."""
    if staged.kept:
        connection.execute(f"create or replace temp table kept as {kept(staged, table)}")
    connection.execute(f"create schema if not exists {identifier(table.schema)}")
    connection.execute(f"create or replace table {table.quoted} as from {LOADED}")
    if staged.kept:
        _put_back(connection, table)
    _comment(connection, staged.table.description, table, loaded.columns)


def kept(staged: Staged, table: TableName) -> str:
    """The query of the rows that stay, whose parents were not read again."""
    assert staged.table.parent_key is not None
    parents = ", ".join(literal(parent) for parent in staged.kept)
    return f"from {table.quoted} where {identifier(staged.table.parent_key)} in ({parents})"


def _put_back(connection: Connection, table: TableName) -> None:
    """Adds the rows that stay, with the columns that only they have."""
    for column, type_, *_ in connection.execute(f"describe {_KEPT}").fetchall():
        connection.execute(
            f"alter table {table.quoted} add column if not exists {identifier(column)} {type_}"
        )
    connection.execute(f"insert into {table.quoted} by name from {_KEPT}")
    connection.execute(f"drop table {_KEPT}")


def _comment(
    connection: Connection, description: str, table: TableName, columns: Sequence[Column]
) -> None:
    connection.execute(f"comment on table {table.quoted} is {literal(description)}")
    for column in columns:
        connection.execute(
            f"comment on column {table.quoted}.{identifier(column.name)}"
            f" is {literal(column.description)}"
        )
