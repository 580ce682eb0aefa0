"""The instance of DuckDB that a process keeps, with a file attached only while it is used.

To make an instance, and to end it, takes ten times as long as to attach a file to it. Threads that
use the file at the same time have connections of their own to one instance, as DuckDB wants it. A
lake that shuts nobody out stays attached, since that takes half a second.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb

from campaign_monitor_assets.warehouse.memory import (
    ROW_GROUP_ROWS,
    Defaults,
    Memory,
    give_back_blocks,
)
from campaign_monitor_assets.warehouse.quoting import identifier, literal

CATALOG: Final = "the warehouse"
"""What a file or a lake is attached as. DuckDB would name the catalog after the file, and take a
schema of the same name for ambiguous."""

_NOTHING: Final = "no warehouse"
"""What stands in its place while none is attached."""

_TURN: Final = threading.Condition()


class OpenHereError(Exception):
    """This process has the file open already."""


class InUseHereError(OpenHereError):
    """Another thread of this process uses the file otherwise, and will soon have done."""


@dataclass
class Instance:
    """DuckDB without a file, or with the one that is attached.

    Attributes:
        connection: A connection to it, in which nothing is done but to attach and to detach.
        config: What it was made with.
        defaults: What DuckDB would use by itself.
        users: How many use the file.
        read_only: Whether it is attached to be read only.
        memory: What they may use together.
        is_spoilt: Whether an error came up. After some of DuckDB's it refuses everything.
        is_attached: Whether something is attached.
        row_group_rows: Rows of a row group in the files that are written to a lake from here.
    """

    connection: duckdb.DuckDBPyConnection
    config: Mapping[str, Any]
    defaults: Defaults
    users: int = 0
    read_only: bool = False
    memory: Memory | None = None
    is_spoilt: bool = False
    is_attached: bool = False
    row_group_rows: int = ROW_GROUP_ROWS

    @classmethod
    def make(cls, config: Mapping[str, Any]) -> "Instance":
        """A new one, without a file."""
        give_back_blocks()
        connection = duckdb.connect(config=dict(config))
        try:
            made = cls(connection, config, Defaults.of(connection))
            # A user's schema may be called like what DuckDB begins with.
            connection.execute(f"attach ':memory:' as {identifier(_NOTHING)}")
            connection.execute(f"use {identifier(_NOTHING)}")
            connection.execute("detach memory")
        except BaseException:
            connection.close()
            raise
        return made

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection to the file that is attached."""
        connection = self.connection.cursor()
        try:
            enter(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def attach(self, address: str, options: Sequence[str]) -> None:
        """Attaches a file or a lake, as what its users work in.

        Raises:
            duckdb.Error: It can't be attached.
        """
        self.connection.execute(
            f"attach {literal(address)} as {identifier(CATALOG)} ({', '.join(options)})"
        )
        self.is_attached = True

    def detach(self) -> None:
        """Lets go of the file; what can't be put into it from its log now stays in the log."""
        try:
            self.connection.execute(f"detach {identifier(CATALOG)}")
            self.is_attached = False
        except duckdb.Error:
            self.is_spoilt = True

    def close(self) -> None:
        """Ends it."""
        self.connection.close()


def enter(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the file that is attached the one that a connection means."""
    # In a process that Python's multiprocessing started, DuckDB takes itself for a shell.
    connection.execute("set enable_progress_bar = false")
    connection.execute(f"use {identifier(CATALOG)}")


@dataclass
class _Kept:
    """The instances of this process by their files: that of the last one, and those in use."""

    instances: dict[str, Instance] = field(default_factory=dict)

    def attached(
        self, key: str, config: Mapping[str, Any], attach: Callable[[Instance], Memory]
    ) -> Instance:
        """The instance for a file that nobody uses, with the file attached."""
        for other, idle in list(self.instances.items()):
            if not idle.users and (other, idle.config) != (key, config):
                self.remove(other)
        if key not in self.instances:
            self.instances[key] = Instance.make(config)
        try:
            self.instances[key].memory = attach(self.instances[key])
        except BaseException:
            self.remove(key)
            raise
        return self.instances[key]

    def remove(self, key: str) -> None:
        """Ends the instance for a file."""
        self.instances.pop(key).close()


_kept = _Kept()
_left: list[_Kept] = []
"""Those of a process that was forked: their threads are not here, so they can't even be ended."""


def _leave_to_parent() -> None:
    global _kept  # noqa: PLW0603 (it is the process's, and this is another one)
    _left.append(_kept)
    _kept = _Kept()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


@contextmanager
def use(
    key: str,
    config: Mapping[str, Any],
    attach: Callable[[Instance], Memory],
    *,
    read_only: bool,
    alone: bool,
    stays_attached: bool = False,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Memory]]:
    """A connection to a file, which other threads may use at the same time.

    Args:
        key: What tells the file or the lake from others.
        config: DuckDB's configuration.
        attach: Attaches it to an instance, where nobody uses it.
        read_only: Whether nothing will be written.
        alone: Whether nobody may have begun to use it before.
        stays_attached: Whether it stays attached when nobody uses it any more.

    Raises:
        InUseHereError: Another thread uses it otherwise; see `wait_for_change`.
    """
    with _TURN:
        instance = _kept.instances.get(key)
        if instance is None or not instance.users:
            instance = _kept.attached(key, config, attach)
            instance.read_only = read_only
        elif alone or instance.config != config or (instance.read_only and not read_only):
            raise InUseHereError("another connection of this process has it open")
        instance.users += 1
    try:
        with closing(instance.connect()) as connection:
            assert instance.memory is not None
            yield connection, instance.memory
    except BaseException:
        instance.is_spoilt = True
        raise
    finally:
        _end(key, instance, stays_attached=stays_attached)


def wait_for_change(seconds: float) -> None:
    """Waits until a thread has done with a file, so many seconds at the most."""
    with _TURN:
        _TURN.wait(seconds)


def _end(key: str, instance: Instance, *, stays_attached: bool) -> None:
    with _TURN:
        instance.users -= 1
        if not instance.users:
            if not stays_attached:
                instance.detach()
            # What it wrote beside the file for want of memory goes with it.
            if instance.is_spoilt or Path(str(instance.config["temp_directory"])).exists():
                _kept.remove(key)
        _TURN.notify_all()
