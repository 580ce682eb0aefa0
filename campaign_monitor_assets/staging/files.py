"""Raw rows on disk on their way into DuckDB, and what was counted.

A run stages a table into a folder of its own, private to the user and locked as long as its process
lives; the next run clears away what a killed one left behind.
"""

import errno
import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.errors import DatabaseError

_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700
_MOST_ATTEMPTS = 100


@dataclass(frozen=True)
class ReadParent:
    """One parent whose rows were read, with its figures.

    Attributes:
        read: The number that marks its rows in the staged file.
        parent: The parent's columns that its rows carry.
        rows: Rows staged.
        reported: Rows that the API said there are.
        consistent: False where the collection moved each time it was read.
        reread: How often it was read again.
    """

    read: int
    parent: Mapping[str, str]
    rows: int
    reported: int
    consistent: bool = True
    reread: int = 0


@dataclass(frozen=True)
class Staged:
    """A table as it was read: files on disk and the figures on them.

    Attributes:
        table: The catalogue's entry.
        synced_at: The UTC time at which reading began, without a zone.
        rows_path: Newline-delimited `{"read": n, "row": {...}}`, and `"extra": {...}` with the
            fields that the catalogue doesn't know.
        reads_path: Newline-delimited `ReadParent`.
        reported: Rows that the API said there are, over all parents.
        rows: Rows staged, over all parents.
        extras: The names of fields that the catalogue doesn't know.
        inconsistent: The parents whose collection moved each time it was read.
        deleted: The parents that were deleted since they were listed.
        reread: How often a collection was read again.
        requests: Requests sent, with those that were tried again.
        size: Bytes received.
        seconds: How long the fetching took.
        largest_append: Bytes of the longest run of lines that was appended, so no row is longer.
        kept: The parents, by their key, that were not read again: their rows stay as they are.
        limited: Read for a trial, so it must not replace the full snapshot.
    """

    table: Table
    synced_at: datetime
    rows_path: Path
    reads_path: Path
    reported: int = 0
    rows: int = 0
    extras: tuple[str, ...] = ()
    inconsistent: tuple[ReadParent, ...] = ()
    deleted: tuple[Mapping[str, str], ...] = ()
    reread: int = 0
    requests: int = 0
    size: int = 0
    seconds: float = 0
    largest_append: int = 0
    kept: tuple[str, ...] = ()
    limited: bool = False


@dataclass
class StagingWriter:
    """Takes the rows of one table from several threads and counts what becomes of them."""

    table: Table
    folder: Path
    synced_at: datetime
    kept: tuple[str, ...] = ()
    limited: bool = False
    _reads: list[ReadParent] = field(default_factory=list)
    _deleted: list[Mapping[str, str]] = field(default_factory=list)
    _extras: set[str] = field(default_factory=set)
    _largest_append: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._rows_path = self.folder / f"{self.table.name}.rows.ndjson"
        self._rows = _open_private(self._rows_path)

    def append(self, lines: bytes, extras: Iterable[str] = ()) -> None:
        """Appends whole lines, and notes the fields in them that the catalogue doesn't know."""
        with self._lock, _told(self._rows_path):
            self._rows.write(lines)
            self._largest_append = max(self._largest_append, len(lines))
            self._extras.update(extras)

    def accept(self, read: ReadParent) -> None:
        """Makes the rows of a reading part of the table; those of other readings are passed by."""
        self._reads.append(read)

    def leave_out(self, parent: Mapping[str, str]) -> None:
        """Notes a parent that was deleted since it was listed."""
        self._deleted.append(parent)

    def finish(self, *, requests: int, size: int, seconds: float) -> Staged:
        """Closes the files and tells what they hold."""
        reads_path = self.folder / f"{self.table.name}.reads.ndjson"
        with _told(self._rows_path):
            self._rows.close()
        with _told(reads_path), _open_private(reads_path) as file:
            file.write(msgspec.json.Encoder().encode_lines(self._reads))
        return Staged(
            table=self.table,
            synced_at=self.synced_at,
            rows_path=self._rows_path,
            reads_path=reads_path,
            reported=sum(read.reported for read in self._reads),
            rows=sum(read.rows for read in self._reads),
            extras=tuple(sorted(self._extras)),
            inconsistent=tuple(read for read in self._reads if not read.consistent),
            deleted=tuple(self._deleted),
            reread=sum(read.reread for read in self._reads),
            requests=requests,
            size=size,
            seconds=seconds,
            largest_append=self._largest_append,
            kept=self.kept,
            limited=self.limited,
        )


@contextmanager
def staging_folder(root: Path) -> Iterator[Path]:
    """Makes a private folder below `root` that is gone afterwards, and clears killed runs' ones.

    Raises:
        DatabaseError: The folder can't be made.
    """
    try:
        folder, lock = _make_folder(root)
    except OSError as error:
        raise DatabaseError(
            f"The staging folder {root} can't be made: {error.strerror}. It stands beside the"
            " DuckDB file; make the folder writable, or set `staging_directory`."
        ) from error
    with lock:
        try:
            yield folder
        finally:
            _remove(folder)
            _remove_if_empty(root)


def _make_folder(root: Path) -> tuple[Path, BinaryIO]:
    """Makes and locks a folder, anew where another run clears it away before it is locked."""
    problem: OSError | None = None
    for _ in range(_MOST_ATTEMPTS):
        try:
            root.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            _clear_abandoned(root)
            folder = Path(tempfile.mkdtemp(prefix="sync-", dir=root))
            lock = _open_private(_lock_of(folder))
        except (FileNotFoundError, FileExistsError) as error:
            problem = error
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _lock_of(folder).exists():
            return folder, lock
        lock.close()
    raise problem or FileNotFoundError(errno.ENOENT, "it was removed time and again")


def _clear_abandoned(root: Path) -> None:
    for folder in root.glob("sync-*"):
        try:
            with _lock_of(folder).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(folder)
        except BlockingIOError:
            # Another run works in it.
            continue
        except FileNotFoundError:
            # Its run was killed before it made the lock, or is about to make it.
            _remove_if_empty(folder)


def _remove(folder: Path) -> None:
    # The lock goes last: whoever is killed on the way leaves a folder that can still be cleared.
    with suppress(OSError):
        for path in folder.iterdir():
            if path != _lock_of(folder):
                path.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatabaseError(
            f"Rows could not be staged in {path}: {error.strerror}. The snapshots in DuckDB are"
            " unchanged. Make room there, or set `staging_directory` to a larger disk."
        ) from error


def _lock_of(folder: Path) -> Path:
    return folder / "lock"


def _open_private(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _PRIVATE_FILE)
    return os.fdopen(descriptor, "wb", buffering=1 << 20)
