"""Ctrl-C for the command alone, not for the processes through which Dagster shows its output."""

import signal
from types import TracebackType
from typing import Final, Self

import dagster as dg

_STARTED: Final = (dg.DagsterEventType.LOGS_CAPTURED, dg.DagsterEventType.STEP_START)


class Shield:
    """Blocks the interrupt while Dagster starts those processes, which inherit that.

    A terminal sends Ctrl-C to all of them. What copies the output would end before the last lines,
    and what watches over it would print a stack trace among them. Dagster ends both with the run.
    Where signals can't be blocked (Windows) Dagster starts them otherwise.
    """

    def __init__(self) -> None:
        self._is_up = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._take_down()

    def note(self, event: dg.DagsterEvent) -> None:
        """Takes one event of the run, in the thread that executes it."""
        if event.event_type is dg.DagsterEventType.RUN_START:
            self._put_up()
        elif event.event_type in _STARTED:
            self._take_down()

    def _put_up(self) -> None:
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            self._is_up = True

    def _take_down(self) -> None:
        if self._is_up:
            # One that came meanwhile is delivered now.
            self._is_up = False
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
