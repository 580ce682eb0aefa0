"""Runs a program and measures it, with everything it starts."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from campaign_monitor_assets.sandbox import Sandbox

_BETWEEN_LOOKS = 0.05
_NEARLY_IDLE = 12
"""Percent of all processors."""


class ProgramFailedError(RuntimeError):
    """A measured program did not end well."""


@dataclass(frozen=True)
class Usage:
    """What a process tree took: seconds by the clock and of the processors, and memory at most.

    Attributes:
        wall: Seconds from start to end.
        cpu: Seconds of all processors, user and system.
        peak: Bytes resident at the same time in all processes, looked at 20 times a second: all
            of the first process's, and of those below it what they share with no other.
        others: Processors that were busy with other things meanwhile.
    """

    wall: float
    cpu: float
    peak: int
    others: float


def environment_of(box: Sandbox, home: Path, database: Path) -> dict[str, str]:
    """The variables of a reader: the sandbox's account, a Dagster home, and where rows go."""
    return {
        **{name: value for name, value in os.environ.items() if "CAMPAIGN_MONITOR" not in name},
        "CAMPAIGN_MONITOR_API_KEY": box.key,
        "CAMPAIGN_MONITOR_BASE_URL": box.url,
        "BENCHMARK_DATABASE": str(database),
        "CAMPAIGN_MONITOR_DUCKDB": str(database),
        "DAGSTER_HOME": str(home),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }


def measured(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Usage:
    """Runs a program to its end.

    Raises:
        ProgramFailedError: It failed; the text is the end of what it wrote.
    """
    busy = _busy()
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=dict(environment), stdout=output, stderr=subprocess.STDOUT
        )
    ended = threading.Event()
    seen: list[int] = []
    watcher = threading.Thread(target=_watch, args=(process.pid, ended, seen))
    watcher.start()
    # Unlike Popen.wait, this tells of the process, and of those it waited for, and of no other.
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    ended.set()
    watcher.join()
    if process.returncode:
        said = log.read_text(errors="replace")[-3000:]
        raise ProgramFailedError(f"{' '.join(command)} ended with {process.returncode}:\n{said}")
    # `used` has a peak too, but counts in it what this process held when it started the program.
    cpu = used.ru_utime + used.ru_stime
    return Usage(wall, cpu, max(seen, default=0), max(_busy() - busy - cpu, 0) / wall)


def wait_for_quiet(patience: float) -> None:
    """Waits until nearly all processors are idle, but no longer than so many seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and psutil.cpu_percent(1) > _NEARLY_IDLE:
        continue


def _busy() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0))


def _watch(pid: int, ended: threading.Event, seen: list[int]) -> None:
    while not ended.wait(_BETWEEN_LOOKS):
        try:
            process = psutil.Process(pid)
            memory = process.memory_info()
            below = [each.memory_full_info() for each in process.children(recursive=True)]
            # Until it runs a program of its own, a child may still be in its parent's memory.
            seen.append(memory.rss + sum(each.uss for each in below if each.vms != memory.vms))
        except psutil.Error:
            # A process ended between being found and being looked at.
            continue
