"""What later steps of a run read of the snapshots: the parents' keys, the names of clients."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from campaign_monitor_assets.errors import ParentMissingError
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import (
    identifiers,
    table_exists,
)
from campaign_monitor_assets.warehouse.target import Database


@dataclass(frozen=True)
class ParentRows:
    """A parent's columns that its children inherit, each combination once."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def named(self) -> list[dict[str, str]]:
        """The rows by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def parent_rows(
    connection: duckdb.DuckDBPyConnection, table: TableName, columns: Sequence[str]
) -> ParentRows:
    """Reads a parent's columns.

    Raises:
        ParentMissingError: The table is not in DuckDB yet.
    """
    require_table(connection, table)
    rows = connection.execute(
        f"select distinct {identifiers(columns)} from {table.quoted} order by all"
    ).fetchall()
    return ParentRows(tuple(columns), tuple(rows))


def require_table(connection: duckdb.DuckDBPyConnection, table: TableName) -> None:
    """Raises ParentMissingError where a table is not in DuckDB yet."""
    if not table_exists(connection, table.schema, table.table):
        raise ParentMissingError(str(table))


def has_table(database: Database, table: TableName) -> bool:
    """Whether a table is in the file; not where there is no warehouse yet."""
    if not database.exists():
        return False
    with database.connect(read_only=True) as connection:
        return table_exists(connection, table.schema, table.table)


def client_names(database: Database, schema: str) -> list[dict[str, str]]:
    """The ClientIDs and names of the account's clients, as last read."""
    clients = TableName(schema, "clients")
    with database.connect(read_only=True) as connection:
        return parent_rows(connection, clients, ("ClientID", "Name")).named()
