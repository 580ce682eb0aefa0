"""Opening the warehouse: one instance of DuckDB a process, waited for while it is in use."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import tenacity

from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.warehouse.instance import (
    Instance,
    OpenHereError,
    use,
    wait_for_change,
)
from campaign_monitor_assets.warehouse.memory import Memory, Rows
from campaign_monitor_assets.warehouse.waiting import Waiting, holder, is_locked

T = TypeVar("T")

UNKNOWN_ROWS = Rows()


class NotThereError(DatabaseError):
    """The warehouse has not been made yet."""

    def __init__(self, label: str) -> None:
        super().__init__(f"The {label} does not exist yet. Materialize the tables first.")


@dataclass(frozen=True, kw_only=True)
class Opening(ABC):
    """How a warehouse is opened; a kind of warehouse is a class of its own.

    Attributes:
        config: Further DuckDB configuration options.
        memory_limit: How much memory DuckDB may use, as the user wrote it.
        threads: How many threads DuckDB uses; None: as many as memory and cores suffice for.
        lock_timeout: Seconds to wait for the warehouse while it is in use elsewhere.
    """

    config: Mapping[str, Any]
    memory_limit: str
    threads: int | None
    lock_timeout: float

    @property
    def stays_attached(self) -> bool:
        """Whether a process keeps it attached while nobody uses it: that shuts nobody out."""
        return False

    @property
    @abstractmethod
    def label(self) -> str:
        """What people call it, such as `DuckDB file /data/account.duckdb`."""

    @property
    def key(self) -> str:
        """What tells its instance of DuckDB from those of others."""
        return self.label

    @property
    @abstractmethod
    def file(self) -> Path | None:
        """The local file that only one process at a time can write; None: there is none."""

    @property
    @abstractmethod
    def spill(self) -> Path:
        """Where DuckDB works where memory doesn't suffice."""

    @abstractmethod
    def exists(self) -> bool:
        """Whether it has been made already.

        Raises:
            DatabaseError: It can't be asked.
        """

    @abstractmethod
    def attach(self, instance: Instance, *, read_only: bool, rows: Rows) -> Memory:
        """Attaches it to an instance, and sets what that may use.

        Raises:
            duckdb.Error: It can't be attached, or is in use elsewhere; see `is_locked`.
            OpenHereError: This process has it open already, or another one replaced it meanwhile.
            DatabaseError: It can't be reached.
        """

    @abstractmethod
    def refused(self, error: Exception) -> DatabaseError:
        """What is said where it can't be opened."""

    @abstractmethod
    def not_written(self, error: Exception) -> DatabaseError:
        """What is said where it can't be written."""

    @abstractmethod
    def require_writable(self) -> None:
        """Tries it before anything is fetched for it.

        Raises:
            DatabaseError: It can't be written.
        """

    @contextmanager
    def use(
        self,
        warn: Callable[[str], None],
        *,
        read_only: bool,
        rows: Rows = UNKNOWN_ROWS,
        alone: bool = False,
    ) -> Iterator[tuple[duckdb.DuckDBPyConnection, Memory]]:
        """A connection to it, which other threads of the process may use at the same time.

        Args:
            warn: Told what is waited for, and where there is less memory than `memory_limit`.
            read_only: Whether nothing will be written.
            rows: What will be written; where that is not said, no row groups are put together.
            alone: Whether the memory is needed: it is waited until nobody else uses it, and who
                comes later shares what is left.

        Raises:
            DatabaseError: It can't be opened, or is in use elsewhere for too long.
        """

        def begin() -> tuple[duckdb.DuckDBPyConnection, Memory]:
            used = use(
                self.key,
                self.settings,
                lambda instance: self.attach(instance, read_only=read_only, rows=rows),
                # What stays attached is attached to be written.
                read_only=read_only and not self.stays_attached,
                # The size of row groups is said as a file is attached.
                alone=alone or rows != UNKNOWN_ROWS,
                stays_attached=self.stays_attached,
            )
            return stack.enter_context(used)

        with ExitStack() as stack:
            connection, memory = self.waited_for(begin, warn)
            self.warn_of_little_memory(memory, warn)
            yield connection, memory

    def waited_for(self, begin: Callable[[], T], warn: Callable[[str], None]) -> T:
        """Begins to use it, as soon as nobody else has it.

        Raises:
            DatabaseError: It can't be opened, or is in use elsewhere for too long.
        """
        waiting = Waiting(self.label, self.lock_timeout, warn)
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
                    f"The {self.label} was open elsewhere for more than {self.lock_timeout:g} s:"
                    f" {holder(error)}.",
                    "close it there, or raise `lock_timeout`.",
                    seconds_waited=self.lock_timeout,
                ) from None
            raise self.refused(error) from error

    def warn_of_little_memory(self, memory: Memory, warn: Callable[[str], None]) -> None:
        """Tells where DuckDB gets less memory than the user wrote."""
        if memory.asked is not None:
            warn(
                f"memory_limit is {self.memory_limit}, but this machine or container has too"
                f" little memory for it: DuckDB gets {memory.limit // 1_000_000} MB."
            )

    @property
    def settings(self) -> dict[str, Any]:
        """DuckDB's configuration."""
        return {"temp_directory": str(self.spill), **self.config}
