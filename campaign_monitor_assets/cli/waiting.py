"""Ctrl-C while a run only waits: for a retry, or for another run that has the pool.

Dagster notes an interrupt and looks at it once the next step starts, which may be minutes later.
"""

import signal
import threading
from typing import Any, Final

import dagster as dg

_BLOCKED: Final = "blocked by limit for pool"
"""What Dagster says of a step that has to wait for its pool."""
_STARTS: Final = (dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_RESTARTED)
_ENDS: Final = (
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.STEP_UP_FOR_RETRY,
)


def is_blocked(event: dg.DagsterEvent) -> bool:
    """Whether the event says that a step waits for its pool."""
    return bool(event.step_key) and _BLOCKED in (event.message or "")


class Waiting:
    """Lets an interrupt end the run at once while no step is executed and some step waits."""

    def __init__(self) -> None:
        self._waiting: set[str] = set()
        self._of_dagster: Any = None

    def note(self, event: dg.DagsterEvent) -> None:
        """Takes one event of the run, in the thread that executes it."""
        step = str(event.step_key)
        if event.event_type in _STARTS:
            self._waiting.discard(step)
            self._restore()
        elif event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY or is_blocked(event):
            self._waiting.add(step)
            self._raise_at_once()
        elif event.event_type in _ENDS and self._waiting:
            self._raise_at_once()

    def _raise_at_once(self) -> None:
        if self._of_dagster is None and threading.current_thread() is threading.main_thread():
            self._of_dagster = signal.getsignal(signal.SIGINT)
            _handle(signal.default_int_handler)

    def _restore(self) -> None:
        if self._of_dagster is not None:
            _handle(self._of_dagster)
            self._of_dagster = None


def _handle(handler: Any) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)
