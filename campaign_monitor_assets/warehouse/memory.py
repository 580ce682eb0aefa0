"""How much memory and how many threads DuckDB gets."""

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import duckdb
from pydantic import ByteSize, TypeAdapter

from campaign_monitor_assets.warehouse.quoting import literal, row_of

_BYTES = TypeAdapter(ByteSize)

_DUCKDB_SHARE = 0.8
"""The share of the machine's or the container's memory that DuckDB takes by default."""

_OTHERS = 256 << 20
"""Bytes that Python, Dagster and the pages under way take beside DuckDB."""

_LEAST = 64 << 20
"""Bytes without which DuckDB loads nothing."""

_PER_THREAD = 80 << 20
"""Bytes that each thread takes as it loads: a JSON buffer, its vectors and a row group."""

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""The numbers that glibc's malloc.h gives them."""

_HEAPS = 4

_LARGE_BLOCK = 128 << 10
"""Bytes; glibc begins with as many."""

VECTOR_ROWS = 2048
"""Rows that DuckDB works on at a time."""
_COPIES_OF_A_VECTOR = 8
"""As text, as JSON, as values, and in what holds them meanwhile; measured at 4 to 54 kB a row."""


ROW_GROUP_ROWS = 122_880
"""DuckDB's own size of a row group, which is compressed as a whole."""

ROW_GROUP_SHARE: Final = 4
"""A row group as it stands in a file, before it is compressed, takes this part of the limit."""


@dataclass(frozen=True)
class Rows:
    """How wide the rows are that are about to be written.

    Attributes:
        average: Bytes of a row as JSON; 0 where that isn't known.
        longest: Bytes of the longest row.
    """

    average: int = 0
    longest: int = 0


@dataclass(frozen=True)
class Memory:
    """What one connection may use.

    Attributes:
        limit: Bytes.
        threads: How many threads share them.
        asked: Bytes that were asked for, where the machine or its container has less room.
    """

    limit: int
    threads: int
    asked: int | None = None

    def fewer_threads(self) -> Iterator[int]:
        """The numbers of threads to try one after the other, where memory doesn't suffice."""
        bounded = bounded_threads(self.limit, self.threads)
        yield from sorted({self.threads, bounded, 1}, reverse=True)[1:]


@dataclass(frozen=True)
class Defaults:
    """What DuckDB would use by itself: it knows the machine and its container (cgroup).

    Attributes:
        limit: Bytes.
        threads: How many threads.
    """

    limit: int
    threads: int

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection) -> Self:
        """Those of a fresh connection, in which nothing has been set yet."""
        return cls(*_current(connection))


def apply(
    connection: duckdb.DuckDBPyConnection, defaults: Defaults, limit: str, threads: int | None
) -> Memory:
    """Sets the memory limit and the threads of an instance.

    Args:
        connection: A connection to it.
        defaults: What DuckDB would use by itself.
        limit: `memory_limit` as the user wrote it, such as `192MB`.
        threads: The user's number of threads; None: as many as the limit and the
            cores suffice for.

    Raises:
        duckdb.Error: The limit is not one that DuckDB accepts.
    """
    connection.execute(f"set memory_limit = {literal(limit)}")
    asked, _ = _current(connection)
    room = max(int(defaults.limit / _DUCKDB_SHARE) - _OTHERS, _LEAST)
    granted = min(asked, room)
    if granted < asked:
        connection.execute(f"set memory_limit = '{granted // 1000}KB'")
    chosen = threads or bounded_threads(granted, defaults.threads)
    connection.execute(f"set threads = {chosen}")
    return Memory(granted, chosen, asked if granted < asked else None)


def give_back_blocks() -> None:
    """Lets large blocks that are freed go back to the system at once, with glibc.

    By itself glibc takes such blocks from its heaps once one of them was freed, and DuckDB frees
    blocks of 256 KB all the time: what stays between them counts beside `memory_limit`. So does
    what stays in each heap, of which there would be up to eight for each core.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        # Another system's library, which has its own ways.
        return
    mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
    mallopt(_M_ARENA_MAX, _HEAPS)


def bounded_threads(limit: int, threads: int) -> int:
    """As many of the threads as a limit in bytes suffices for."""
    return max(min(threads, limit // _PER_THREAD), 1)


def row_group_rows(limit: int, rows: Rows, share: int = ROW_GROUP_SHARE) -> int:
    """Rows of a row group, a multiple of DuckDB's vectors: fewer where rows are wide.

    Args:
        limit: Bytes that DuckDB may use.
        rows: What is about to be written.
        share: How many row groups the limit has room for.
    """
    fitting = limit // share // max(rows.average, 1) // VECTOR_ROWS * VECTOR_ROWS
    return min(max(fitting, VECTOR_ROWS), ROW_GROUP_ROWS)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether DuckDB ran out of memory; at a commit it says so in another error's text only."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return True
    return isinstance(error, duckdb.Error) and "failed to allocate" in str(error).lower()


def limit_that_would_do(limit: int, longest_row: int) -> str:
    """A `memory_limit` that suffices where one in bytes did not.

    Args:
        limit: Bytes that did not suffice for a single thread.
        longest_row: Bytes of the longest row as JSON; 0 where rows were not what it failed on.
    """
    need = _LEAST + VECTOR_ROWS * _COPIES_OF_A_VECTOR * longest_row
    if need <= limit:
        need = 2 * limit
    return f"{math.ceil(need / 64e6) * 64}MB"


def memory_limit(connection: duckdb.DuckDBPyConnection) -> int:
    """Bytes that DuckDB may use."""
    return _current(connection)[0]


def _current(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    limit, threads = row_of(
        connection, "select current_setting('memory_limit'), current_setting('threads')"
    )
    return _BYTES.validate_python(limit), int(threads)
