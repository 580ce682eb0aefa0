"""The comments of tables and their columns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from campaign_monitor_assets.catalogue import Column
from campaign_monitor_assets.warehouse.backend import backend_of
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import identifier, literal


@dataclass(frozen=True, kw_only=True)
class Comments:
    """What is said of a table.

    Attributes:
        table: Of the table itself; None: nothing.
        columns: Of its columns, by name; those of which nothing is said are left out.
    """

    table: str | None = None
    columns: Mapping[str, str]


def comments_of(
    connection: duckdb.DuckDBPyConnection, table: TableName, catalog: str | None = None
) -> Comments:
    """The comments that are there, in a catalog; None: in the warehouse."""
    commented = (
        f"database_name = coalesce({literal(catalog)}, current_database()) and comment is not null"
        f" and schema_name = {literal(table.schema)} and table_name = {literal(table.table)}"
    )
    found: dict[str, str] = dict(
        connection.execute(
            f"select column_name, comment from duckdb_columns() where {commented}"
            f" union all select '', comment from duckdb_tables() where {commented}"
        ).fetchall()
    )
    return Comments(table=found.pop("", None), columns=found)


def set_comments(
    connection: duckdb.DuckDBPyConnection, table: TableName, comments: Comments
) -> None:
    """Makes the comments where something else stands there."""
    there = comments_of(connection, table)
    if comments.table is not None and comments.table != there.table:
        connection.execute(f"comment on table {table.quoted} is {literal(comments.table)}")
    for name, text in comments.columns.items():
        if there.columns.get(name) != text:
            connection.execute(
                f"comment on column {table.quoted}.{identifier(name)} is {literal(text)}"
            )


def comment_on_view(
    connection: duckdb.DuckDBPyConnection, view: str, comment: str, columns: Iterable[Column]
) -> None:
    """Makes the comments of a view and, where it can have some, of its columns.

    Args:
        connection: The transaction.
        view: Its quoted name.
        comment: Its own comment.
        columns: Its columns, each with a description.
    """
    connection.execute(f"comment on view {view} is {literal(comment)}")
    if not backend_of(connection).has_comments_on_views:
        return
    for column in columns:
        name = identifier(column.name)
        connection.execute(f"comment on column {view}.{name} is {literal(column.description)}")
