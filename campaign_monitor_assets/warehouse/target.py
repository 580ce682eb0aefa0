"""The DuckDB file: opened for as short as possible, in one transaction at a time."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, TypeVar

import duckdb

from campaign_monitor_assets.errors import DatabaseError, MemoryLimitError
from campaign_monitor_assets.paths import absolute
from campaign_monitor_assets.warehouse.instance import OpenHereError
from campaign_monitor_assets.warehouse.memory import (
    Memory,
    Rows,
    is_out_of_memory,
    limit_that_would_do,
)
from campaign_monitor_assets.warehouse.opening import Opening, checked_path
from campaign_monitor_assets.warehouse.private import private_files
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.waiting import is_locked

T = TypeVar("T")

_UNKNOWN_ROWS = Rows()
_COPY_BYTES = 1 << 22


def _silent(_: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class Database:
    """Where the snapshots are.

    Attributes:
        opening: How the file is opened.
        staging_root: Where tables are staged.
    """

    opening: Opening
    staging_root: Path

    @classmethod
    def of(cls, settings: WarehouseSettings) -> Self:
        """The file with its settings.

        Raises:
            ConfigurationError: The database is not a path.
        """
        path = checked_path(settings.database)
        staging = settings.staging_directory
        return cls(
            Opening(
                path=path,
                # Order within a table means nothing, and keeping it costs memory.
                config={"preserve_insertion_order": False, **settings.connection_config},
                memory_limit=settings.memory_limit,
                threads=settings.threads,
                storage_version=settings.storage_version,
                lock_timeout=settings.lock_timeout,
            ),
            absolute(staging, "staging_directory")
            if staging
            else path.with_name(f"{path.name}.staging"),
        )

    @property
    def path(self) -> Path:
        """The DuckDB file."""
        return self.opening.path

    @contextmanager
    def connect(
        self,
        *,
        read_only: bool = False,
        warn: Callable[[str], None] = _silent,
        alone: bool = False,
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """Opens the file in one transaction: committed at the end, undone at an exception.

        Args:
            read_only: Whether nothing is written.
            warn: Told of waiting.
            alone: Whether all of `memory_limit` may be needed.

        Raises:
            DatabaseError: The file can't be opened, or is open elsewhere for too long.
            MemoryLimitError: DuckDB needs more memory than `memory_limit`.
        """
        with self._transaction(warn, read_only=read_only, alone=alone) as (connection, _):
            yield connection

    def write(
        self,
        work: Callable[[duckdb.DuckDBPyConnection], T],
        warn: Callable[[str], None] = _silent,
        *,
        rows: Rows = _UNKNOWN_ROWS,
    ) -> T:
        """Does work in one transaction; where memory doesn't suffice, again with fewer threads.

        Args:
            work: What to do; it may be done several times, and only the last one stays.
            warn: Told of each further attempt, and of waiting.
            rows: How wide the rows are that it writes.

        Raises:
            DatabaseError: The file can't be opened or written.
            MemoryLimitError: A single thread needs more memory than `memory_limit`.
        """
        database, steps = self, None
        while True:
            try:
                with database._transaction(warn, rows=rows) as (connection, memory):
                    steps = memory.fewer_threads() if steps is None else steps
                    return work(connection)
            except MemoryLimitError:
                threads = next(steps, None) if steps else None
                if threads is None:
                    raise
                warn(f"DuckDB ran out of memory: it is tried again with fewer threads ({threads}).")
                database = replace(self, opening=replace(self.opening, threads=threads))

    @contextmanager
    def _transaction(
        self,
        warn: Callable[[str], None],
        *,
        read_only: bool = False,
        rows: Rows = _UNKNOWN_ROWS,
        alone: bool = False,
    ) -> Iterator[tuple[duckdb.DuckDBPyConnection, Memory]]:
        if read_only and not self.path.exists():
            raise DatabaseError(
                f"The DuckDB file {self.path} does not exist yet. Materialize the tables first."
            )
        used = self.opening.use(warn, read_only=read_only, rows=rows, alone=alone)
        with private_files(), used as (connection, memory):
            try:
                connection.begin()
                yield connection, memory
                self._commit(connection)
            except BaseException as error:
                _undo(connection)
                if is_out_of_memory(error):
                    raise self._out_of_memory(error, memory, rows.longest) from None
                if isinstance(error, duckdb.IOException) and not read_only:
                    # Large tables are written to the file before the commit.
                    raise self._not_written(error) from error
                raise

    def _commit(self, connection: duckdb.DuckDBPyConnection) -> None:
        try:
            connection.commit()
        except duckdb.Error as error:
            if is_out_of_memory(error):
                raise
            raise self._not_written(error) from error

    def _not_written(self, error: duckdb.Error) -> DatabaseError:
        return DatabaseError(
            f"The DuckDB file {self.path} could not be written: {error}. What it held before is"
            " unchanged.",
            "if its disk is full, make room there, then run it again.",
        )

    def _out_of_memory(
        self, error: BaseException, memory: Memory, longest_row: int
    ) -> DatabaseError:
        said = str(error).partition("\n")[0]
        if "temp" in said and "space" in said:
            # DuckDB works on disk where memory doesn't suffice, and the disk is full.
            return DatabaseError(
                f"DuckDB ran out of disk in {self.path}.tmp: {said}. The snapshots are unchanged.",
                "make room there, or raise `memory_limit`.",
            )
        return MemoryLimitError(
            self.opening.memory_limit, limit_that_would_do(memory.limit, longest_row), said
        )

    @private_files()
    def publish_copy(self, copy: Path, warn: Callable[[str], None] = _silent) -> None:
        """Puts a copy of the whole file in the place of the one before, in one step.

        Whoever has the one before open goes on reading that. Only the user can read it, unless the
        one before is readable for others, too.

        Args:
            copy: Where the copy goes; its folder is made where missing.
            warn: Told of waiting for the file.

        Raises:
            DatabaseError: The file can't be opened, or the copy can't be written.
        """
        connection, _ = self.opening.open(warn, read_only=False)
        try:
            connection.execute("checkpoint")
            copy.parent.mkdir(parents=True, exist_ok=True)
            # Made with mode 0600, and in the same folder, since only there it can be swapped in.
            descriptor, fresh = tempfile.mkstemp(dir=copy.parent, prefix=f".{copy.name}.")
            try:
                with os.fdopen(descriptor, "wb") as target, self.path.open("rb") as source:
                    shutil.copyfileobj(source, target, _COPY_BYTES)
                    # Closing any handle of the file ends DuckDB's lock, so DuckDB goes first.
                    connection.close()
                # Others may be meant to read it: whoever lets them does so once.
                if copy.exists():
                    shutil.copymode(copy, fresh)
                Path(fresh).replace(copy)
            except BaseException:
                Path(fresh).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise DatabaseError(
                f"The copy {copy} (publish_copy) can't be written: {error.strerror}. The DuckDB"
                " file itself is whole, and the copy before stays.",
                "choose another place, or make room there.",
            ) from error
        finally:
            connection.close()

    @private_files()
    def require_writable(self) -> None:
        """Tries the file before anything is fetched for it.

        Raises:
            DatabaseError: It can't be written.
        """
        try:
            connection, _ = self.opening.open_now(read_only=False)
        except (duckdb.Error, OpenHereError) as error:
            if not is_locked(error):
                raise self.opening.refused(error) from error
            # It is open elsewhere, so it can be written once that is over.
            return
        connection.close()


def _undo(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.rollback()
    except duckdb.Error:
        # DuckDB has undone it already; the error that is under way says why.
        return
