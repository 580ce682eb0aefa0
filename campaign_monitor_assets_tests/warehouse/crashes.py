"""Snapshots published in a process of their own that dies, or whose disk fills, at a statement."""

import multiprocessing
import os
import resource
import signal
import unittest.mock
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb

from campaign_monitor_assets.warehouse.settings import PublishSettings, Strategy
from campaign_monitor_assets_tests.warehouse.snapshots import FIRST, Row, Warehouse

COMMITTED = "committed"
"""The moment between the commit and the closing of the file."""

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Moment:
    """A point in a publication: right before a statement.

    Attributes:
        text: What the statement contains.
        number: How many statements with that text come before it.
    """

    text: str = ""
    number: int = 0


@dataclass
class _Struck:
    """A connection to which something happens at a moment."""

    connection: duckdb.DuckDBPyConnection
    moment: Moment
    strike: Callable[[], None]
    seen: int = 0

    def execute(self, sql: str, *parameters: Any) -> duckdb.DuckDBPyConnection:
        found = self.connection
        for statement in self.connection.extract_statements(sql):
            self._reach(statement.query)
            found = self.connection.execute(statement, *parameters)
        return found

    def commit(self) -> None:
        self._reach("commit")
        self.connection.commit()
        self._reach(COMMITTED)

    def _reach(self, text: str) -> None:
        if self.moment.text in text:
            if self.seen == self.moment.number:
                self.strike()
            self.seen += 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


@dataclass(frozen=True)
class Life:
    """The snapshots of a table, by number, and where and how they are published.

    Attributes:
        path: The DuckDB file.
        strategy: How rows get into the table.
        history: Whether the table has a history.
        snapshots: For each snapshot the rows of each parent.
        kept: The parents that a snapshot keeps without reading them.
    """

    path: Path
    strategy: Strategy
    history: bool
    snapshots: Sequence[Mapping[str, Sequence[Row]]]
    kept: Mapping[int, Sequence[str]] = field(default_factory=dict)

    def publish(self, *numbers: int) -> None:
        """Publishes snapshots, each on its own day."""
        settings = PublishSettings(strategy=self.strategy, history=self.history)
        warehouse = Warehouse(self.path, settings=settings)
        for number in numbers:
            warehouse.publish(
                self.snapshots[number],
                reading=number + 1,
                at=FIRST + timedelta(days=number),
                kept=self.kept.get(number, ()),
            )

    def publish_killed(self, number: int, moment: Moment, size: int | None = None) -> bool:
        """Publishes a snapshot in a process that is killed, if it comes to that.

        Args:
            number: Which snapshot.
            moment: When it is killed.
            size: If given, it is killed in the midst of its first write after the moment that
                makes a file longer than so many bytes.
        """
        process, _ = self._begin(number, moment, _Kill(size))
        process.join()
        assert process.exitcode in {0, -signal.SIGKILL, -signal.SIGXFSZ}
        return bool(process.exitcode)

    def publish_on_full_disk(self, number: int, moment: Moment, size: int) -> str:
        """Publishes a snapshot while from a moment on no file can be longer than some bytes.

        Returns:
            The error's type and text; nothing where there was none.
        """
        process, said = self._begin(number, moment, _FillDisk(size))
        process.join()
        assert process.exitcode == 0
        return str(said.recv())

    def _begin(
        self, number: int, moment: Moment, strike: Callable[[], None]
    ) -> tuple[Any, Connection]:
        receiving, sending = _PROCESSES.Pipe(duplex=False)
        process = _PROCESSES.Process(target=_publish, args=(self, number, moment, strike, sending))
        process.start()
        sending.close()
        return process, receiving

    def content(self) -> dict[str, Any]:
        """All rows of all tables, but for the number of readings that were begun."""
        with duckdb.connect(str(self.path)) as connection:
            tables = connection.execute(
                "select concat(schema_name, '.', table_name) from duckdb_tables()"
                " where table_name <> 'sync_state' and not temporary"
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


def _publish(
    life: Life, number: int, moment: Moment, strike: Callable[[], None], said: Connection
) -> None:
    connect = duckdb.connect

    def struck(*given: Any, **named: Any) -> _Struck:
        return _Struck(connect(*given, **named), moment, strike)

    try:
        with unittest.mock.patch.object(duckdb, "connect", struck):
            life.publish(number)
    except Exception as error:  # noqa: BLE001 (whatever it is, the test looks at it)
        said.send(f"{type(error).__name__}: {error}")
    else:
        said.send("")
