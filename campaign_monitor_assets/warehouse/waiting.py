"""Waiting for the warehouse: when it is open elsewhere, who has it, and what is said of it."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeGuard

import duckdb
import tenacity

from campaign_monitor_assets.warehouse.instance import InUseHereError, OpenHereError

_SECONDS_BETWEEN_NOTICES: Final = 30.0
_CONFLICTS: Final = (
    "ransaction conflict",
    "maximum retry count",
    # Rarely, where tables of a DuckLake are listed while another thread of the process writes them.
    "Invalid unicode (byte sequence mismatch) detected in value construction",
)
_LOST: Final = re.compile(r"Failed to [^\n]* DuckLake: Failed to|No magic bytes found")


@dataclass
class Waiting:
    """Tells at once, and then now and again, that the warehouse is waited for."""

    label: str
    most: float
    warn: Callable[[str], None]
    _notified: float | None = None

    def notify(self, state: tenacity.RetryCallState) -> None:
        """Takes an attempt that failed."""
        now = time.monotonic()
        if self._notified is not None and now - self._notified < _SECONDS_BETWEEN_NOTICES:
            return
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, InUseHereError) and now - state.start_time < _SECONDS_BETWEEN_NOTICES:
            return
        self._notified = now
        left = max(self.most - (now - state.start_time), 0)
        self.warn(
            f"Waiting for the {self.label}: {holder(error)}. It is waited for up to"
            f" {left:.0f} s more; close it there to go on, or end this with Ctrl-C."
        )


def is_locked(error: BaseException) -> bool:
    """Whether the file is open elsewhere: in another process, or in this one."""
    if isinstance(error, OpenHereError):
        return True
    if not isinstance(error, duckdb.Error):
        return False
    said = str(error)
    return any(
        words in said
        for words in (
            "Could not set lock",
            "already attached by database",
            "different configuration",
            # What Windows says.
            "being used by another process",
        )
    )


def is_conflict(error: BaseException) -> bool:
    """Whether another transaction came in between: it changed the same, and was committed first."""
    said = str(error)
    return isinstance(error, duckdb.Error) and any(words in said for words in _CONFLICTS)


def is_of_storage(error: BaseException) -> TypeGuard[duckdb.Error]:
    """Whether a file, a catalogue or S3 failed, rather than a statement.

    Of a catalogue that went away in a transaction DuckLake tells by errors of any kind, or of none.
    """
    return isinstance(error, duckdb.IOException | duckdb.HTTPException) or (
        isinstance(error, duckdb.Error) and _LOST.search(str(error)) is not None
    )


def holder(error: BaseException | None) -> str:
    """Who has the file open."""
    said = str(error)
    if isinstance(error, OpenHereError):
        return said
    if "already attached" in said or "different configuration" in said:
        return "another connection of this process has it open"
    found = re.search(r"held in (.+?)(?:\. |\.?$)", said.partition("\n")[0])
    return f"it is open in {found[1]}" if found else "another process has it open"
