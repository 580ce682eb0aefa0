"""The story of `cluster-demo`: a cluster comes up, a worker dies, and all rows arrive."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import dagster as dg
import duckdb
from rich.console import Console

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.cli.cluster import accounts, services
from campaign_monitor_assets.cli.cluster.machines import Machines, environment_of
from campaign_monitor_assets.cli.cluster.processes import Process
from campaign_monitor_assets.cli.cluster.programs import require_all
from campaign_monitor_assets.cli.cluster.runs import Runs
from campaign_monitor_assets.sandbox import Sandbox

_MODULE: Final = "campaign_monitor_assets.cli.cluster.definitions"
_WORKERS: Final = ("one", "two")
_SLOW: Final = {"what": "slow", "path": "/active", "seconds": 30, "times": 1}
"""What gives time to kill a worker in the middle of a table."""


@dataclass(frozen=True)
class _Cluster:
    """All that runs but the daemon."""

    sandboxes: Mapping[str, Sandbox]
    machines: Machines
    workers: Mapping[str, Process]


def run(console: Console) -> int:
    """Runs the demo and stops all that it started.

    Returns:
        The exit status: 1 where a row is missing or too many.
    """
    require_all()
    # Who ends it by SIGTERM ends it as Ctrl-C does, so that nothing is left.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _cluster(console) as cluster, dg.DagsterInstance.get() as instance:
        with cluster.machines.daemon() as daemon:
            _lose_a_worker(console, cluster, instance, daemon)
        alive = [each for each in cluster.workers.values() if each.popen.poll() is None]
        Runs(instance, alive).wait_for_the_rest()
        found = list(accounts.compared(cluster.sandboxes, _query))
    console.print("All is stopped, and nothing of it is left on the disk.\n")
    console.print(accounts.shown(found))
    return int(not all(each.is_whole for each in found))


@contextmanager
def _cluster(console: Console) -> Iterator[_Cluster]:
    with ExitStack() as stack:
        enter = stack.enter_context
        folder = enter(services.private_folder("cluster-"))
        postgres, redis = enter(services.postgres("dagster")), enter(services.redis())
        console.print("PostgreSQL (Dagster's history and pools) and Redis (the queue) are up.")
        boxes = {
            name: enter(sandbox.start("--seed", str(seed), key=f"{name}-account-key"))
            for seed, name in enumerate(accounts.NAMES, start=1)
        }
        for box in boxes.values():
            box.faults([_SLOW])
        console.print("Two accounts are up: imitations of the API on this machine.")
        environment = {**environment_of(postgres, redis), "CLUSTER_FOLDER": str(folder)}
        for name, box in boxes.items():
            environment |= {f"{name}_API_KEY".upper(): box.key, f"{name}_BASE_URL".upper(): box.url}
        machines = Machines(folder, environment, _MODULE)
        # This process looks on, as a further machine.
        os.environ.update(machines.machine("onlooker")[1])
        # Two that made the tables of Dagster's history at once would disturb each other.
        dg.DagsterInstance.get().dispose()
        url = enter(machines.webserver())
        workers = {name: enter(machines.worker(name)) for name in _WORKERS}
        console.print(
            f"Two workers, each with folders of its own, take runs. Dagster's UI: [bold]{url}[/]"
        )
        yield _Cluster(boxes, machines, workers)


def _lose_a_worker(
    console: Console, cluster: _Cluster, instance: dg.DagsterInstance, daemon: Process
) -> None:
    """Two runs begin by schedule, the worker of one is killed, and both accounts arrive."""
    runs = Runs(instance, [daemon])
    console.print("The daemon is up. Both accounts are read every minute; the next one begins …")
    first = {name: runs.wait_for_first(name) for name in accounts.NAMES}
    where = {name: runs.wait_for_worker(run).partition("@")[0] for name, run in first.items()}
    for name, worker in where.items():
        console.print(f"[green]✓[/] The run of {name} is executed by worker {worker}.")
    victim, other = accounts.NAMES
    lost = first[victim]
    runs.wait_for_step(lost, f"{victim}__active_subscribers")
    cluster.workers[where[victim]].kill()
    console.print(
        f"[yellow]✗ kill -9 of worker {where[victim]}[/] in the middle of {victim}'s"
        " active_subscribers."
    )
    console.print(f"  {runs.wait_for_failure(lost)}", markup=False, style="dim")
    again = runs.wait_for_retry(lost)
    console.print(f"[green]✓[/] Run monitoring has ended the run of {victim}; it starts again.")
    runs.wait_for_success(first[other])
    console.print(f"[green]✓[/] The run of {other} ended well; nothing disturbed it.")
    worker = runs.wait_for_worker(again).partition("@")[0]
    console.print(f"[green]✓[/] The second run of {victim} is executed by worker {worker}.")
    runs.wait_for_success(again)
    console.print(f"[green]✓[/] The second run of {victim} ended well.")


def _query(question: str) -> list[tuple[Any, ...]]:
    folder = os.environ["CLUSTER_FOLDER"]
    with duckdb.connect() as connection:
        for name in accounts.NAMES:
            connection.execute(f"attach '{folder}/{name}.duckdb' as {name}_file (read_only)")
        account = question.rpartition("from ")[2].partition(".")[0]
        connection.execute(f"use {account}_file")
        return connection.execute(question).fetchall()
