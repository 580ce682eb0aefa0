"""Opening the DuckDB file: where it may be, and what errors say."""

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb
import tenacity

from campaign_monitor_assets.errors import ConfigurationError, DatabaseError
from campaign_monitor_assets.paths import absolute
from campaign_monitor_assets.warehouse.instance import (
    CATALOG,
    Instance,
    OpenHereError,
    enter,
    use,
    wait_for_change,
)
from campaign_monitor_assets.warehouse.memory import Memory, Rows, apply, row_group_rows
from campaign_monitor_assets.warehouse.private import mention_readable, private_files
from campaign_monitor_assets.warehouse.quoting import identifier, literal
from campaign_monitor_assets.warehouse.waiting import Waiting, holder, is_locked

T = TypeVar("T")

_NO_PATH: Final = re.compile(r":|[A-Za-z][A-Za-z0-9+.-]+:")
"""A URL, another database's address, or DuckDB's `:memory:`; a drive (`C:`) has one letter."""


_UNKNOWN_ROWS: Final = Rows()

_ATTACHING: Final = threading.Lock()
_DESCRIPTORS: Final = Path("/dev/fd")


@dataclass(frozen=True, kw_only=True)
class Opening:
    """How the file is opened.

    Attributes:
        path: The DuckDB file; its folder is made where missing.
        config: Further DuckDB configuration options.
        memory_limit: How much memory DuckDB may use, as the user wrote it.
        threads: How many threads DuckDB uses; None: as many as memory and cores suffice for.
        storage_version: The oldest DuckDB version that is to read a file that is made anew.
        lock_timeout: Seconds to wait for the file while it is open elsewhere.
    """

    path: Path
    config: Mapping[str, Any]
    memory_limit: str
    threads: int | None
    storage_version: str
    lock_timeout: float

    @contextmanager
    def use(
        self,
        warn: Callable[[str], None],
        *,
        read_only: bool,
        rows: Rows = _UNKNOWN_ROWS,
        alone: bool = False,
    ) -> Iterator[tuple[duckdb.DuckDBPyConnection, Memory]]:
        """A connection to the file, which other threads of the process may use at the same time.

        Args:
            warn: Told what is waited for, and where there is less memory than `memory_limit`.
            read_only: Whether nothing will be written.
            rows: What will be written; where that is not said, no row groups are put together.
            alone: Whether the memory is needed: it is waited until nobody else uses the file, and
                who comes later shares what is left.

        Raises:
            DatabaseError: The file can't be opened, or is in use elsewhere for too long.
        """

        def begin() -> tuple[duckdb.DuckDBPyConnection, Memory]:
            used = use(
                self.path,
                self._config,
                lambda instance: self._attach(instance, read_only=read_only, rows=rows),
                read_only=read_only,
                # The size of row groups is said as the file is attached.
                alone=alone or rows != _UNKNOWN_ROWS,
            )
            return stack.enter_context(used)

        with ExitStack() as stack:
            connection, memory = self._wait(begin, warn)
            self._warn_of_little_memory(memory, warn)
            yield connection, memory

    def open(
        self, warn: Callable[[str], None], *, read_only: bool, rows: Rows = _UNKNOWN_ROWS
    ) -> tuple[duckdb.DuckDBPyConnection, Memory]:
        """Opens the file for its caller alone, who closes it; otherwise as `use`."""
        connection, memory = self._wait(lambda: self.open_now(read_only=read_only, rows=rows), warn)
        self._warn_of_little_memory(memory, warn)
        return connection, memory

    def open_now(
        self, *, read_only: bool, rows: Rows = _UNKNOWN_ROWS
    ) -> tuple[duckdb.DuckDBPyConnection, Memory]:
        """Opens the file without waiting.

        Raises:
            duckdb.Error: It can't be opened, or is open elsewhere; see `is_locked`.
            OpenHereError: This process has it open already, or another one replaced it meanwhile.
            DatabaseError: Its folder can't be made.
        """
        instance = Instance.make(self._config)
        try:
            memory = self._attach(instance, read_only=read_only, rows=rows)
            enter(instance.connection)
        except BaseException:
            instance.close()
            raise
        return instance.connection, memory

    def _wait(self, begin: Callable[[], T], warn: Callable[[str], None]) -> T:
        """Begins to use the file, as soon as nobody else has it open."""
        mention_readable(self.path, warn)
        waiting = Waiting(self.path, self.lock_timeout, warn)
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_locked),
            stop=tenacity.stop_after_delay(self.lock_timeout),
            wait=tenacity.wait_random_exponential(multiplier=0.05, max=2),
            sleep=wait_for_change,
            before_sleep=waiting.notify,
            reraise=True,
        )
        try:
            return retrying(begin)
        except (duckdb.Error, OpenHereError) as error:
            if is_locked(error):
                raise DatabaseError(
                    f"The DuckDB file {self.path} was open elsewhere for more than"
                    f" {self.lock_timeout:g} s: {holder(error)}.",
                    "close it there, or raise `lock_timeout`.",
                    seconds_waited=self.lock_timeout,
                ) from None
            raise self.refused(error) from error

    def _warn_of_little_memory(self, memory: Memory, warn: Callable[[str], None]) -> None:
        if memory.asked is not None:
            warn(
                f"memory_limit is {self.memory_limit}, but this machine or container has too"
                f" little memory for it: DuckDB gets {memory.limit // 1_000_000} MB."
            )

    @property
    def _config(self) -> dict[str, Any]:
        return {"temp_directory": f"{self.path}.tmp", **self.config}

    @private_files()
    def _attach(self, instance: Instance, *, read_only: bool, rows: Rows) -> Memory:
        """Attaches the file to an instance that has none."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self.refused(error) from error
        connection = instance.connection
        memory = apply(connection, instance.defaults, self.memory_limit, self.threads)
        # DuckDB puts small row groups together at every checkpoint. Those of wide rows are small on
        # purpose, and each opening of the file would write whole tables anew.
        vacuum = "set max_vacuum_tasks = 0" if rows == _UNKNOWN_ROWS else "reset max_vacuum_tasks"
        connection.execute(vacuum)
        options = ["type duckdb", "read_only" if read_only else "read_write"]
        if not read_only:
            options.append(f"row_group_size {row_group_rows(memory.limit, rows)}")
        # An existing file stays in the version that it was made in.
        if not read_only and not self.path.exists():
            options.append(f"storage_version {literal(self.storage_version)}")
        with _ATTACHING:
            _require_no_conflict_here(self.path, read_only=read_only)
            connection.execute(
                f"attach {literal(str(self.path))} as {identifier(CATALOG)} ({', '.join(options)})"
            )
            _require_still_there(self.path)
        return memory

    def refused(self, error: Exception) -> DatabaseError:
        """What is said of a file that can't be opened."""
        return DatabaseError(
            f"The DuckDB file {self.path} can't be opened: {error}.",
            "set CAMPAIGN_MONITOR_DUCKDB to a file in a folder that you may write to.",
        )


def checked_path(database: str) -> Path:
    """The path of a DuckDB file.

    Raises:
        ConfigurationError: It is empty, or something else than a path.
    """
    if not database.strip() or _NO_PATH.match(database):
        raise ConfigurationError(
            f"database: {_without_secrets(database)!r} is not accepted. Allowed: the path of a"
            " DuckDB file, such as data/account.duckdb; databases in memory, MotherDuck (md:) and"
            " other addresses are not supported."
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
