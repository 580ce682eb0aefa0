"""Tables that are read before their steps begin, so that no connection idles in between.

To publish a table takes the processor and the disk, to read one takes the network. So while a step
publishes its table, the next tables of the run are read, each in a thread of its own, into its own
staging folder. Its step then finds it read, or waits for it, or reads it itself. The steps run as
Dagster orders them, and each still succeeds or fails by itself.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from typing import Any, Final, Protocol

from campaign_monitor_assets.staging.records import Staged

MOST_AHEAD: Final = 4
"""Endpoints that are read, or were read and wait for their step: the rows of each are on disk."""

_SECONDS_TO_END: Final = 10.0
"""How long a reading that was cancelled is waited for: it may wait for the DuckDB file, which
nothing but the end of the process interrupts."""


class Said:
    """What is said while a table is read: kept until its step begins, and told to its log then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[tuple[str, str]] = []
        self._log: Any = None

    @property
    def is_heard(self) -> bool:
        """Whether the step has begun."""
        return self._log is not None

    def info(self, text: str) -> None:
        """Says something."""
        self._say("info", text)

    def warn(self, text: str) -> None:
        """Says something that should not be missed."""
        self._say("warning", text)

    def listen(self, log: Any) -> None:
        """Tells a step's log what was said, and from now on what is said."""
        with self._lock:
            self._log = log
            for level, text in self._kept:
                getattr(log, level)(text)
            self._kept.clear()

    def _say(self, level: str, text: str) -> None:
        with self._lock:
            if self._log is None:
                self._kept.append((level, text))
            else:
                getattr(self._log, level)(text)


class Reading(Protocol):
    """What reads the tables of one endpoint."""

    @property
    def said(self) -> Said:
        """What it says meanwhile."""

    def read(self, stack: ExitStack) -> Sequence[Staged]:
        """Reads them; what was staged is removed as the stack is closed."""

    def cancel(self) -> None:
        """Ends it as soon as can be."""


class _Begun:
    """A reading that was begun, and what became of it."""

    def __init__(self, name: str, reading: Reading) -> None:
        self.reading = reading
        self._stack = ExitStack()
        self._result: Future[Sequence[Staged]] = Future()
        self._thread = threading.Thread(target=self._run, name=f"reads {name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            with ExitStack() as stack:
                staged = self.reading.read(stack)
                self._stack = stack.pop_all()
        except BaseException as error:  # noqa: BLE001 (its step raises it)
            self._result.set_exception(error)
        else:
            self._result.set_result(staged)

    @contextmanager
    def result(self) -> Iterator[Sequence[Staged]]:
        """What was read, for as long as the context lasts; raises what the reading raised."""
        try:
            yield self._result.result()
        finally:
            self.end()

    def end(self) -> None:
        """Ends the reading, if it hasn't ended, and removes what was staged."""
        if not self._result.done():
            self.reading.cancel()
        self._thread.join(_SECONDS_TO_END)
        self._stack.close()


class ReadAhead:
    """The readings of one run that were begun before their steps, by the steps' names."""

    def __init__(self) -> None:
        self._begun: dict[str, _Begun] = {}
        self._seen: set[str] = set()
        self.published: set[str] = set()
        """The tables that this run has published."""

    def wants(self, name: str) -> bool:
        """Whether a step's tables should be read now: they never were, and few others are."""
        return name not in self._seen and len(self._begun) < MOST_AHEAD

    def begin(self, name: str, reading: Reading) -> None:
        """Begins to read a step's tables."""
        self._seen.add(name)
        self._begun[name] = _Begun(name, reading)

    @contextmanager
    def take(self, name: str, reading: Reading, log: Any) -> Iterator[Sequence[Staged]]:
        """What was read for a step, or is read now; for as long as the context lasts.

        Args:
            name: The step's name.
            reading: Reads its tables, where that was not begun.
            log: Told of what was said meanwhile.
        """
        self._seen.add(name)
        begun = self._begun.pop(name, None)
        if begun is None:
            reading.said.listen(log)
            with ExitStack() as stack:
                yield reading.read(stack)
            return
        begun.reading.said.listen(log)
        with begun.result() as staged:
            yield staged

    def close(self) -> None:
        """Ends all readings whose steps never came."""
        for begun in self._begun.values():
            begun.reading.cancel()
        while self._begun:
            self._begun.popitem()[1].end()
