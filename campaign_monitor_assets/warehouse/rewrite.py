"""Writes the DuckDB file anew, so that what was deleted leaves its bytes and its place too.

DuckDB keeps the blocks of deleted rows until something else is written there. A copy has only what
is there now; it takes the file's place in one step, while the file is locked. A process that is
killed meanwhile leaves the file as it was, and a private folder that the next rewriting removes.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from glob import escape
from pathlib import Path
from typing import Final

import duckdb

from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.warehouse.bookkeeping import SYNC_STATE
from campaign_monitor_assets.warehouse.instance import CATALOG
from campaign_monitor_assets.warehouse.memory import Memory, Rows, row_group_rows
from campaign_monitor_assets.warehouse.names import tables_there
from campaign_monitor_assets.warehouse.opening import NotThereError
from campaign_monitor_assets.warehouse.private import private_files
from campaign_monitor_assets.warehouse.quoting import (
    columns_there,
    identifier,
    literal,
)
from campaign_monitor_assets.warehouse.target import Database

Connection = duckdb.DuckDBPyConnection

_FRESH: Final = "the fresh file"

_OBJECTS: Final = {
    "duckdb_schemas()": "schema_name, comment",
    "duckdb_columns()": "schema_name, table_name, column_name, data_type, comment",
    "duckdb_tables()": "schema_name, table_name, comment",
    "duckdb_views()": "schema_name, view_name, sql, comment",
    "duckdb_constraints()": "schema_name, table_name, constraint_text",
    "duckdb_indexes()": "schema_name, index_name, sql",
    "duckdb_sequences()": "schema_name, sequence_name, last_value",
    "duckdb_functions()": "schema_name, function_name, macro_definition",
    "duckdb_types()": "schema_name, type_name, labels",
}
"""What a file may hold besides rows, and what tells two of a kind apart."""


@private_files()
def rewrite(database: Database, warn: Callable[[str], None] = lambda _: None) -> None:
    """Writes the file anew; readers that have it open wait or are waited for, as ever.

    Args:
        database: The file.
        warn: Told of waiting for the file.

    Raises:
        DatabaseError: There is no file, it can't be opened, or the new one can't be written or
            differs. What the file holds is unchanged, but deleted bytes may still be in it.
    """
    opening = database.file_opening("Writing it anew")
    if not opening.exists():
        raise NotThereError(opening.label)
    connection, memory = opening.open(warn, read_only=False)
    folder: Path | None = None
    try:
        folder = _own_folder(opening.path)
        fresh = folder / opening.path.name
        _copy(connection, fresh, memory)
        _swap(connection, fresh, opening.path)
    except (duckdb.Error, OSError) as error:
        # DuckDB's own text may quote a value.
        why = (error.strerror or "") if isinstance(error, OSError) else type(error).__name__
        raise _not_rewritten(opening.path, why) from None
    finally:
        connection.close()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _own_folder(path: Path) -> Path:
    """A private folder beside the file, without those that killed processes left behind."""
    prefix = f".{path.name}.rewriting-"
    for left in path.parent.glob(f"{escape(prefix)}*"):
        # The file is locked, so nobody else is at work.
        shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=prefix, dir=path.parent))


def _copy(connection: Connection, fresh: Path, memory: Memory) -> None:
    # What is in the write-ahead log would stay there.
    connection.execute("checkpoint")
    options = ["type duckdb", f"row_group_size {row_group_rows(memory.limit, Rows())}"]
    if version := _storage_version(connection):
        options.append(f"storage_version {literal(version)}")
    connection.execute(
        f"attach {literal(str(fresh))} as {identifier(_FRESH)} ({', '.join(options)})"
    )
    connection.execute(f"copy from database {identifier(CATALOG)} to {identifier(_FRESH)}")
    if _content(connection, CATALOG) != _content(connection, _FRESH):
        raise OSError(0, "the copy is not the same")
    _note_rewritten(connection)
    connection.execute(f"checkpoint {identifier(_FRESH)}")
    connection.execute(f"detach {identifier(_FRESH)}")


def _note_rewritten(connection: Connection) -> None:
    """Notes in the fresh file, for each account in it, that no bytes of what was removed are left.

    In one step with the new file itself: a process that is killed before leaves the note that they
    are there, and the next snapshot brings about another rewriting.
    """
    noted = connection.execute(
        f"select schema_name from duckdb_columns() where database_name = {literal(_FRESH)}"
        f" and table_name = {literal(SYNC_STATE)} and column_name = 'bytes_left'"
    ).fetchall()
    for (schema,) in noted:
        name = identifier(_FRESH, schema, SYNC_STATE)
        connection.execute(f"update {name} set bytes_left = false")


def _storage_version(connection: Connection) -> str | None:
    """The version of the file's format, such as `v1.0.0`."""
    row = connection.execute(
        "select tags['storage_version'] from duckdb_databases()"
        f" where database_name = {literal(CATALOG)}"
    ).fetchone()
    found = re.match(r"v\d+\.\d+\.\d+", str(row[0])) if row else None
    return found[0] if found else None


def _content(connection: Connection, catalog: str) -> tuple[object, ...]:
    """All that a file holds, by name, and of each table the rows with the sum of their hashes."""
    found: list[object] = [
        connection.execute(
            f"select {columns} from {source} where database_name = {literal(catalog)}"
            f"{' and not internal' if 'internal' in columns_there(connection, source) else ''}"
            " order by all"
        ).fetchall()
        for source, columns in _OBJECTS.items()
    ]
    for table in tables_there(connection, catalog):
        name = identifier(catalog, table.schema, table.table)
        hashes = f'sum(hash("the row")::hugeint) from {name} as "the row"'
        found.append(connection.execute(f"select count(*), {hashes}").fetchall())
    return tuple(found)


def _swap(connection: Connection, fresh: Path, path: Path) -> None:
    shutil.copymode(path, fresh)
    # Once the new file is there, another process may open it: closing the old one must leave alone
    # what then is its write-ahead log.
    connection.execute("pragma disable_checkpoint_on_shutdown")
    if os.name == "nt":
        connection.close()
    fresh.replace(path)


def _not_rewritten(path: Path, why: str) -> DatabaseError:
    return DatabaseError(
        f"The DuckDB file {path} could not be written anew ({why}). What it holds is unchanged, but"
        " bytes of what was deleted may still be in it. Make room for a second copy beside it, then"
        " run the command again."
    )
