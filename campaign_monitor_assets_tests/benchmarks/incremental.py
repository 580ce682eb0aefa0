"""Full refresh and incremental sync side by side, as an account moves.

`python -m campaign_monitor_assets_tests.benchmarks.incremental` writes INCREMENTAL.md.
Each account is read in full once; then, for each share of people that moved within a day, both
methods go on from a copy of that file. A limit of one request a second makes a full refresh of a
million subscribers take 17 minutes, so `--limited` says how many subscribers that part has.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.benchmarks import truth
from campaign_monitor_assets_tests.benchmarks.processes import environment_of, measured
from campaign_monitor_assets_tests.benchmarks.readers import BUILD, OURS, PAGES

MOVEMENTS = (0, 0.001, 0.01)
METHODS = {"full refresh": (), "incremental": ("--incremental",)}
PARENTS = 2
"""Requests for the clients and for the lists of the one client."""

HEADS = (
    "account", "moved", "method", "requests", "of those in full", "fetching", "CPU", "time", "rows",
)  # fmt: skip


@dataclass(frozen=True)
class Account:
    """Lists, the subscribers of each, and the network before them."""

    lists: int
    subscribers: int
    latency: float = 0.0
    rate: int = 0

    @property
    def title(self) -> str:
        limit = f", {self.rate} request a second" if self.rate else ""
        wait = f", {self.latency * 1000:.0f} ms an answer" if self.latency else ""
        return f"{self.lists} × {self.subscribers:,}{wait}{limit}"

    @property
    def options(self) -> tuple[str, ...]:
        """The sandbox's command line."""
        bulk = ("--bulk", f"{self.lists}x{self.subscribers}")
        return (*bulk, "--latency", str(self.latency), "--rate", str(self.rate))


@dataclass(frozen=True)
class Measured:
    """What one run took."""

    account: Account
    moved: float
    method: str
    requests: int
    fetching: float
    cpu: float
    wall: float
    right: bool

    def cells(self, full: "Measured") -> tuple[str, ...]:
        """The row of the table, against the full refresh of the same account."""
        return (
            self.account.title,
            f"{self.moved:.1%}",
            self.method,
            f"{self.requests:,}",
            f"{self.requests / full.requests:.1%}",
            f"{self.fetching:.1f} s",
            f"{self.cpu:.1f} s",
            f"{self.wall:.1f} s",
            "all right" if self.right else "**differ**",
        )


def compared(account: Account, movements: Sequence[float]) -> Iterator[Measured]:
    """Reads an account by both methods after each movement."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (
        sandbox.start(*account.options) as box,
        tempfile.TemporaryDirectory(dir=BUILD, prefix="incremental-") as name,
    ):
        folder = Path(name)
        before = folder / "before.duckdb"
        _run(box, before, folder, ())
        for moved in movements:
            box.reset()
            box.move(moved)
            held = truth.of_sandbox(box, account.lists * account.subscribers, folder)
            for method, arguments in METHODS.items():
                after = folder / "after.duckdb"
                shutil.copy(before, after)
                seen = len(box.requests()["requests"])
                cpu, wall = _run(box, after, folder, arguments)
                asked = len(box.requests()["requests"]) - seen
                found = truth.of_database(after, OURS, held.rows)
                with duckdb.connect(str(after), read_only=True) as connection:
                    row = connection.execute(
                        "select seconds from campaign_monitor.sync_log"
                        " where table_name = 'active_subscribers' order by snapshot desc"
                    ).fetchone()
                assert row is not None
                yield Measured(account, moved, method, asked, row[0], cpu, wall, held.agrees(found))


def _run(
    box: Sandbox, database: Path, folder: Path, arguments: Sequence[str]
) -> tuple[float, float]:
    """Seconds of the processors and by the clock that one run takes."""
    environment = environment_of(box, folder, database)
    usage = measured(
        [sys.executable, str(OURS.program), *arguments], environment, folder / "log.txt"
    )
    return usage.cpu, usage.wall


def written(found: Sequence[Measured]) -> str:
    """The results as Markdown."""
    rows: list[Sequence[str]] = [HEADS, ["---"] * len(HEADS)]
    for one in found:
        [full] = [
            other
            for other in found
            if (other.account, other.moved) == (one.account, one.moved)
            and other.method == "full refresh"
        ]
        rows.append(one.cells(full))
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    return (
        "# What incremental sync saves\n\n"
        "Written by `python -m campaign_monitor_assets_tests.benchmarks.incremental`. Requests are"
        f" those of a whole run, the {PARENTS} for clients and lists included; fetching is that of"
        " active subscribers, CPU and time those of the whole process, checks included. Half of"
        " those who moved left their list, the other half joined it, within a day. Rows are"
        " compared with the sandbox's: how many, of which subscribers, and (of a million at the"
        f" most) their address, date and custom fields.\n\n{table}\n"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and writes the results."""
    parser = argparse.ArgumentParser(prog=f"python -m {__spec__.name}", description=__doc__)
    add = parser.add_argument
    add("--subscribers", type=int, default=500_000, help="of each of the two large lists")
    add("--lists", type=int, default=200, help="small lists, of 1,000 subscribers each")
    add("--limited", type=int, default=100_000, help="of each of two lists behind the limit")
    add("--limited-lists", type=int, default=200, help="small lists behind the limit")
    add("--output", type=Path, default=PAGES / "INCREMENTAL.md")
    chosen = parser.parse_args(arguments)
    plan = (
        (Account(chosen.lists, 1000, latency=0.1), MOVEMENTS),
        (Account(2, chosen.subscribers, latency=0.1), MOVEMENTS),
        (Account(chosen.limited_lists, 1000, rate=1), MOVEMENTS[1:2]),
        (Account(2, chosen.limited, rate=1), MOVEMENTS[1:2]),
    )
    found: list[Measured] = []
    for account, movements in plan:
        for one in compared(account, movements):
            found.append(one)
            print(one, flush=True)
            if len(found) % len(METHODS) == 0:
                chosen.output.write_text(written(found), encoding="utf-8")


if __name__ == "__main__":
    main()
