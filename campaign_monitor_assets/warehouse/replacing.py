"""Putting other rows into a table, and who may do so where there are many writers.

Of transactions that change the same table at the same time, a lake lets two commit that only
insert, and one that replaces the table after one that changed its rows. So whoever changes a table
takes its turn first: of two who took the same one, the second to commit is refused, and does its
work again.
"""

import duckdb

from campaign_monitor_assets.warehouse.backend import backend_of
from campaign_monitor_assets.warehouse.comments import comments_of, set_comments
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import (
    columns_there,
    identifier,
    literal,
    table_exists,
)

Connection = duckdb.DuckDBPyConnection


def replace_rows(connection: Connection, table: TableName, source: str) -> None:
    """Makes a table hold the rows of another relation, and has its columns.

    Args:
        connection: The transaction.
        table: The table, which need not be there.
        source: The quoted name of a temporary table.
    """
    if backend_of(connection).replaces_tables:
        connection.execute(f"create or replace table {table.quoted} as from {source}")
    elif not table_exists(connection, table.schema, table.table):
        connection.execute(f"create table {table.quoted} as from {source}")
    else:
        connection.execute(f"delete from {table.quoted}")
        _fit(connection, table, columns_there(connection, source))
        connection.execute(f"insert into {table.quoted} by name from {source}")


def replace_by_query(connection: Connection, table: TableName, query: str) -> None:
    """Makes a table hold what a query answers, which may read the table itself."""
    if backend_of(connection).replaces_tables:
        connection.execute(f"create or replace table {table.quoted} as {query}")
        return
    connection.execute(f"create or replace temp table replacing as {query}")
    replace_rows(connection, table, "temp.replacing")
    connection.execute("drop table temp.replacing")


def change_type(connection: Connection, table: TableName, column: str, type_: str) -> None:
    """Gives a column another type, to which its values can be cast."""
    name = identifier(column)
    if backend_of(connection).changes_types:
        connection.execute(f"alter table {table.quoted} alter {name} type {type_}")
    else:
        comments = comments_of(connection, table)
        replace_by_query(
            connection, table, f"select * replace ({name}::{type_} as {name}) from {table.quoted}"
        )
        set_comments(connection, table, comments)


def take_turn(connection: Connection, table: TableName) -> None:
    """Makes sure that nobody else who changes a table is committed before this transaction.

    A comment is what every writer of a table can write without a byte of data; that it is the same
    as before doesn't matter.
    """
    if backend_of(connection).has_many_writers:
        comment = comments_of(connection, table).table
        said = "null" if comment is None else literal(comment)
        connection.execute(f"comment on table {table.quoted} is {said}")


def _fit(connection: Connection, table: TableName, wanted: dict[str, str]) -> None:
    """Gives an empty table the wanted columns; those that stay keep their comments."""
    there = columns_there(connection, table.quoted)
    for name in sorted(name for name, type_ in there.items() if wanted.get(name) != type_):
        connection.execute(f"alter table {table.quoted} drop column {identifier(name)}")
    for name, type_ in wanted.items():
        if there.get(name) != type_:
            connection.execute(f"alter table {table.quoted} add column {identifier(name)} {type_}")
