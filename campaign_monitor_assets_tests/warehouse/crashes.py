"""Work done in a process of its own that dies, or whose disk fills, at a statement."""

import multiprocessing
import os
import resource
import signal
import unittest.mock
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb

from campaign_monitor_assets.warehouse.settings import PublishSettings, Strategy
from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.warehouse.snapshots import FIRST, Row, Warehouse

COMMITTED = "committed"
"""The moment between the commit and the closing of the file."""

CLOSING = "the file is closed"
"""The moment before a connection is closed."""

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])


@dataclass
class At:
    """Lets something happen right before the first statement that contains a text."""

    text: str
    strike: Callable[[], None]
    reached: bool = False

    def __call__(self, statement: str) -> None:
        # Before DuckDB 2 a statement that stands for several is told in DuckDB's own capitals.
        if not self.reached and self.text.lower() in statement.lower():
            self.reached = True
            self.strike()


@dataclass(frozen=True)
class _Watched:
    """A connection whose statements are told right before they are executed."""

    connection: duckdb.DuckDBPyConnection
    tell: Callable[[str], None]

    def execute(self, sql: str, *parameters: Any) -> duckdb.DuckDBPyConnection:
        found = self.connection
        for statement in self.connection.extract_statements(sql):
            self.tell(statement.query)
            found = self.connection.execute(statement, *parameters)
        return found

    def cursor(self) -> "_Watched":
        return _Watched(self.connection.cursor(), self.tell)

    def commit(self) -> None:
        self.tell("commit")
        self.connection.commit()
        self.tell(COMMITTED)

    def close(self) -> None:
        self.tell(CLOSING)
        self.connection.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


@contextmanager
def watched(tell: Callable[[str], None]) -> Iterator[None]:
    """Tells every statement right before it is executed."""
    connect, listens = duckdb.connect, True

    def tell_now(statement: str) -> None:
        # The process keeps a connection, which it closes some time later.
        if listens:
            tell(statement)

    def connected(*given: Any, **named: Any) -> _Watched:
        return _Watched(connect(*given, **named), tell_now)

    with unittest.mock.patch.object(duckdb, "connect", connected):
        yield
    listens = False


@dataclass(frozen=True)
class Life:
    """The snapshots of a table, by number, and where and how they are published.

    Attributes:
        path: The warehouse.
        strategy: How rows get into the table.
        history: Whether the table has a history.
        snapshots: For each snapshot the rows of each parent.
        kept: The parents that a snapshot keeps without reading them.
        more: Further settings of the warehouse.
    """

    path: Path
    strategy: Strategy
    history: bool
    snapshots: Sequence[Mapping[str, Sequence[Row]]]
    kept: Mapping[int, Sequence[str]] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def publish(self, *numbers: int) -> None:
        """Publishes snapshots, each on its own day."""
        settings = PublishSettings(strategy=self.strategy, history=self.history)
        warehouse = Warehouse(self.path, settings=settings, more=self.more)
        for number in numbers:
            warehouse.publish(
                self.snapshots[number],
                reading=number + 1,
                at=FIRST + timedelta(days=number),
                kept=self.kept.get(number, ()),
            )

    def publish_killed(self, number: int, moment: str, size: int | None = None) -> None:
        """Publishes a snapshot in a process that is killed.

        Args:
            number: Which snapshot.
            moment: What the statement contains before which it is killed.
            size: If given, it is killed in the midst of its first write after the moment that
                makes a file longer than so many bytes.
        """
        kill(partial(self.publish, number), moment, size)

    def publish_on_full_disk(self, number: int, moment: str, size: int) -> str:
        """Publishes a snapshot while from a moment on no file can be longer than some bytes.

        Returns:
            The error's type and text; nothing where there was none.
        """
        return fill_disk(partial(self.publish, number), moment, size)

    def publish_copied(self, number: int) -> list[Path]:
        """Publishes a snapshot, and copies its file before each statement.

        That is what a process leaves that is killed there: what it has written by then.

        Returns:
            For each statement the copy; where nothing has been written in between, it is the same.
        """
        copies: dict[object, Path] = {}
        found = []

        def copy(_: str) -> None:
            content = warehouses.written(self.path)
            if content not in copies:
                copies[content] = self.path.with_name(f"copy {len(copies)}.duckdb")
                self.copy_to(copies[content])
            found.append(copies[content])

        with watched(copy):
            self.publish(number)
        return found

    def copy_to(self, path: Path) -> "Life":
        """The same life with a copy of its warehouse."""
        warehouses.copy(self.path, path)
        return replace(self, path=path)

    def content(self) -> dict[str, Any]:
        """All rows of all tables, but for the number of readings that were begun."""
        with warehouses.opened(self.path) as connection:
            tables = connection.execute(
                "select concat(schema_name, '.', table_name) from duckdb_tables()"
                " where database_name = current_database()"
                " and table_name <> 'sync_state' and not temporary"
            ).fetchall()
            return {
                table: (
                    connection.execute(f"describe {table}").fetchall(),
                    sorted(connection.execute(f"from {table}").fetchall(), key=repr),
                )
                for (table,) in tables
            }


@dataclass(frozen=True)
class _Kill:
    size: int | None

    def __call__(self) -> None:
        if self.size is None:
            os.kill(os.getpid(), signal.SIGKILL)
            return
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.size, self.size))


@dataclass(frozen=True)
class _FillDisk:
    size: int

    def __call__(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.size, self.size))


def kill(work: Callable[[], object], moment: str, size: int | None = None) -> None:
    """Does work in a process that is killed; see `Life.publish_killed`."""
    code, said = _struck(work, moment, _Kill(size))
    assert said is None, said or "it was not killed"
    assert code in {-signal.SIGKILL, -signal.SIGXFSZ}


def fill_disk(work: Callable[[], object], moment: str, size: int) -> str:
    """Does work while the disk is full; see `Life.publish_on_full_disk`."""
    code, said = _struck(work, moment, _FillDisk(size))
    assert said is not None, code
    return said


def _struck(
    work: Callable[[], object], moment: str, strike: Callable[[], None]
) -> tuple[int | None, str | None]:
    """Does work in a process of its own.

    Returns:
        Its exit code, and its error's type and text: empty if there was none, None if it died.
    """
    receiving, sending = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=_work, args=(work, At(moment, strike), sending))
    process.start()
    sending.close()
    try:
        said = str(receiving.recv())
    except EOFError:
        said = None
    process.join()
    return process.exitcode, said


def _work(work: Callable[[], object], at: At, said: Connection) -> None:
    try:
        with watched(at):
            work()
        # A process that was to be struck at a moment that never comes proves nothing.
        assert at.reached, f"no statement contains {at.text!r}"
    except BaseException as error:  # noqa: BLE001 (whatever it is, the test looks at it)
        said.send(f"{type(error).__name__}: {error}")
    else:
        said.send("")
