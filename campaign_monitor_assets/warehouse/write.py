"""Step 3 of a snapshot: the verified rows go into the table, all of them or those that differ."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from campaign_monitor_assets.catalogue import Column
from campaign_monitor_assets.staging.records import Staged
from campaign_monitor_assets.warehouse.backend import backend_of
from campaign_monitor_assets.warehouse.comments import Comments, set_comments
from campaign_monitor_assets.warehouse.difference import (
    DIFFERENCE,
    Changes,
    Difference,
    Relation,
    compare,
    count_changes,
    for_rows,
)
from campaign_monitor_assets.warehouse.kept import Kept
from campaign_monitor_assets.warehouse.load import LOADED, Loaded
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import (
    columns_there,
    identifier,
    number_of,
    table_exists,
)
from campaign_monitor_assets.warehouse.replacing import replace_rows
from campaign_monitor_assets.warehouse.settings import Strategy

Connection = duckdb.DuckDBPyConnection


@dataclass(frozen=True)
class Written:
    """What became of a snapshot's rows.

    Attributes:
        rows: Rows in the table.
        strategy: How they got there.
        changes: What changed; None where it was not compared with what was there.
        difference: What `temp.difference` holds; None where nothing was compared.
        has_history: Whether the table's history was written too.
    """

    rows: int
    strategy: Strategy
    changes: Changes | None = None
    difference: Difference | None = None
    has_history: bool = False


def write(
    connection: Connection,
    staged: Staged,
    loaded: Loaded,
    table: TableName,
    *,
    kept: Kept,
    strategy: Strategy,
    compared: bool,
) -> Written:
    """Makes the table hold the loaded rows, and those that stay.

    Args:
        connection: The transaction.
        staged: What was read.
        loaded: What is in the temporary table.
        table: Where the rows go.
        kept: The rows that stay.
        strategy: How they get there; where merge would take more than it saves, or can't be done,
            they are all written anew.
        compared: Whether `temp.difference` is wanted, whatever the strategy.
    """
    rows = loaded.rows + kept.rows
    if not table_exists(connection, table.schema, table.table):
        _replace(connection, staged, loaded, table, kept)
        return Written(rows, strategy, Changes(rows, 0, 0, 0))
    changes = difference = None
    old = Relation.of(connection, table.quoted, f"not ({kept.condition})")
    new = Relation.of(connection, LOADED)
    if compared or strategy is Strategy.MERGE:
        difference = compare(connection, staged.table.key, old, new)
        changes = count_changes(connection, rows)
    in_order = backend_of(connection).replaces_tables
    if (changes is not None and changes.nothing_stays) or not _fits(
        old, new, kept, in_order=in_order
    ):
        strategy = Strategy.REPLACE
    if strategy is Strategy.REPLACE:
        _replace(connection, staged, loaded, table, kept)
    else:
        _comment(connection, staged.table.description, table, loaded.columns)
        if changes is not None and changes.any:
            _merge(connection, table)
        if number_of(connection, f"select count(*) from {table.quoted}") != rows:
            # Somebody else put rows into the table that are alike in all their values.
            strategy = Strategy.REPLACE
            _replace(connection, staged, loaded, table, kept)
    return Written(rows, strategy, changes, difference)


def _fits(old: Relation, new: Relation, kept: Kept, *, in_order: bool) -> bool:
    """Whether the table has the columns that the new rows need, and none that nobody needs."""
    if kept.any:
        return new.columns.items() <= old.columns.items()
    if not in_order:
        return new.columns == old.columns
    return list(new.columns.items()) == list(old.columns.items())


def _merge(connection: Connection, table: TableName) -> None:
    """Writes only the rows that differ; one that changed goes and comes."""
    for_rows(connection, DIFFERENCE, "old_row", "delete_rows", table=table.quoted)
    for_rows(connection, DIFFERENCE, "new_row", "insert_rows", table=table.quoted, loaded=LOADED)


def _replace(
    connection: Connection, staged: Staged, loaded: Loaded, table: TableName, kept: Kept
) -> None:
    if kept.any:
        connection.execute(
            f"create or replace temp table kept as from {table.quoted} where {kept.condition}"
        )
    replace_rows(connection, table, LOADED)
    if kept.any:
        _put_back(connection, table)
    _comment(connection, staged.table.description, table, loaded.columns)


def _put_back(connection: Connection, table: TableName) -> None:
    """Adds the rows that stay, with the columns that only they have."""
    for column, type_ in columns_there(connection, "temp.kept").items():
        connection.execute(
            f"alter table {table.quoted} add column if not exists {identifier(column)} {type_}"
        )
    connection.execute(f"insert into {table.quoted} by name from temp.kept")
    connection.execute("drop table temp.kept")


def _comment(
    connection: Connection, description: str, table: TableName, columns: Sequence[Column]
) -> None:
    of_columns = {column.name: column.description for column in columns}
    set_comments(connection, table, Comments(table=description, columns=of_columns))
