"""The warehouse, a DuckDB file or a DuckLake: opened for as short as possible, in transactions."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self, TypeVar

import duckdb
import tenacity

from campaign_monitor_assets.errors import (
    ConfigurationError,
    ConflictError,
    DatabaseError,
    MemoryLimitError,
)
from campaign_monitor_assets.paths import absolute
from campaign_monitor_assets.warehouse.file import FileOpening, checked_path
from campaign_monitor_assets.warehouse.lake import LakeOpening, local_folder
from campaign_monitor_assets.warehouse.lake_settings import is_lake
from campaign_monitor_assets.warehouse.memory import (
    Memory,
    Rows,
    is_out_of_memory,
    limit_that_would_do,
)
from campaign_monitor_assets.warehouse.opening import UNKNOWN_ROWS, NotThereError, Opening
from campaign_monitor_assets.warehouse.private import private_files
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.waiting import is_conflict, is_of_storage

T = TypeVar("T")

_MOST_CONFLICTS: Final = 20
"""How often work is done again because another writer was first."""


def _silent(_: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class Database:
    """Where the snapshots are.

    Attributes:
        opening: How it is opened.
        staging_root: Where tables are staged.
    """

    opening: Opening
    staging_root: Path

    @classmethod
    def of(cls, settings: WarehouseSettings) -> Self:
        """The file or the lake with its settings.

        Raises:
            ConfigurationError: The database is neither a path nor a lake's address, or a secret of
                the lake is not in the environment.
        """
        opening = _opening_of(settings)
        staging, file = settings.staging_directory, opening.file
        if staging:
            root = absolute(staging, "staging_directory")
        elif file:
            root = file.with_name(f"{file.name}.staging")
        else:
            root = local_folder(opening.label) / "staging"
        return cls(opening, root)

    @property
    def label(self) -> str:
        """What people call it."""
        return self.opening.label

    @property
    def path(self) -> Path:
        """The DuckDB file.

        Raises:
            ConfigurationError: It is a DuckLake.
        """
        return self.file_opening("What was asked for").path

    @property
    def is_file(self) -> bool:
        """Whether it is a DuckDB file."""
        return isinstance(self.opening, FileOpening)

    def file_opening(self, what: str) -> FileOpening:
        """How the DuckDB file is opened, for what only a file has.

        Args:
            what: What it is for, as an error says it.

        Raises:
            ConfigurationError: It is a DuckLake.
        """
        if isinstance(self.opening, FileOpening):
            return self.opening
        raise ConfigurationError(f"{what} is for a DuckDB file, and this is the {self.label}.")

    def require_lake(self, what: str) -> None:
        """Raises ConfigurationError where what only a lake has is asked of a DuckDB file."""
        if self.is_file:
            raise ConfigurationError(f"{what} is for a DuckLake, and this is the {self.label}.")

    def exists(self) -> bool:
        """Whether it has been made already.

        Raises:
            DatabaseError: It can't be asked.
        """
        return self.opening.exists()

    def require_writable(self) -> None:
        """Tries it before anything is fetched for it.

        Raises:
            DatabaseError: It can't be written.
        """
        self.opening.require_writable()

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
        rows: Rows = UNKNOWN_ROWS,
    ) -> T:
        """Does work in one transaction, again where another writer was first.

        Args:
            work: What to do; it may be done several times, and only the last one stays.
            warn: Told of each further attempt, and of waiting.
            rows: How wide the rows are that it writes.

        Raises:
            DatabaseError: It can't be opened or written.
            ConflictError: Others were first each time.
            MemoryLimitError: A single thread needs more memory than `memory_limit`.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(ConflictError),
            stop=tenacity.stop_after_attempt(_MOST_CONFLICTS),
            wait=tenacity.wait_random_exponential(multiplier=0.1, max=5),
            before_sleep=lambda _: warn("Another run wrote at the same time: it is done again."),
            reraise=True,
        )
        return retrying(lambda: self._write_once(work, warn, rows))

    def _write_once(
        self,
        work: Callable[[duckdb.DuckDBPyConnection], T],
        warn: Callable[[str], None],
        rows: Rows,
    ) -> T:
        """Does work in one transaction; where memory doesn't suffice, again with fewer threads."""
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
        rows: Rows = UNKNOWN_ROWS,
        alone: bool = False,
    ) -> Iterator[tuple[duckdb.DuckDBPyConnection, Memory]]:
        file = self.opening.file
        if read_only and file is not None and not file.exists():
            raise NotThereError(self.label)
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
                if is_conflict(error):
                    raise ConflictError(self.label) from None
                if is_of_storage(error):
                    if not read_only:
                        # Large tables are written before the commit.
                        raise self.opening.not_written(error) from None
                    raise self.opening.refused(error) from None
                raise

    def _commit(self, connection: duckdb.DuckDBPyConnection) -> None:
        try:
            connection.commit()
        except duckdb.Error as error:
            if is_out_of_memory(error) or is_conflict(error):
                raise
            raise self.opening.not_written(error) from None

    def _out_of_memory(
        self, error: BaseException, memory: Memory, longest_row: int
    ) -> DatabaseError:
        said = str(error).partition("\n")[0]
        if "temp" in said and "space" in said:
            # DuckDB works on disk where memory doesn't suffice, and the disk is full.
            return DatabaseError(
                f"DuckDB ran out of disk in {self.opening.spill}: {said}. The snapshots are"
                " unchanged.",
                "make room there, or raise `memory_limit`.",
            )
        return MemoryLimitError(
            self.opening.memory_limit, limit_that_would_do(memory.limit, longest_row), said
        )


def _opening_of(settings: WarehouseSettings) -> Opening:
    # Order within a table means nothing, and keeping it costs memory.
    config = {"preserve_insertion_order": False, **settings.connection_config}
    if is_lake(settings.database):
        return LakeOpening(
            lake=settings.lake(os.environ),
            config=config,
            memory_limit=settings.memory_limit,
            threads=settings.threads,
            lock_timeout=settings.lock_timeout,
        )
    return FileOpening(
        path=checked_path(settings.database),
        config=config,
        memory_limit=settings.memory_limit,
        threads=settings.threads,
        lock_timeout=settings.lock_timeout,
        storage_version=settings.storage_version,
    )


def _undo(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.rollback()
    except duckdb.Error:
        # DuckDB has undone it already; the error that is under way says why.
        return
