"""What was read of a table, as frozen records: files on disk and the figures on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from campaign_monitor_assets.catalogue import Table


class SyncMethod(StrEnum):
    """How a table, or one of its collections, is read."""

    FULL_REFRESH = "full_refresh"
    INCREMENTAL = "incremental"


class Reason(StrEnum):
    """Why a collection of a table that is read incrementally was read in full."""

    FIRST = "first"
    """The last snapshot doesn't hold it, or says too little of it, or holds it in another form."""
    ASKED = "asked"
    """It was asked for in the launchpad."""
    SMALL = "small"
    """Nothing would be saved."""
    DUE = "due"
    """It was read in full long enough ago."""
    SPELLINGS = "spellings"
    """Two of its addresses have one hash: an increment doesn't tell which of them it is about."""
    UNPROVED = "unproved"
    """What was read incrementally could not be proved to be the collection."""


def pages_of(rows: int, page_size: int) -> int:
    """Requests that so many rows take in a full refresh."""
    return max(-(-rows // page_size), 1)


@dataclass(frozen=True)
class StoredCollection:
    """What the last snapshot holds of a collection: what an increment is added to.

    Attributes:
        rows: Its rows.
        since: From which time on to ask for records: the newest one's, less the overlap; in the
            client's time zone, whole minutes.
        older: Its rows from before that time, or without one.
        full_at: The UTC time at which it was last read in full.
        merged: Further rows that were merged into these, since their hashed addresses are the same.
    """

    rows: int
    since: datetime
    older: int
    full_at: datetime
    merged: int = 0


@dataclass(frozen=True)
class StoredTable:
    """What the last snapshot of a table holds that increments can be added to.

    Attributes:
        snapshot: The number of its reading.
        collections: Its collections by their parents' keys.
    """

    snapshot: int | None = None
    collections: Mapping[str, StoredCollection] = field(default_factory=dict)


@dataclass(frozen=True)
class Merge:
    """What merging an increment into its collection gives.

    Attributes:
        parent: The parent's key.
        kept: Rows of the last snapshot that stay.
        added: Rows that come, those that replace others included.
        reported: Rows that the API counts in the whole collection.
        early: Rows that came although they are from before the time that was asked for; they are
            left out.
    """

    parent: str
    kept: int
    added: int
    reported: int
    early: int

    @property
    def is_proved(self) -> bool:
        """Whether the collection has as many rows then as the API counts."""
        return self.kept + self.added == self.reported


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
        method: Whether the rows are the collection, or what was added to it.
        since: Of an increment: from which time on records were asked for, as `StoredCollection`.
        full_at: Of an increment: the UTC time at which the collection was last read in full.
        proof: By what it is known that the collection is whole, in words.
    """

    read: int
    parent: Mapping[str, str]
    rows: int
    reported: int
    consistent: bool = True
    retries: int = 0
    problem: str = ""
    method: SyncMethod = SyncMethod.FULL_REFRESH
    since: datetime | None = None
    full_at: datetime | None = None
    proof: str = ""


@dataclass(frozen=True)
class ReadInFull:
    """A collection of an incrementally read table that was read in full, and why.

    Attributes:
        parent: The parent's columns.
        reason: Why.
        detail: What was found, where that is the reason; no address.
    """

    parent: Mapping[str, str]
    reason: Reason
    detail: str = ""


@dataclass(frozen=True)
class Missing:
    """A parent that is left out: deleted since it was listed, or not of this account (any more)."""

    parent: Mapping[str, str]
    forbidden: bool


@dataclass(frozen=True)
class IncrementalRead:
    """How the collections of a table were read that is read incrementally.

    Attributes:
        base: The number of the snapshot that the increments are added to; None: there is none.
        departed_path: As `Staged.rows_path`: the records that left a collection, as they stand
            where they are now.
        increments: Collections of which only what was added was read.
        in_full: The other ones.
        early: The parents' keys for which the API gave records from before the time asked for.
        oldest_full: The UTC time of the full reading that was longest ago, over all collections.
        full_requests: Requests that the pages of all collections take in a full refresh.
    """

    base: int | None
    departed_path: Path
    increments: int
    in_full: tuple[ReadInFull, ...]
    early: tuple[str, ...]
    oldest_full: datetime
    full_requests: int


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
        longest_row: Bytes that no staged row exceeds: the longest one's, and some 4 kB at least.
        kept: The parents, by their key, that were not read again: their rows stay as they are.
        limited: Read for a trial, so it must not replace the full snapshot.
        form: What the rows depend on besides the account: those of another form can't be mixed.
        incremental: What is special to a table that is read incrementally; None: it is not.
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
    form: str = ""
    incremental: IncrementalRead | None = None

    @property
    def has_increments(self) -> bool:
        """Whether rows of the last snapshot stay in collections that were read."""
        return self.incremental is not None and self.incremental.increments > 0

    @property
    def average_row(self) -> int:
        """Bytes of a staged row, those of discarded attempts included."""
        return self.rows_path.stat().st_size // max(self.rows, 1)
