"""Keeping a DuckLake small: what no snapshot needs any more goes, and small files become one.

A file is deleted a day after the last snapshot that held it went, at the earliest: whoever began to
read or to write before may still need it. DuckLake's `cleanup_all` would delete the files of a
transaction that is under way, which then commits a table that nobody can read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import duckdb

from campaign_monitor_assets.warehouse.bookkeeping import SYNC_PARENTS, SYNC_STATE
from campaign_monitor_assets.warehouse.instance import CATALOG
from campaign_monitor_assets.warehouse.names import TableName, schemas_with
from campaign_monitor_assets.warehouse.quoting import identifier, literal, number_of
from campaign_monitor_assets.warehouse.rewrite import rewrite
from campaign_monitor_assets.warehouse.sync_log import remove_old_parents
from campaign_monitor_assets.warehouse.target import Database

_LEAST_AGE: Final = timedelta(days=1)
"""How long a file stays that no snapshot holds."""

_GONE: Final = 0.1
"""Which part of a file's rows is gone where it is written anew. DuckLake puts no file together with
others that has lost a row, and each snapshot notes anew what such a file has lost."""

_MOST_ROWS: Final = 500_000
"""Rows of files that are written anew at once: DuckLake makes one file of them, and rows go from a
long one only in much memory (see `lake_options`)."""


@dataclass(frozen=True)
class Maintained:
    """What was done.

    Attributes:
        expired: Snapshots of the lake that went.
        deleted: Files that were deleted.
        size: Bytes of the files that the lake holds now.
        files: How many those are.
    """

    expired: int
    deleted: int
    size: int
    files: int

    @property
    def note(self) -> str:
        """What is told."""
        return (
            f"{self.expired} snapshots of the lake went, and {self.deleted} files that none needs"
            f" any more; it holds {self.files} files with {self.size / 1e6:,.1f} MB now."
        )


def maintain(
    database: Database, *, keep: timedelta, warn: Callable[[str], None] = lambda _: None
) -> Maintained:
    """Expires the snapshots of a lake, deletes files and puts small ones together.

    Args:
        database: The lake.
        keep: How long a snapshot can be read by `at (timestamp => …)`.
        warn: Told of waiting, and where another writer was first.

    Raises:
        ConfigurationError: It is a DuckDB file.
        DatabaseError: It can't be reached.
    """
    database.require_lake("Maintenance")
    database.write(_remove_old_parents, warn)
    # Each in a transaction of its own: whoever writes another table meanwhile is not disturbed.
    while database.write(_rewrite_some, warn):
        pass
    database.write(lambda connection: _call(connection, "merge_adjacent_files"), warn)
    done = database.write(lambda connection: _clean(connection, keep), warn)
    # Whoever wrote while somebody was forgotten may have noted them again.
    database.write(_remove_old_bounds, warn)
    return done


def leave_nothing(database: Database, warn: Callable[[str], None] = lambda _: None) -> None:
    """Makes what was removed unreadable: the file is written anew, or the lake purged.

    Args:
        database: The file or the lake.
        warn: Told of waiting, and where another writer was first.

    Raises:
        DatabaseError: It can't be reached or written.
    """
    (rewrite if database.is_file else purge)(database, warn)


def purge(database: Database, warn: Callable[[str], None] = lambda _: None) -> None:
    """Makes what was removed unreadable: no file and no snapshot of the lake holds it any more.

    The files that did are deleted by the maintenance that comes a day later.

    Args:
        database: The lake.
        warn: Told of waiting, and where another writer was first.

    Raises:
        ConfigurationError: It is a DuckDB file.
        DatabaseError: It can't be reached.
    """
    database.require_lake("Purging")

    # A transaction of DuckLake's either changes rows or puts files together.
    database.write(
        lambda connection: _call(connection, "rewrite_data_files", "delete_threshold => 0"), warn
    )
    database.write(lambda connection: _clean(connection, timedelta()), warn)
    database.write(_remove_old_bounds, warn)
    # By a snapshot after that, other processes notice that what they know of bounds is old.
    database.write(_note_purged, warn)


def _rewrite_some(connection: duckdb.DuckDBPyConnection) -> bool:
    """Writes files of a table anew that have lost many rows, those that lost most at first.

    Returns:
        Whether there were any, so that there may be more.
    """
    tables, schemas, files, deletes = (
        identifier(f"__ducklake_metadata_{CATALOG}", f"ducklake_{name}")
        for name in ("table", "schema", "data_file", "delete_file")
    )
    found = connection.execute(
        "select schema_name, table_name, record_count - delete_count as rows,"
        " delete_count::double / record_count as gone"
        f" from {files} file join {deletes} lost using (data_file_id)"
        f" join {tables} held on held.table_id = file.table_id join {schemas} using (schema_id)"
        " where file.end_snapshot is null and lost.end_snapshot is null"
        f" and held.end_snapshot is null and gone >= {_GONE} order by 1, 2, gone desc"
    ).fetchall()
    if not found:
        return False
    schema, table, total, least = found[0]
    for other_schema, other, rows, gone in found[1:]:
        total += rows
        if (other_schema, other) != (schema, table) or total > _MOST_ROWS:
            break
        least = gone
    threshold = f"{literal(str(least))}::double"
    given = f"{literal(table)}, schema => {literal(schema)}, delete_threshold => {threshold}"
    return _call(connection, "rewrite_data_files", given) > 0


def _remove_old_bounds(connection: duckdb.DuckDBPyConnection) -> None:
    """Removes the least and the greatest value of columns that no file has any more.

    DuckLake keeps those of each file, and of each table those of all rows that it ever had: an
    address, for instance. Without them it looks at the files'.
    """
    of_tables, of_files, files = (
        identifier(f"__ducklake_metadata_{CATALOG}", f"ducklake_{name}")
        for name in ("table_column_stats", "file_column_stats", "data_file")
    )
    bounds = (
        f"(select bound from (from {of_files} unpivot (bound for which in (min_value, max_value)))"
        f" of_file join {files} using (data_file_id) where end_snapshot is null"
        " and of_file.table_id = known.table_id and of_file.column_id = known.column_id)"
    )
    old = connection.execute(
        f"select table_id, column_id from {of_tables} known"
        " where coalesce(min_value, max_value) is not null"
        f" and (min_value not in {bounds} or max_value not in {bounds})"
    ).fetchall()
    if old:
        chosen = ", ".join(f"({table}, {column})" for table, column in old)
        connection.execute(
            f"update {of_tables} set min_value = null, max_value = null"
            f" where (table_id, column_id) in ({chosen})"
        )


def _note_purged(connection: duckdb.DuckDBPyConnection) -> None:
    for schema in schemas_with(connection, SYNC_STATE):
        state = TableName(schema, SYNC_STATE).quoted
        connection.execute(f"update {state} set bytes_left = false where bytes_left")


def _remove_old_parents(connection: duckdb.DuckDBPyConnection) -> None:
    for schema in schemas_with(connection, SYNC_PARENTS):
        remove_old_parents(connection, schema)


def _clean(connection: duckdb.DuckDBPyConnection, keep: timedelta) -> Maintained:
    expired = _call(connection, "expire_snapshots", f"older_than => {_ago(keep)}")
    old = f"older_than => {_ago(_LEAST_AGE)}"
    deleted = _call(connection, "cleanup_old_files", old)
    # Those of writers that were killed.
    deleted += _call(connection, "delete_orphaned_files", old)
    size, files = connection.execute(
        "select coalesce(sum(file_size_bytes + delete_file_size_bytes), 0)::bigint,"
        " coalesce(sum(file_count + delete_file_count), 0)::bigint"
        f" from ducklake_table_info({literal(CATALOG)})"
    ).fetchall()[0]
    return Maintained(expired, deleted, size, files)


def _call(connection: duckdb.DuckDBPyConnection, function: str, arguments: str = "") -> int:
    """Calls one of DuckLake's functions, and says how many rows it answers."""
    given = ", ".join([literal(CATALOG), *filter(None, [arguments])])
    return number_of(connection, f"select count(*) from ducklake_{function}({given})")


def _ago(age: timedelta) -> str:
    return f"now() - to_seconds({age.total_seconds():.0f})"
