"""Files and folders that only their owner can read: the DuckDB file, its log, what it spills."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_OTHERS: Final = 0o077
_LOCK: Final = threading.Lock()
_MENTIONED: Final[set[Path]] = set()


class _Depth:
    """How many are inside of `private_files`, and the mask from before."""

    count = 0
    mask = 0


@contextmanager
def private_files() -> Iterator[None]:
    """Whatever is made meanwhile is private: files 0600, folders 0700.

    DuckDB makes its files itself, and knows no mode. The mask is the process's, so files that
    other threads make meanwhile are private, too.
    """
    with _LOCK:
        if not _Depth.count:
            _Depth.mask = os.umask(_OTHERS)
        _Depth.count += 1
    try:
        yield
    finally:
        with _LOCK:
            _Depth.count -= 1
            if not _Depth.count:
                os.umask(_Depth.mask)


def mention_readable(path: Path, warn: Callable[[str], None]) -> None:
    """Says once in a process that others can read an existing file."""
    if os.name == "nt" or path in _MENTIONED or not path.exists():
        return
    mode = path.stat().st_mode & 0o777
    if mode & 0o044:
        _MENTIONED.add(path)
        warn(
            f"Other users of this machine can read the DuckDB file {path} (mode {mode:04o}), which"
            f" may hold personal data. It is left so; `chmod 600 {path}` makes it private, as a new"
            " one is."
        )
