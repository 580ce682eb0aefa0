"""The DuckDB file: opened for as short as possible, waited for while another process has it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import duckdb
import tenacity

from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.warehouse.settings import WarehouseSettings

_LEAST_OBJECT_SIZE = 1 << 20
"""Bytes. DuckDB's buffers are sized by the longest line that they have to hold."""

_CATALOG = "the file"
"""What the file is attached as. DuckDB would name the catalog after the file, and take a schema of
the same name for ambiguous."""


@dataclass(frozen=True)
class Database:
    """Where the snapshots are, and how much DuckDB may use.

    Attributes:
        path: The DuckDB file; its folder is made where missing.
        config: DuckDB's settings, such as `memory_limit` and `threads`.
        lock_timeout: Seconds to wait for the file while another process has it open.
        staging_root: Where tables are staged; beside the file where not set.
    """

    path: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    lock_timeout: float = 600
    staging: Path | None = None

    @classmethod
    def of(cls, settings: WarehouseSettings) -> Self:
        """The file with its settings."""
        staging = settings.staging_directory
        return cls(
            path=Path(settings.database).expanduser().absolute(),
            config={
                "memory_limit": settings.memory_limit,
                # Order within a table means nothing, and keeping it costs memory.
                "preserve_insertion_order": False,
                **({} if settings.threads is None else {"threads": settings.threads}),
                **settings.connection_config,
            },
            lock_timeout=settings.lock_timeout,
            staging=Path(staging).expanduser().absolute() if staging else None,
        )

    @property
    def staging_root(self) -> Path:
        """The folder in which runs stage their tables."""
        return self.staging or self.path.with_name(f"{self.path.name}.staging")

    @contextmanager
    def connect(
        self, *, read_only: bool = False, warn: Callable[[str], None] = lambda _: None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """Opens the file in one transaction: committed at the end, undone at an exception.

        Raises:
            DatabaseError: The file can't be opened, or another process has it for too long.
        """
        if read_only and not self.path.exists():
            raise DatabaseError(
                f"The DuckDB file {self.path} does not exist yet. Materialize the tables first."
            )
        connection = self._open(warn, read_only=read_only)
        try:
            connection.begin()
            yield connection
            self._commit(connection)
        except BaseException:
            _undo(connection)
            raise
        finally:
            connection.close()

    def _commit(self, connection: duckdb.DuckDBPyConnection) -> None:
        try:
            connection.commit()
        except duckdb.Error as error:
            raise DatabaseError(
                f"The DuckDB file {self.path} could not be written: {error}. What it held before is"
                " unchanged. Look whether the disk is full."
            ) from error

    def require_writable(self) -> None:
        """Tries the file before anything is fetched for it.

        Raises:
            DatabaseError: It can't be written.
        """
        try:
            connection = self._connect(read_only=False)
        except duckdb.IOException as error:
            if not _is_locked(error):
                raise self._refused(error) from error
            # Another process has it, so it can be written once that one is done.
            return
        connection.close()

    def _open(self, warn: Callable[[str], None], *, read_only: bool) -> duckdb.DuckDBPyConnection:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_locked),
            stop=tenacity.stop_after_delay(self.lock_timeout),
            wait=tenacity.wait_random_exponential(multiplier=0.05, max=2),
            before_sleep=lambda state: self._warn_once(state, warn),
            reraise=True,
        )
        try:
            return retrying(self._connect, read_only=read_only)
        except duckdb.IOException as error:
            if _is_locked(error):
                raise DatabaseError(
                    f"Another process kept the DuckDB file {self.path} open for more than"
                    f" {self.lock_timeout:g} s: {error}. Close it there, or raise `lock_timeout`."
                ) from error
            raise self._refused(error) from error

    def _warn_once(self, state: tenacity.RetryCallState, warn: Callable[[str], None]) -> None:
        if state.attempt_number == 1:
            warn(f"Waiting for the DuckDB file {self.path}, which another process has open.")

    def _connect(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            spill = f"{self.path}.tmp"
            connection = duckdb.connect(config={"temp_directory": spill, **self.config})
            try:
                self._attach(connection, read_only=read_only)
            except BaseException:
                connection.close()
                raise
        except (OSError, duckdb.Error) as error:
            if isinstance(error, duckdb.IOException):
                raise
            raise self._refused(error) from error
        return connection

    def _attach(self, connection: duckdb.DuckDBPyConnection, *, read_only: bool) -> None:
        access = "read_only" if read_only else "read_write"
        connection.execute(
            f"attach {literal(str(self.path))} as {identifier(_CATALOG)} (type duckdb, {access})"
        )
        connection.execute(f"use {identifier(_CATALOG)}")
        connection.execute("detach memory")

    def _refused(self, error: Exception) -> DatabaseError:
        return DatabaseError(
            f"The DuckDB file {self.path} can't be opened for writing: {error}. Set"
            " CAMPAIGN_MONITOR_DUCKDB to a file in a folder that you may write to."
        )


def _is_locked(error: BaseException) -> bool:
    return isinstance(error, duckdb.IOException) and "Could not set lock" in str(error)


def _undo(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.rollback()
    except duckdb.Error:
        # DuckDB has undone it already; the error that is under way says why.
        return


def identifier(*names: str) -> str:
    """A quoted SQL name, such as `"schema"."table"`."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def relation_of_view(schema: str, name: str) -> str:
    """A table or view as the SQL of another view names it, so that the file may bear any name.

    A view can't name the catalog it is in, and without the catalog's name DuckDB takes the schema
    for ambiguous in a file that is called like the schema.
    """
    relative = identifier(schema, name)
    absolute = f"{identifier(schema)}.{relative}"
    return (
        f"query(if(lower(current_database()) = {literal(schema.lower())},"
        f" {literal(f'from {absolute}')}, {literal(f'from {relative}')}))"
    )


def literal(value: str) -> str:
    """A quoted SQL string, for statements that take no parameters."""
    return "'" + value.replace("'", "''") + "'"


def table_exists(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether there is such a table or view."""
    found = connection.execute(
        "select count(*) from information_schema.tables"
        " where table_catalog = current_database() and table_schema = ? and table_name = ?",
        [schema, table],
    ).fetchone()
    return bool(found and found[0])


def read_json(path: Path, columns: Mapping[str, str], longest: int = 0) -> str:
    """The table function that reads newline-delimited JSON.

    Args:
        path: The file.
        columns: The declared type of each field.
        longest: Bytes of the longest line, if it may be longer than a megabyte.
    """
    declared = ", ".join(f"{name}: {literal(type_)}" for name, type_ in columns.items())
    return (
        f"read_json({literal(str(path))}, format = 'newline_delimited',"
        f" maximum_object_size = {max(longest, _LEAST_OBJECT_SIZE)}, columns = {{{declared}}})"
    )
