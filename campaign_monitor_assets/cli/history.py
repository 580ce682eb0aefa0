"""Dagster's history of runs in SQLite, which a command writes without waiting for the disk."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine


@contextmanager
def quick_history() -> Iterator[None]:
    """Spares the disk as long as the context lasts; a history in another database is left alone.

    Dagster opens and closes a file of its history several times an event, and a run of a few tables
    has hundreds. Whoever closes a file last moves its write-ahead log into it, so each is kept open
    meanwhile. And a commit need not reach the disk at once: the file is whole after a crash, and
    what a loss of power takes is the end of a history that has no end anyway.
    """
    kept: dict[str, sqlite3.Connection] = {}

    def prepare(connection: Any, _: object) -> None:
        if not isinstance(connection, sqlite3.Connection):
            return
        connection.execute("pragma synchronous = normal")
        *_, file = connection.execute("pragma database_list").fetchone()
        if not file:
            return
        # It is busy while it is made; the next connection tries again.
        with suppress(sqlite3.OperationalError):
            if file not in kept:
                opened = sqlite3.connect(file, check_same_thread=False)
                kept[file] = stack.enter_context(closing(opened))
            # Only who has read from the write-ahead log counts as one that has it open.
            kept[file].execute("pragma schema_version").fetchone()

    with ExitStack() as stack:
        event.listen(Engine, "connect", prepare)
        stack.callback(event.remove, Engine, "connect", prepare)
        yield
