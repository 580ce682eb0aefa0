"""What a kind of warehouse does its own way, as far as SQL has to know."""

from dataclasses import dataclass
from typing import Final

import duckdb

from campaign_monitor_assets.warehouse.quoting import row_of

Connection = duckdb.DuckDBPyConnection


@dataclass(frozen=True)
class Backend:
    """A kind of warehouse.

    Attributes:
        kind: What DuckDB calls it.
        has_many_writers: Whether several transactions may write at once, so that a conflict is
            found out as they commit. With one writer at a time there are none.
        replaces_tables: Whether `create or replace table` is safe: with many writers it would win
            over a snapshot that was committed meanwhile.
        changes_types: Whether a column can become one of any other type.
        has_comments_on_views: Whether the columns of a view can have comments.
    """

    kind: str
    has_many_writers: bool
    replaces_tables: bool
    changes_types: bool
    has_comments_on_views: bool


FILE: Final = Backend(
    "duckdb",
    has_many_writers=False,
    replaces_tables=True,
    changes_types=True,
    has_comments_on_views=True,
)
LAKE: Final = Backend(
    "ducklake",
    has_many_writers=True,
    replaces_tables=False,
    changes_types=False,
    has_comments_on_views=False,
)

_BY_KIND: Final = {each.kind: each for each in (FILE, LAKE)}


def backend_of(connection: Connection) -> Backend:
    """The kind of the warehouse that a connection is in."""
    [kind] = row_of(
        connection, "select type from duckdb_databases() where database_name = current_database()"
    )
    return _BY_KIND[kind]
