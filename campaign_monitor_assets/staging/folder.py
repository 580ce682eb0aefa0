"""The folder of a run: private to the user, and locked for as long as its process lives.

The next run removes what a killed one left behind.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from campaign_monitor_assets.errors import DatabaseError

_PRIVATE_FILE: Final = 0o600
_PRIVATE_FOLDER: Final = 0o700
_MAX_ATTEMPTS: Final = 100


@contextmanager
def staging_folder(root: Path) -> Iterator[Path]:
    """Makes a private folder below `root` for the run, and removes it and those of killed runs.

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
    try:
        yield folder
    finally:
        _remove(folder, lock)
        _remove_if_empty(root)


def sweep(root: Path) -> bool:
    """Removes what killed runs left behind, and says whether a run is at work below `root`."""
    if not root.is_dir():
        return False
    _remove_abandoned(root)
    is_used = any(root.glob("sync-*"))
    _remove_if_empty(root)
    return is_used


def _make_folder(root: Path) -> tuple[Path, FileLock]:
    """Makes and locks a folder, anew where another run removes it before it is locked."""
    problem: OSError | None = None
    for _ in range(_MAX_ATTEMPTS):
        try:
            root.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            _remove_abandoned(root)
            folder = Path(tempfile.mkdtemp(prefix="sync-", dir=root))
            made = folder.stat()
            lock = _lock_of(folder)
            lock.acquire(timeout=0)
        except Timeout:
            continue
        except (FileNotFoundError, FileExistsError) as error:
            problem = error
            continue
        if _is_still(folder, made):
            return folder, lock
        lock.release()
    raise problem or FileNotFoundError(errno.ENOENT, "other runs kept removing it")


def _is_still(folder: Path, made: os.stat_result) -> bool:
    """Whether the folder is the one that was made, and its lock still has its name there."""
    try:
        return os.path.samestat(folder.stat(), made) and _lock_path(folder).exists()
    except FileNotFoundError:
        return False


def _remove_abandoned(root: Path) -> None:
    for folder in root.glob("sync-*"):
        if not _lock_path(folder).exists():
            # Its run was killed before it made the lock, or is about to make it.
            _remove_if_empty(folder)
            continue
        lock = _lock_of(folder)
        # A Timeout means that another run works in it.
        with suppress(Timeout, OSError):
            lock.acquire(timeout=0)
            _remove(folder, lock)


def _remove(folder: Path, lock: FileLock) -> None:
    """Removes a folder whose lock is held; the lock goes last, so a part left can be cleared.

    Windows removes no open file, so the lock is released before; nobody but another run that
    clears up can take it then.
    """
    with suppress(OSError):
        for path in folder.iterdir():
            if path != _lock_path(folder):
                path.unlink()
    lock.release()
    shutil.rmtree(folder, ignore_errors=True)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _lock_path(folder: Path) -> Path:
    return folder / "lock"


def _lock_of(folder: Path) -> FileLock:
    # Dagster may end a run's generator in another thread than the one that began it.
    return FileLock(_lock_path(folder), mode=_PRIVATE_FILE, thread_local=False)
