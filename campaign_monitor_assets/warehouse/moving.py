"""Moving a DuckDB file into a DuckLake: every table of it, in one transaction, and proved."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import duckdb

from campaign_monitor_assets.errors import ConfigurationError, DatabaseError
from campaign_monitor_assets.warehouse.bookkeeping import (
    SYNC_LOG,
    SYNC_STATE,
    bring_up_to_date,
    make_parents_view,
)
from campaign_monitor_assets.warehouse.comments import comments_of, set_comments
from campaign_monitor_assets.warehouse.memory import VECTOR_ROWS, Rows
from campaign_monitor_assets.warehouse.names import TableName, schemas_with, tables_there
from campaign_monitor_assets.warehouse.quoting import (
    identifier,
    literal,
    row_of,
    table_exists,
)
from campaign_monitor_assets.warehouse.target import Database

Connection = duckdb.DuckDBPyConnection

_FILE: Final = "the file"


@dataclass(frozen=True)
class Moved:
    """What is in the lake now.

    Attributes:
        rows: The rows of each table, by its name.
        views: Views of the file, which runs make anew.
    """

    rows: dict[str, int]
    views: int

    @property
    def note(self) -> str:
        """What is told."""
        return (
            f"{len(self.rows)} tables with {sum(self.rows.values()):,} rows are in the lake, each"
            " compared with the file's. The file is unchanged: remove it once nothing reads it any"
            f" more. Its {self.views} views are not moved: the next run makes the account's anew."
        )


def move(file: Database, lake: Database, warn: Callable[[str], None] = lambda _: None) -> Moved:
    """Copies every table of a file into a lake; the lake has all of them or none.

    Args:
        file: The DuckDB file, which stays as it is but for its bookkeeping's format.
        lake: The lake, which may hold other tables.
        warn: Told of waiting.

    Raises:
        ConfigurationError: The file is not one, the lake is not one, or it has such tables already.
        DatabaseError: One of them can't be opened or written, or what arrived differs.
    """
    opening = file.file_opening("What is moved")
    lake.require_lake("Where it is moved to")
    if not opening.exists():
        raise DatabaseError(f"The {file.label} does not exist.")
    file.write(_bring_up_to_date, warn)
    # Nobody else writes the file meanwhile.
    with file.connect(read_only=True, warn=warn) as there:
        widest = max((_average_row(there, name) for name in tables_there(there)), default=0)
        try:
            return lake.write(
                lambda connection: _move(connection, str(opening.path)), warn, rows=Rows(widest)
            )
        finally:
            # Not in the transaction that read it.
            lake.write(
                lambda connection: connection.execute(
                    f"detach database if exists {identifier(_FILE)}"
                )
            )


def _bring_up_to_date(connection: Connection) -> None:
    for schema in schemas_with(connection, SYNC_LOG):
        bring_up_to_date(connection, schema)


def _move(connection: Connection, path: str) -> Moved:
    connection.execute(f"attach if not exists {literal(path)} as {identifier(_FILE)} (read_only)")
    rows = {str(name): _copy(connection, name) for name in tables_there(connection, _FILE)}
    [views] = row_of(
        connection,
        "select count(*) from duckdb_views()"
        f" where database_name = {literal(_FILE)} and not internal",
    )
    return Moved(rows, views)


def _copy(connection: Connection, name: TableName) -> int:
    """Copies a table with its comments, and says how many rows it has."""
    if table_exists(connection, name.schema, name.table):
        raise ConfigurationError(
            f"The lake has a table {name} already, and nothing was moved. Move into a lake that has"
            " none of the file's tables; to fill it from the account instead, run a sync."
        )
    there = f"{identifier(_FILE)}.{name.quoted}"
    connection.execute(f"create schema if not exists {identifier(name.schema)}")
    connection.execute(f"create table {name.quoted} as from {there}")
    set_comments(connection, name, comments_of(connection, name, _FILE))
    if name.table == SYNC_STATE:
        make_parents_view(connection, name.schema)
    before, after = (_content(connection, each) for each in (there, name.quoted))
    if before != after:
        raise DatabaseError(
            f"What arrived of {name} in the lake differs from the file. Nothing was moved. Please"
            " report this."
        )
    return int(after[0])


def _average_row(connection: Connection, name: TableName) -> int:
    """Bytes of a row as JSON, by the first rows."""
    [average] = row_of(
        connection,
        'select coalesce(avg(strlen(to_json("the row")::varchar)), 0)::bigint'
        f' from (from {name.quoted} limit {VECTOR_ROWS}) as "the row"',
    )
    return int(average)


def _content(connection: Connection, relation: str) -> tuple[int, object]:
    """The rows of a table, and the sum of their hashes."""
    rows, hashes = row_of(
        connection,
        f'select count(*), sum(hash("the row"::varchar)::hugeint) from {relation} as "the row"',
    )
    return rows, hashes
