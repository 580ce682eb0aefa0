"""The staged files of one table, written from several threads."""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.staging.records import (
    CollectionRead,
    IncrementalRead,
    Missing,
    ReadInFull,
    Staged,
    StoredTable,
    SyncMethod,
    pages_of,
)

_PRIVATE = 0o600
_BUFFER = 1 << 20
_SHORT_LINE = 4096
"""Bytes. Lines up to here are not measured: to look at each would take longer than to write it."""


@dataclass
class StagingWriter:
    """Takes the rows of one table from several threads and counts what becomes of them.

    Attributes:
        table: The catalogue's entry.
        folder: Where the files go.
        synced_at: The UTC time at which reading began, without a zone.
        reading: The number of the reading.
        kept: The parents' keys that are not read again.
        limited: Whether it is read for a trial.
        form: What the rows depend on besides the account.
        stored: What increments can be added to; None: the table is not read incrementally.
    """

    table: Table
    folder: Path
    synced_at: datetime
    reading: int
    kept: tuple[str, ...] = ()
    limited: bool = False
    form: str = ""
    stored: StoredTable | None = None
    _in_full: list[ReadInFull] = field(default_factory=list)
    _early: set[str] = field(default_factory=set)
    _reads: list[CollectionRead] = field(default_factory=list)
    _missing: list[Missing] = field(default_factory=list)
    _extras: set[str] = field(default_factory=set)
    _longest_row: int = _SHORT_LINE
    _replaced: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._rows_path = self.folder / f"{self.table.name}.rows.ndjson"
        self._rows = _open_private(self._rows_path)
        self._departed_path = self.folder / f"{self.table.name}.departed.ndjson"
        self._departed = None if self.stored is None else _open_private(self._departed_path)

    def append(self, lines: bytes, extras: Iterable[str] = ()) -> None:
        """Appends whole lines, and notes the fields in them that the catalogue doesn't know."""
        with self._lock, _explained(self._rows_path):
            self._write(self._rows, lines)
            self._extras.update(extras)

    def append_departed(self, lines: bytes) -> None:
        """Appends whole lines of records that left a collection."""
        assert self._departed is not None
        with self._lock, _explained(self._departed_path):
            self._write(self._departed, lines)

    def _write(self, file: BinaryIO, lines: bytes) -> None:
        file.write(lines)
        self._longest_row = _longest_line(lines, self._longest_row)

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

    def note_in_full(self, read: ReadInFull) -> None:
        """Notes why a collection of a table that is read incrementally was read in full."""
        self._in_full.append(read)

    def note_early(self, parent: str) -> None:
        """Notes a parent's key for which records came from before the time asked for."""
        self._early.add(parent)

    def candidates(self, reads: Sequence[CollectionRead]) -> Staged:
        """What has been staged of some collections, before it is known whether it is accepted."""
        with self._lock, _explained(self._rows_path):
            self._rows.flush()
            if self._departed is not None:
                self._departed.flush()
        path = self.folder / f"{self.table.name}.candidates.ndjson"
        return self._staged(path, reads, requests=0, size=0, seconds=0, page_size=1)

    def finish(self, *, requests: int, size: int, seconds: float, page_size: int = 1000) -> Staged:
        """Closes the files and returns what they hold.

        Args:
            requests: Requests sent.
            size: Bytes received.
            seconds: How long the fetching took.
            page_size: Rows a page of a full refresh.
        """
        with _explained(self._rows_path):
            self._rows.close()
            if self._departed is not None:
                self._departed.close()
        return self._staged(
            self.folder / f"{self.table.name}.reads.ndjson",
            self._reads,
            requests=requests,
            size=size,
            seconds=seconds,
            page_size=page_size,
        )

    def _staged(
        self,
        reads_path: Path,
        reads: Sequence[CollectionRead],
        *,
        requests: int,
        size: int,
        seconds: float,
        page_size: int,
    ) -> Staged:
        with _explained(reads_path), _open_private(reads_path) as file:
            file.write(msgspec.json.Encoder().encode_lines(reads))
        return Staged(
            table=self.table,
            synced_at=self.synced_at,
            reading=self.reading,
            rows_path=self._rows_path,
            reads_path=reads_path,
            reported=sum(read.reported for read in reads),
            rows=sum(read.rows for read in reads),
            extras=tuple(sorted(self._extras)),
            inconsistent=tuple(read for read in reads if not read.consistent),
            missing=tuple(self._missing),
            retries=sum(read.retries for read in reads),
            replaced=self._replaced,
            requests=requests,
            size=size,
            seconds=seconds,
            longest_row=self._longest_row,
            kept=self.kept,
            limited=self.limited,
            form=self.form,
            incremental=self._incremental(reads, page_size),
        )

    def _incremental(
        self, reads: Sequence[CollectionRead], page_size: int
    ) -> IncrementalRead | None:
        if self.stored is None:
            return None
        return IncrementalRead(
            base=self.stored.snapshot,
            departed_path=self._departed_path,
            increments=sum(read.method is SyncMethod.INCREMENTAL for read in reads),
            in_full=tuple(self._in_full),
            early=tuple(sorted(self._early)),
            oldest_full=min(
                (read.full_at or self.synced_at for read in reads), default=self.synced_at
            ),
            full_requests=sum(pages_of(read.reported, page_size) for read in reads),
        )


def _longest_line(lines: bytes, known: int) -> int:
    """Bytes of the longest line, or `known` where none is longer: it skips as many at a time."""
    begin = 0
    while len(lines) - begin > known:
        end = lines.rfind(b"\n", begin, begin + known + 1)
        if end < 0:
            end = lines.index(b"\n", begin)
            known = end - begin
        begin = end + 1
    return known


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
