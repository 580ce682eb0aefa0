"""What was read of a table, as frozen records: files on disk and the figures on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from campaign_monitor_assets.catalogue import Table


@dataclass(frozen=True)
class CollectionRead:
    """The attempt at one parent's collection whose rows count, with its figures.

    Attributes:
        read: The number that marks its rows in the staged file.
        parent: The parent's columns that its rows carry.
        rows: Rows staged.
        reported: Rows that the API said there are.
        consistent: False where no attempt was consistent.
        retries: Attempts that were discarded because they were not consistent.
        problem: What the figures of an inconsistent collection say.
    """

    read: int
    parent: Mapping[str, str]
    rows: int
    reported: int
    consistent: bool = True
    retries: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Missing:
    """A parent that is left out: deleted since it was listed, or not of this account (any more)."""

    parent: Mapping[str, str]
    forbidden: bool


@dataclass(frozen=True)
class Staged:
    """A table as it was read: files on disk and the figures on them.

    Attributes:
        table: The catalogue's entry.
        synced_at: The UTC time at which reading began, without a zone.
        reading: The number of the reading in its warehouse; those of later ones are higher.
        rows_path: Newline-delimited `{"read": n, "row": {...}}`, and `"extra": {...}` with the
            fields that the catalogue doesn't know.
        reads_path: Newline-delimited `CollectionRead`.
        reported: Rows that the API said there are, over all parents.
        rows: Rows staged, over all parents.
        extras: The names of fields that the catalogue doesn't know.
        inconsistent: The collections of which no attempt was consistent.
        missing: The parents that are left out.
        retries: Attempts that were discarded because they were not consistent.
        replaced: Characters that are none and became U+FFFD, over all responses.
        requests: Requests sent, retries included.
        size: Bytes received.
        seconds: How long the fetching took.
        longest_row: Bytes of the longest staged row.
        kept: The parents, by their key, that were not read again: their rows stay as they are.
        limited: Read for a trial, so it must not replace the full snapshot.
    """

    table: Table
    synced_at: datetime
    reading: int
    rows_path: Path
    reads_path: Path
    reported: int = 0
    rows: int = 0
    extras: tuple[str, ...] = ()
    inconsistent: tuple[CollectionRead, ...] = ()
    missing: tuple[Missing, ...] = ()
    retries: int = 0
    replaced: int = 0
    requests: int = 0
    size: int = 0
    seconds: float = 0
    longest_row: int = 0
    kept: tuple[str, ...] = ()
    limited: bool = False

    @property
    def average_row(self) -> int:
        """Bytes of a staged row, those of discarded attempts included."""
        return self.rows_path.stat().st_size // max(self.rows, 1)
