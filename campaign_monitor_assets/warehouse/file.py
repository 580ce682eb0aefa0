"""The DuckDB file: where it may be, how it is attached, and what errors say."""

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import duckdb

from campaign_monitor_assets.errors import ConfigurationError, DatabaseError
from campaign_monitor_assets.paths import absolute
from campaign_monitor_assets.warehouse.instance import Instance, OpenHereError, enter
from campaign_monitor_assets.warehouse.memory import Memory, Rows, apply, row_group_rows
from campaign_monitor_assets.warehouse.opening import UNKNOWN_ROWS, Opening
from campaign_monitor_assets.warehouse.private import mention_readable, private_files
from campaign_monitor_assets.warehouse.quoting import literal
from campaign_monitor_assets.warehouse.waiting import is_locked

T = TypeVar("T")

_NO_PATH: Final = re.compile(r":|[A-Za-z][A-Za-z0-9+.-]+:")
"""A URL, another database's address, or DuckDB's `:memory:`; a drive (`C:`) has one letter."""

_ATTACHING: Final = threading.Lock()
_DESCRIPTORS: Final = Path("/dev/fd")


@dataclass(frozen=True, kw_only=True)
class FileOpening(Opening):
    """How a DuckDB file is opened.

    Attributes:
        path: The file; its folder is made where missing.
        storage_version: The oldest DuckDB version that is to read a file that is made anew.
    """

    path: Path
    storage_version: str

    @property
    def label(self) -> str:
        """What people call it."""
        return f"DuckDB file {self.path}"

    @property
    def file(self) -> Path:
        """The file itself."""
        return self.path

    @property
    def spill(self) -> Path:
        """The folder beside the file, as DuckDB calls it by itself."""
        return Path(f"{self.path}.tmp")

    def exists(self) -> bool:
        """Whether the file is there."""
        return self.path.exists()

    def open(
        self, warn: Callable[[str], None], *, read_only: bool, rows: Rows = UNKNOWN_ROWS
    ) -> tuple[duckdb.DuckDBPyConnection, Memory]:
        """Opens the file for its caller alone, who closes it; otherwise as `use`."""
        connection, memory = self.waited_for(
            lambda: self._open_now(read_only=read_only, rows=rows), warn
        )
        self.warn_of_little_memory(memory, warn)
        return connection, memory

    def waited_for(self, begin: Callable[[], T], warn: Callable[[str], None]) -> T:
        """Begins to use the file, as soon as nobody else has it open."""
        mention_readable(self.path, warn)
        return super().waited_for(begin, warn)

    @private_files()
    def require_writable(self) -> None:
        """Tries the file before anything is fetched for it.

        Raises:
            DatabaseError: It can't be written.
        """
        try:
            connection, _ = self._open_now(read_only=False)
        except (duckdb.Error, OpenHereError) as error:
            if not is_locked(error):
                raise self.refused(error) from error
            # It is open elsewhere, so it can be written once that is over.
            return
        connection.close()

    def _open_now(
        self, *, read_only: bool, rows: Rows = UNKNOWN_ROWS
    ) -> tuple[duckdb.DuckDBPyConnection, Memory]:
        """Opens the file without waiting."""
        instance = Instance.make(self.settings)
        try:
            memory = self.attach(instance, read_only=read_only, rows=rows)
            enter(instance.connection)
        except BaseException:
            instance.close()
            raise
        return instance.connection, memory

    @private_files()
    def attach(self, instance: Instance, *, read_only: bool, rows: Rows) -> Memory:
        """Attaches the file to an instance that has none."""
        make_folder(self.path, self)
        connection = instance.connection
        memory = apply(connection, instance.defaults, self.memory_limit, self.threads)
        # DuckDB puts small row groups together at every checkpoint. Those of wide rows are small on
        # purpose, and each opening of the file would write whole tables anew.
        vacuum = "set max_vacuum_tasks = 0" if rows == UNKNOWN_ROWS else "reset max_vacuum_tasks"
        connection.execute(vacuum)
        options = ["type duckdb", "read_only" if read_only else "read_write"]
        if not read_only:
            options.append(f"row_group_size {row_group_rows(memory.limit, rows)}")
        # An existing file stays in the version that it was made in.
        if not read_only and not self.path.exists():
            options.append(f"storage_version {literal(self.storage_version)}")
        with only_here(self.path, read_only=read_only):
            instance.attach(str(self.path), options)
        return memory

    def refused(self, error: Exception) -> DatabaseError:
        """What is said of a file that can't be opened."""
        said = str(error).rstrip(".!")
        return DatabaseError(
            f"The {self.label} can't be opened: {said}.",
            "let `database` (in the built-in configuration CAMPAIGN_MONITOR_DUCKDB) name a DuckDB"
            " file, or a new one, in a folder that you may write to.",
        )

    def not_written(self, error: Exception) -> DatabaseError:
        """What is said of a file that can't be written."""
        return DatabaseError(
            f"The {self.label} could not be written: {error}. What it held before is unchanged.",
            "if its disk is full, make room there, then run it again.",
        )


