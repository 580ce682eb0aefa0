"""How many connections are right: fetching by latency, with and without a limit.

`python -m campaign_monitor_assets_tests.benchmarks.connections` writes CONNECTIONS.md in about five
minutes. Only fetching is measured: the own client of the product reads one table and stages it.
Each number of connections in turn, so that a busy machine is busy for all of them.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.extract.tables import read_tables
from campaign_monitor_assets.orchestration.resource import CampaignMonitorResource
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets.staging.files import StagingWriter
from campaign_monitor_assets_tests.benchmarks.readers import BUILD, PAGES

CONNECTIONS = (5, 10, 20, 40)
LATENCIES = (0.05, 0.1, 0.3)
RATE = 20
LIMITS = {
    "no limit": (),
    f"{RATE} a second, told with each answer": ("--rate", str(RATE)),
    f"{RATE} a second, told by refusals alone": ("--rate", str(RATE), "--reticent"),
}
_CONCLUSION = """\
Without a limit, 20 connections take little more than half the time of 10 from 100 ms on, and 40
more at 300 ms alone: below that, two cores are what bounds it. Behind a limit, more connections
bring little or nothing, but up to three times as many refusals, and some where 10 meet none,
since as many requests are under way when the limit is met. No limit is published, so the default
of 10 is the careful one; `api: {connections: 20}` is for an account that takes minutes, where no
refusal is in the log.
"""
HEADS = ("limit", "latency", "connections", "fetching", "÷ that of 10", "÷ ideal", "refused")


@dataclass(frozen=True)
class Measured:
    """The shortest of several readings."""

    limit: str
    latency: float
    connections: int
    seconds: float
    requests: int
    refused: int

    @property
    def ideal(self) -> float:
        """Seconds in which so many requests can be answered."""
        fastest = self.requests * self.latency / self.connections
        through = self.requests - self.refused
        return max(fastest, through / RATE if self.limit != "no limit" else 0)

    def cells(self, of_ten: "Measured") -> tuple[str, ...]:
        """The row of the table."""
        return (
            self.limit,
            f"{self.latency * 1000:.0f} ms",
            str(self.connections),
            f"{self.seconds:.1f} s",
            f"{self.seconds / of_ten.seconds:.2f}",
            f"{self.seconds / self.ideal:.2f}",
            str(self.refused),
        )


def measure(lists: int, rows: int, rounds: int) -> Iterator[list[Measured]]:
    """For each network the figures of each number of connections."""
    for limit, options in LIMITS.items():
        for latency in LATENCIES:
            with sandbox.start(
                *("--bulk", f"{lists}x{rows}", "--latency", str(latency)), *options
            ) as box:
                found: dict[int, list[Measured]] = {number: [] for number in CONNECTIONS}
                for _ in range(rounds if limit == "no limit" else 1):
                    for number in CONNECTIONS:
                        found[number].append(_read(box, limit, latency, number))
            yield [min(each, key=lambda one: one.seconds) for each in found.values()]


def _read(box: Sandbox, limit: str, latency: float, connections: int) -> Measured:
    box.reset()
    parents = [
        {"ClientID": client, "ListID": row["ListID"]}
        for client, rows in box.account("lists")["lists"].items()
        for row in rows
    ]
    api = CampaignMonitorResource(api_key=box.key, base_url=box.url, connections=connections)
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder, api.client() as client:
        table = CATALOGUE["active_subscribers"]
        writer = StagingWriter(table, Path(folder), datetime(2026, 1, 1), 1)  # noqa: DTZ001 (UTC)
        started = time.monotonic()
        read_tables(client, [writer], parents, api)
        seconds = time.monotonic() - started
    statuses = box.requests()["statuses"]
    refused = statuses.get("429", 0)
    return Measured(limit, latency, connections, seconds, sum(statuses.values()), refused)


def written(found: Sequence[Sequence[Measured]], lists: int, rows: int) -> str:
    """The results as Markdown."""
    lines: list[Sequence[str]] = [HEADS, ["---"] * len(HEADS)]
    for network in found:
        [of_ten] = [one for one in network if one.connections == 10]
        lines += [one.cells(of_ten) for one in network]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return (
        "# How many connections are right\n\n"
        "Written by `python -m campaign_monitor_assets_tests.benchmarks.connections`. The active"
        f" subscribers of {lists} lists of {rows:,} each are fetched and staged, without Dagster"
        f" and DuckDB, on {os.cpu_count()} cores that the sandbox shares. The shortest of several"
        " readings; where there is a limit, one. The ideal is requests × latency ÷ connections or,"
        f" if that is longer, the time in which the limit lets the requests through.\n\n{table}\n"
        f"\n{_CONCLUSION}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and writes the results."""
    parser = argparse.ArgumentParser(prog=f"python -m {__spec__.name}", description=__doc__)
    add = parser.add_argument
    add("--lists", type=int, default=200)
    add("--rows", type=int, default=1000, help="subscribers of each list")
    add("--rounds", type=int, default=3, help="readings of each; the shortest counts")
    add("--output", type=Path, default=PAGES / "CONNECTIONS.md")
    chosen = parser.parse_args(arguments)
    found = []
    for network in measure(chosen.lists, chosen.rows, chosen.rounds):
        found.append(network)
        print(*network, sep="\n", flush=True)
    chosen.output.write_text(written(found, chosen.lists, chosen.rows), encoding="utf-8")


if __name__ == "__main__":
    main()
