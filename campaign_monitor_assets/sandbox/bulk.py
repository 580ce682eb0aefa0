"""Very large lists for benchmarks: rows rendered beforehand, kept in one mapped file."""

import functools
import itertools
import mmap
import tempfile
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, overload

import msgspec

from .account import Row
from .names import FIRST_NAMES, INTERESTS, LAST_NAMES, MAIL_PROGRAMS, PLACES, PLANS

DAYS: Final = 730
"""Bulk people joined within the two years before the one in which the account stands."""
CHUNK: Final = 20_000

# Always the last field of a row and always the same, so that one replacement leaves it out.
CONSENT: Final = b',"ConsentToTrack":"Yes"'


@dataclass(frozen=True)
class BulkRows(Sequence[Row]):
    """Subscribers of one list, rendered, in the order of both their dates and their addresses."""

    data: mmap.mmap
    offsets: "array[int]"
    """Where each row of the list begins, and where the one after the last would."""
    start: int
    stop: int

    def __len__(self) -> int:
        """How many rows there are."""
        return self.stop - self.start

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> "BulkRows": ...
    def __getitem__(self, at: int | slice) -> Any:
        """One row, decoded, or a part of the rows, still rendered."""
        if isinstance(at, slice):
            start, stop, _ = at.indices(len(self))
            return BulkRows(self.data, self.offsets, self.start + start, self.start + stop)
        if not 0 <= at < len(self):
            raise IndexError(at)
        return msgspec.json.decode(self[at : at + 1].rendered(consent=True))

    def rendered(self, *, consent: bool) -> bytes:
        """The rows as they stand in an answer, with commas between them."""
        if not len(self):
            return b""
        text = self.data[self.offsets[self.start] : self.offsets[self.stop] - 1]
        return text if consent else text.replace(CONSENT, b"")


@dataclass(frozen=True)
class Parts(Sequence[Row]):
    """Bulk rows of which some have gone, and rows that came after them, in the order of dates."""

    parts: Sequence[Sequence[Row]]
    starts: Sequence[int]
    """Where each part begins, and where the one after the last would."""

    @classmethod
    def of(cls, parts: Iterable[Sequence[Row]]) -> "Parts":
        """The parts that hold anything, one after another."""
        filled = [part for part in parts if len(part)]
        return cls(filled, [0, *itertools.accumulate(map(len, filled))])

    def __len__(self) -> int:
        """How many rows there are."""
        return self.starts[-1]

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> "Parts": ...
    def __getitem__(self, at: int | slice) -> Any:
        """One row, decoded, or a part of the rows."""
        if isinstance(at, slice):
            return Parts.of(self._between(*at.indices(len(self))[:2]))
        part = bisect_right(self.starts, at) - 1
        return self.parts[part][at - self.starts[part]]

    def without(self, positions: Sequence[int]) -> Iterator[Sequence[Row]]:
        """The parts that are left where the rows at some ascending positions go."""
        begin = 0
        for position in [*positions, len(self)]:
            yield from self._between(begin, position)
            begin = position + 1

    def _between(self, start: int, stop: int) -> Iterator[Sequence[Row]]:
        part = bisect_right(self.starts, start) - 1
        while start < stop and part < len(self.parts):
            first = self.starts[part]
            yield self.parts[part][start - first : stop - first]
            start, part = self.starts[part + 1], part + 1

    def rendered(self, *, consent: bool) -> bytes:
        """The rows as they stand in an answer, with commas between them."""
        return b",".join(_rendered(part, consent=consent) for part in self.parts)


Bulk = BulkRows | Parts


def rows_since(rows: Bulk, moment: str) -> Bulk:
    """The rows that changed on or after a moment."""
    if not moment:
        return rows
    first = bisect_left(range(len(rows)), moment, key=lambda at: str(rows[at]["Date"]))
    return rows[first:]


def _rendered(rows: Sequence[Row], *, consent: bool) -> bytes:
    if isinstance(rows, BulkRows):
        return rows.rendered(consent=consent)
    hidden = () if consent else ("ConsentToTrack",)
    shown = [{name: row[name] for name in row if name not in hidden} for row in rows]
    return msgspec.json.encode(shown)[1:-1]


@dataclass(frozen=True)
class Backwards(Sequence[Row]):
    """Rows the last of which comes first; what is sliced out of them is a list."""

    rows: Sequence[Row]

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Any:
        """One row, or a part of them."""
        if isinstance(at, slice):
            return [self.rows[len(self) - 1 - each] for each in range(*at.indices(len(self)))]
        return self.rows[len(self) - 1 - at]


def write_bulk(lists: int, subscribers: int, today: date) -> list[BulkRows]:
    """Render the subscribers of all lists into one file, and map it."""
    if not lists * subscribers:
        return []
    first = date(today.year - 2, 1, 1)
    kept = []
    with tempfile.TemporaryFile() as file:
        end = 0
        for number in range(lists):
            offsets = array("Q", [end])
            rows = _rows(number, subscribers, first)
            while chunk := list(itertools.islice(rows, CHUNK)):
                for size in map(len, chunk):
                    end += size + 1
                    offsets.append(end)
                file.write(b",".join(chunk) + b",")
            kept.append(offsets)
        file.flush()
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return [BulkRows(data, offsets, 0, subscribers) for offsets in kept]


def _rows(number: int, count: int, first: date) -> Iterator[bytes]:
    tails = itertools.cycle(_tails())
    days = [str(first + timedelta(days=at)) for at in range(DAYS)]
    times = _times()
    step = max(DAYS * 86_400 // max(count, 1), 1)
    for at, tail in zip(range(count), tails):  # noqa: B905 - the tails have no end
        day, second = divmod(at * step % (DAYS * 86_400), 86_400)
        moment = f"{days[day]} {times[second]}"
        yield (
            f'{{"EmailAddress":"reader.{at:08}.list{number:03}@example.com","Date":"{moment}",'
            f'"ListJoinedDate":"{moment}",{tail}'
        ).encode()


@functools.cache
def _times() -> Sequence[str]:
    """Each second of a day."""
    return [f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}" for s in range(86_400)]


@functools.cache
def _tails() -> Sequence[str]:
    made = []
    for at in range(997):
        name = f"{FIRST_NAMES[at % 16][0]} {LAST_NAMES[at * 7 // 16 % 16][0]}"
        values = [
            {"Key": "City", "Value": PLACES[at % 7][0]},
            {"Key": "Plan", "Value": PLANS[at % 3]},
            {"Key": "Interests", "Value": INTERESTS[at % 5]},
        ]
        row = {
            "Name": name,
            "State": "Active",
            "CustomFields": values[: 2 + at % 2],
            "ReadsEmailWith": MAIL_PROGRAMS[at % 5][0],
            "ConsentToTrack": "Yes",
        }
        made.append(msgspec.json.encode(row)[1:].decode())
    return made
