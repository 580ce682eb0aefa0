"""Opening the DuckDB file: where it may be, how long it is waited for, and what errors say."""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import tenacity

from campaign_monitor_assets.errors import ConfigurationError, DatabaseError
from campaign_monitor_assets.warehouse.memory import Memory, Rows, apply, row_group_rows
from campaign_monitor_assets.warehouse.private import mention_readable, private_files
from campaign_monitor_assets.warehouse.quoting import identifier, literal

CATALOG: Final = "the file"
"""What the file is attached as. DuckDB would name the catalog after the file, and take a schema of
the same name for ambiguous."""

_SECONDS_BETWEEN_NOTICES: Final = 30.0

_NO_PATH: Final = re.compile(r":|[A-Za-z][A-Za-z0-9+.-]+:")
"""A URL, another database's address, or DuckDB's `:memory:`; a drive (`C:`) has one letter."""


_UNKNOWN_ROWS: Final = Rows()

_ATTACHING: Final = threading.Lock()
_DESCRIPTORS: Final = Path("/dev/fd")


class OpenHereError(Exception):
    """This process has the file open already."""


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

    def open(
        self, warn: Callable[[str], None], *, read_only: bool, rows: Rows = _UNKNOWN_ROWS
    ) -> tuple[duckdb.DuckDBPyConnection, Memory]:
        """Opens the file, and waits for it while it is open elsewhere.

        Args:
            warn: Told what is waited for, and where there is less memory than `memory_limit`.
            read_only: Whether nothing will be written.
            rows: What will be written; where that is not said, no row groups are put together.

        Raises:
            DatabaseError: The file can't be opened, or is open elsewhere for too long.
        """
        mention_readable(self.path, warn)
        waiting = _Waiting(self.path, self.lock_timeout, warn)
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_locked),
            stop=tenacity.stop_after_delay(self.lock_timeout),
            wait=tenacity.wait_random_exponential(multiplier=0.05, max=2),
            before_sleep=waiting.notify,
            reraise=True,
        )
        try:
            connection, memory = retrying(self.open_now, read_only=read_only, rows=rows)
        except (duckdb.Error, OpenHereError) as error:
            if is_locked(error):
                raise DatabaseError(
                    f"The DuckDB file {self.path} was open elsewhere for more than"
                    f" {self.lock_timeout:g} s: {_holder(error)}. Close it there, or raise"
                    " `lock_timeout`."
                ) from None
            raise self.refused(error) from error
        if memory.asked is not None:
            warn(
                f"memory_limit is {self.memory_limit}, but this machine or container has too"
                f" little memory for it: DuckDB gets {memory.limit // 1_000_000} MB."
            )
        return connection, memory

    @private_files()
    def open_now(
        self, *, read_only: bool, rows: Rows = _UNKNOWN_ROWS
    ) -> tuple[duckdb.DuckDBPyConnection, Memory]:
        """Opens the file without waiting.

        Raises:
            duckdb.Error: It can't be opened, or is open elsewhere; see `is_locked`.
            OpenHereError: This process has it open already, or another one replaced it meanwhile.
            DatabaseError: Its folder can't be made.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self.refused(error) from error
        connection = duckdb.connect(
            config={"temp_directory": f"{self.path}.tmp", **dict(self.config)}
        )
        try:
            memory = apply(connection, self.memory_limit, self.threads)
            # In a process that Python's multiprocessing started, DuckDB takes itself for a shell.
            connection.execute("set enable_progress_bar = false")
            if rows == _UNKNOWN_ROWS:
                # DuckDB puts small row groups together at every checkpoint. Those of wide rows are
                # small on purpose, and each opening of the file would write whole tables anew.
                connection.execute("set max_vacuum_tasks = 0")
            with _ATTACHING:
                _require_no_conflict_here(self.path, read_only=read_only)
                self._attach(
                    connection, read_only=read_only, row_group=row_group_rows(memory.limit, rows)
                )
                _require_still_there(self.path)
        except BaseException:
            connection.close()
            raise
        return connection, memory

    def _attach(
        self, connection: duckdb.DuckDBPyConnection, *, read_only: bool, row_group: int
    ) -> None:
        options = ["type duckdb", "read_only" if read_only else "read_write"]
        if not read_only:
            options.append(f"row_group_size {row_group}")
        # An existing file stays in the version that it was made in.
        if not read_only and not self.path.exists():
            options.append(f"storage_version {literal(self.storage_version)}")
        connection.execute(
            f"attach {literal(str(self.path))} as {identifier(CATALOG)} ({', '.join(options)})"
        )
        connection.execute(f"use {identifier(CATALOG)}")
        connection.execute("detach memory")

    def refused(self, error: Exception) -> DatabaseError:
        """What is said of a file that can't be opened."""
        return DatabaseError(
            f"The DuckDB file {self.path} can't be opened: {error}. Set CAMPAIGN_MONITOR_DUCKDB to"
            " a file in a folder that you may write to."
        )


@dataclass
class _Waiting:
    """Tells at once, and then now and again, that the file is waited for."""

    path: Path
    most: float
    warn: Callable[[str], None]
    _notified: float | None = None

    def notify(self, state: tenacity.RetryCallState) -> None:
        now = time.monotonic()
        if self._notified is not None and now - self._notified < _SECONDS_BETWEEN_NOTICES:
            return
        self._notified = now
        error = state.outcome.exception() if state.outcome else None
        left = max(self.most - (now - state.start_time), 0)
        self.warn(
            f"Waiting for the DuckDB file {self.path}: {_holder(error)}. It is waited for up to"
            f" {left:.0f} s more; close it there to go on, or end this with Ctrl-C."
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
    path = Path(database).expanduser().absolute()
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
    # Windows has no such module, and no such descriptors either.
    import fcntl  # noqa: PLC0415

    return fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY


def is_locked(error: BaseException) -> bool:
    """Whether the file is open elsewhere: in another process, or in this one."""
    if isinstance(error, OpenHereError):
        return True
    if not isinstance(error, duckdb.Error):
        return False
    said = str(error)
    return any(
        words in said
        for words in (
            "Could not set lock",
            "already attached by database",
            "different configuration",
            # What Windows says.
            "being used by another process",
        )
    )


def _holder(error: BaseException | None) -> str:
    """Who has the file open."""
    said = str(error)
    if (
        isinstance(error, OpenHereError)
        or "already attached" in said
        or "different configuration" in said
    ):
        return "another connection of this process has it open"
    found = re.search(r"held in (.+?)(?:\. |\.?$)", said.partition("\n")[0])
    return f"it is open in {found[1]}" if found else "another process has it open"


def _without_secrets(database: str) -> str:
    """What may be repeated of an address: no user, no password and no query."""
    return re.sub(r"//[^/@]*@", "//…@", database.partition("?")[0])
