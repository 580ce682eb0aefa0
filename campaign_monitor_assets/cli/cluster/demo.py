"""The story of `cluster-demo`: a cluster comes up, a worker dies, and all rows arrive."""

import os
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import dagster as dg
from rich.console import Console

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.cli.cluster import accounts, services
from campaign_monitor_assets.cli.cluster.machines import (
    Machines,
    environment_of,
    environment_of_lake,
)
from campaign_monitor_assets.cli.cluster.processes import Process
from campaign_monitor_assets.cli.cluster.programs import require_all
from campaign_monitor_assets.cli.cluster.reader import reading
from campaign_monitor_assets.cli.cluster.runs import Runs
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.target import Database

_MODULE: Final = "campaign_monitor_assets.cli.cluster.definitions"
_WORKERS: Final = ("one", "two")
_VICTIM, _OTHER = accounts.NAMES
_TABLE: Final = "active_subscribers"
_SLOW: Final = {"what": "slow", "path": "/active", "seconds": 30, "times": 1}
"""What gives time to kill a worker in the middle of a table."""


@dataclass(frozen=True)
class _Cluster:
    """All that runs but the daemon."""

    sandboxes: Mapping[str, Sandbox]
    lake: Database
    machines: Machines
    workers: Mapping[str, Process]


def run(console: Console) -> int:
    """Runs the demo and stops all that it started.

    Returns:
        The exit status: 1 where a row is missing or too many.

    Raises:
        ConfigurationError: Something that it needs is not installed.
        ClusterError: A part did not start, a run failed that should not, or a reader saw a mixture.
    """
    require_all()
    # Who ends it by SIGTERM ends it as Ctrl-C does, so that nothing is left.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _cluster(console) as cluster, dg.DagsterInstance.get() as instance:
        with reading(cluster.lake) as seen:
            with cluster.machines.daemon() as daemon:
                runs = Runs(instance, [daemon])
                _lose_a_worker(console, cluster, runs)
                _live_on(console, cluster, runs)
            alive = [each for each in cluster.workers.values() if each.popen.poll() is None]
            Runs(instance, alive).wait_for_the_rest()
        seen.require_whole()
        console.print(
            f"[green]✓[/] A reader looked at all tables {seen.looks:,} times meanwhile: it saw"
            f" {len(seen.snapshots):,} snapshots, each as a whole, and never had to wait."
        )
        found = list(accounts.compared(cluster.sandboxes, lambda sql: _query(cluster.lake, sql)))
    console.print("All is stopped, and nothing of it is left on the disk.\n")
    console.print(accounts.shown(found))
    return int(not all(each.is_whole for each in found))


@contextmanager
def _cluster(console: Console) -> Iterator[_Cluster]:
    with ExitStack() as stack:
        enter = stack.enter_context
        folder = enter(services.private_folder("cluster-"))
        postgres, redis = enter(services.postgres("dagster", "lake")), enter(services.redis())
        s3 = enter(services.s3("demo"))
        console.print(
            "PostgreSQL (Dagster's history and pools, the lake's catalogue), Redis (the queue) and"
            " an S3 server (the lake's rows) are up."
        )
        boxes = {
            name: enter(sandbox.start("--seed", str(seed), key=f"{name}-account-key"))
            for seed, name in enumerate(accounts.NAMES, start=1)
        }
        for box in boxes.values():
            box.faults([_SLOW])
        console.print("Two accounts are up: imitations of the API on this machine.")
        environment = environment_of(postgres, redis) | environment_of_lake(postgres, s3)
        for name, box in boxes.items():
            environment |= {f"{name}_API_KEY".upper(): box.key, f"{name}_BASE_URL".upper(): box.url}
        machines = Machines(folder, environment, _MODULE)
        enter(_on_a_machine_of_its_own(machines))
        # Two that made the tables of Dagster's history at once would disturb each other.
        dg.DagsterInstance.get().dispose()
        url = enter(machines.webserver())
        workers = {name: enter(machines.worker(name)) for name in _WORKERS}
        console.print(
            f"Two workers, each with folders of its own, take runs. Dagster's UI: [bold]{url}[/]"
        )
        yield _Cluster(boxes, _lake(environment), machines, workers)


@contextmanager
def _on_a_machine_of_its_own(machines: Machines) -> Iterator[None]:
    """Lets this process, which looks on, have folders of its own, too."""
    before, place = dict(os.environ), tempfile.tempdir
    os.environ.update(machines.machine("onlooker")[1])
    # Python has looked at TMPDIR once and remembers it.
    tempfile.tempdir = os.environ["TMPDIR"]
    try:
        yield
    finally:
        tempfile.tempdir = place
        os.environ.clear()
        os.environ.update(before)


def _lose_a_worker(console: Console, cluster: _Cluster, runs: Runs) -> None:
    """Two runs begin by schedule, the worker of one is killed, and both accounts arrive."""
    console.print("The daemon is up. Both accounts are read every minute; the next one begins …")
    first = runs.wait_for_next(accounts.NAMES)
    where = {name: runs.wait_for_worker(run).partition("@")[0] for name, run in first.items()}
    for name, worker in where.items():
        console.print(f"[green]✓[/] The run of {name} is executed by worker {worker}.")
    lost = first[_VICTIM]
    runs.wait_for_step(lost, f"{_VICTIM}__{_TABLE}")
    cluster.workers[where[_VICTIM]].kill()
    console.print(
        f"[yellow]✗ kill -9 of worker {where[_VICTIM]}[/] in the middle of {_VICTIM}'s {_TABLE}."
    )
    console.print(f"  {runs.wait_for_failure(lost)}", markup=False, style="dim")
    again = runs.wait_for_retry(lost)
    console.print(f"[green]✓[/] Run monitoring has ended the run of {_VICTIM}; it starts again.")
    runs.wait_for_success(first[_OTHER])
    console.print(f"[green]✓[/] The run of {_OTHER} ended well; nothing disturbed it.")
    worker = runs.wait_for_worker(again).partition("@")[0]
    console.print(f"[green]✓[/] The second run of {_VICTIM} is executed by worker {worker}.")
    runs.wait_for_success(again)
    console.print(f"[green]✓[/] The second run of {_VICTIM} ended well.")


def _live_on(console: Console, cluster: _Cluster, runs: Runs) -> None:
    """A day passes in the accounts, and the worker that is left brings it."""
    happened = {name: len(box.live(seed=1)) for name, box in cluster.sandboxes.items()}
    told = ", ".join(f"{number} things in {name}" for name, number in happened.items())
    console.print(f"A day passes in the accounts ({told}); the next runs begin …")
    for name, run in runs.wait_for_next(accounts.NAMES).items():
        runs.wait_for_success(run)
        console.print(f"[green]✓[/] The next run of {name} ended well.")


def _lake(environment: Mapping[str, str]) -> Database:
    """The lake as its readers have it, without an account."""
    return Database.of(
        WarehouseSettings(
            database=f"ducklake:postgres:{environment['LAKE_CATALOGUE']}",
            database_password_variable="LAKE_PASSWORD",  # noqa: S106 (a name)
            data_path=environment["LAKE_DATA_PATH"],
            s3={
                "endpoint": environment["LAKE_S3_ENDPOINT"],
                "url_style": "path",
                "use_ssl": False,
            },
        )
    )


def _query(lake: Database, question: str) -> list[tuple[Any, ...]]:
    with lake.connect(read_only=True) as connection:
        return connection.execute(question).fetchall()