def make_folder(path: Path, opening: Opening) -> None:
    """Makes the folder of a file.

    Raises:
        DatabaseError: It can't be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise opening.refused(error) from error


@contextmanager
def only_here(path: Path, *, read_only: bool) -> Iterator[None]:
    """A file is attached meanwhile.

    Raises:
        OpenHereError: This process has it open already, or another one replaced it meanwhile.
    """
    with _ATTACHING:
        _require_no_conflict_here(path, read_only=read_only)
        yield
        _require_still_there(path)


def checked_path(database: str) -> Path:
    """The path of a DuckDB file.

    Raises:
        ConfigurationError: It is empty, or something else than a path.
    """
    if not database.strip() or _NO_PATH.match(database):
        raise ConfigurationError(
            f"database: {_without_secrets(database)!r} is not accepted. Allowed: the path of a"
            " DuckDB file, such as data/account.duckdb, or a DuckLake (ducklake:postgres:dbname=…,"
            " with `data_path`); databases in memory, MotherDuck (md:) and other addresses are not"
            " supported."
        )
    path = absolute(database, "database")
    if "?" in str(path):
        raise ConfigurationError(
            f"database: {str(path)!r} is not accepted: DuckDB takes the ? for a URL's query and"
            " puts its log elsewhere. Choose a file and a folder whose names have none."
        )
    return path


def _require_no_conflict_here(path: Path, *, read_only: bool) -> None:
    """Raises OpenHereError where this process has the file open; many may read it.

    POSIX drops all of a process's locks on a file as soon as it closes one of its handles: where
    DuckDB opens the file a second time and refuses it, the lock of the first one is lost, and
    another process may write.
    """
    if any(not (read_only and _reads(number)) for number in _descriptors_of(path)):
        raise OpenHereError("another connection of this process has it open")


def _require_still_there(path: Path) -> None:
    """Raises OpenHereError where another process wrote the file anew just as it was opened.

    What has been opened then is the old file, which has no name any more.
    """
    if _DESCRIPTORS.is_dir() and not any(True for _ in _descriptors_of(path)):
        raise OpenHereError("another process has just written it anew")


def _descriptors_of(path: Path) -> Iterator[int]:
    """The descriptors under which this process has the file open, where the system tells them."""
    if not _DESCRIPTORS.is_dir() or not path.exists():
        return
    file = path.stat()
    for descriptor in _DESCRIPTORS.iterdir():
        with suppress(OSError, ValueError):
            number = int(descriptor.name)
            if os.path.samestat(os.fstat(number), file):
                yield number


def _reads(descriptor: int) -> bool:
    """Whether a file was opened to be read only."""
    if sys.platform == "win32":
        # It has no such module, and no folder of descriptors either.
        return False
    import fcntl  # noqa: PLC0415

    return fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY


def _without_secrets(database: str) -> str:
    """What may be repeated of an address: no user, no password and no query."""
    return re.sub(r"//[^/@]*@", "//…@", database.partition("?")[0])
