"""The staged files of one table, written from several threads."""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.staging.records import CollectionRead, Missing, Staged

_PRIVATE = 0o600
_BUFFER = 1 << 20


@dataclass
class StagingWriter:
    """Takes the rows of one table from several threads and counts what becomes of them."""

    table: Table
    folder: Path
    synced_at: datetime
    reading: int
    kept: tuple[str, ...] = ()
    limited: bool = False
    _reads: list[CollectionRead] = field(default_factory=list)
    _missing: list[Missing] = field(default_factory=list)
    _extras: set[str] = field(default_factory=set)
    _longest_row: int = 0
    _replaced: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._rows_path = self.folder / f"{self.table.name}.rows.ndjson"
        self._rows = _open_private(self._rows_path)

    def append(self, lines: bytes, extras: Iterable[str] = ()) -> None:
        """Appends whole lines, and notes the fields in them that the catalogue doesn't know."""
        with self._lock, _explained(self._rows_path):
            self._rows.write(lines)
            self._longest_row = max(self._longest_row, *map(len, lines.split(b"\n")))
            self._extras.update(extras)

    def accept(self, read: CollectionRead) -> None:
        """Makes the rows of an attempt part of the table; those of others are ignored."""
        self._reads.append(read)

    def count_replaced(self, characters: int) -> None:
        """Counts characters of a response that are none and became U+FFFD."""
        if characters:
            with self._lock:
                self._replaced += characters

    def leave_out(self, missing: Missing) -> None:
        """Notes a parent that has no rows because it is deleted or forbidden."""
        self._missing.append(missing)

    def finish(self, *, requests: int, size: int, seconds: float) -> Staged:
        """Closes the files and returns what they hold."""
        reads_path = self.folder / f"{self.table.name}.reads.ndjson"
        with _explained(self._rows_path):
            self._rows.close()
        with _explained(reads_path), _open_private(reads_path) as file:
            file.write(msgspec.json.Encoder().encode_lines(self._reads))
        return Staged(
            table=self.table,
            synced_at=self.synced_at,
            reading=self.reading,
            rows_path=self._rows_path,
            reads_path=reads_path,
            reported=sum(read.reported for read in self._reads),
            rows=sum(read.rows for read in self._reads),
            extras=tuple(sorted(self._extras)),
            inconsistent=tuple(read for read in self._reads if not read.consistent),
            missing=tuple(self._missing),
            retries=sum(read.retries for read in self._reads),
            replaced=self._replaced,
            requests=requests,
            size=size,
            seconds=seconds,
            longest_row=self._longest_row,
            kept=self.kept,
            limited=self.limited,
        )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatabaseError(
            f"Rows could not be staged in {path}: {error.strerror}. The snapshots in DuckDB are"
            " unchanged. Make room there, or set `staging_directory` to a larger disk."
        ) from error


def _open_private(path: Path) -> BinaryIO:
    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, _PRIVATE)

    return open(path, "xb", buffering=_BUFFER, opener=opener)
