"""Processes that end together with what they started, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from campaign_monitor_assets.errors import CampaignMonitorError

T = TypeVar("T")
PATIENCE: Final = 300
"""Seconds for what takes a few on a machine that does nothing else."""
_PAUSE: Final = 0.2


class ClusterError(CampaignMonitorError):
    """A part of the cluster did not start, ended too early, or did not do what it should."""


@dataclass
class Process:
    """A program in a process group of its own, whose output goes into a file.

    Attributes:
        name: What it is, for messages.
        popen: The process.
        log: The file.
        stops_by: The signal that lets it end in order.
    """

    name: str
    popen: "subprocess.Popen[bytes]"
    log: Path
    stops_by: signal.Signals = signal.SIGTERM

    def require_running(self) -> None:
        """Looks whether it is still there.

        Raises:
            ClusterError: It has ended.
        """
        status = self.popen.poll()
        if status is not None:
            raise ClusterError(f"{self.name} ended with status {status}. It said:\n{self.said()}")

    def said(self) -> str:
        """The last lines of its output."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    def kill(self) -> None:
        """Ends it and all of its group as `kill -9` and a power cut do."""
        if sys.platform == "win32":
            self.popen.kill()
        else:
            with suppress(ProcessLookupError):
                os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def stop(self) -> None:
        """Lets it end in order, and ends what is left of its group."""
        if self.popen.poll() is None:
            self.popen.send_signal(self.stops_by)
            with suppress(subprocess.TimeoutExpired):
                self.popen.wait(30)
        self.kill()


@contextmanager
def started(
    name: str,
    command: Sequence[str | Path],
    folder: Path,
    environment: Mapping[str, str],
    *,
    given: str = "",
    stops_by: signal.Signals = signal.SIGTERM,
) -> Iterator[Process]:
    """Runs a program for as long as the context lasts.

    Args:
        name: What it is, for messages and for the file of its output.
        command: The program and its arguments; no secrets, since every user can read them.
        folder: Its working folder, where the file of its output is made.
        environment: All variables that it has.
        given: What it can read on its standard input.
        stops_by: The signal that lets it end in order.
    """
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        popen = subprocess.Popen(  # noqa: S603 (our own arguments)
            list(command),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    process = Process(name, popen, log, stops_by)
    try:
        assert popen.stdin is not None
        with popen.stdin as pipe:
            pipe.write(given.encode())
        yield process
    finally:
        process.stop()


def eventually(question: Callable[[], T], *watched: Process, seconds: float = PATIENCE) -> T:
    """The first true answer to a question that is asked again and again.

    Args:
        question: What is asked.
        watched: Processes without which there would be no answer.
        seconds: How long it is asked.

    Raises:
        ClusterError: A process ended, or there was no true answer.
    """
    until = time.monotonic() + seconds
    while not (answer := question()):
        for process in watched:
            process.require_running()
        if time.monotonic() > until:
            said = "\n".join(f"{process.name} said:\n{process.said()}" for process in watched)
            raise ClusterError(f"What was waited for did not come in {seconds:.0f} s. {said}")
        time.sleep(_PAUSE)
    return answer
