"""What a process for each table costs in a user's own project, as ratios of one run.

`python -m campaign_monitor_assets_tests.benchmarks.executors` makes a project with the component
and nothing else, starts its webserver and lets that run all tables, as its pages do: by the
component's job, and by "Materialize all" in the asset graph, which is executed by what the project
says: Dagster's default, or `dg.in_process_executor`.
"""

import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster_graphql import DagsterGraphQLClient

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.cli.cluster.services import free_port
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.orchestration.deployment import (
    Deployment,
    answers,
    eventually,
    other_project,
)
from campaign_monitor_assets_tests.project import Project

ACCOUNT = ("--clients", "1", "--lists", "4", "--subscribers", "50", "--campaigns", "2")
ROUNDS = 3
JOB = "the component's job"
GRAPH = "the asset graph, the project's default executor"
GRAPH_IN_PROCESS = "the asset graph, dg.in_process_executor in the project"


def write_project(folder: Path, executor: str) -> None:
    """A project that has the component and, if wished, an executor."""
    other_project(folder, "{}", executor)
    # Without a daemon nobody would take a run from the queue.
    (folder / "dagster.yaml").write_text(
        "telemetry: {enabled: false}\n"
        "run_coordinator: {module: dagster.core.run_coordinator, class: DefaultRunCoordinator}\n"
    )


@contextmanager
def webserver(folder: Path, box: Sandbox) -> Iterator[DagsterGraphQLClient]:
    """The project's webserver for as long as the context lasts."""
    port = free_port()
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    project = Project(box, folder / "account.duckdb")
    deployment = Deployment(folder, project, {"PYTHONPATH": path})
    try:
        deployment.start("dagster-webserver", "-m", "elsewhere.definitions", "-p", str(port))
        eventually(lambda: answers(port))
        yield DagsterGraphQLClient("localhost", port_number=port)
    finally:
        deployment.stop()


def seconds_of(
    client: DagsterGraphQLClient, folder: Path, job: str, tables: Sequence[str]
) -> float:
    """Seconds from the launch of a run to its end."""
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        selection = [dg.AssetKey(["campaign_monitor", table]) for table in tables]
        run = client.submit_job_execution(job, asset_selection=selection)
        eventually(
            lambda: (found := instance.get_run_by_id(run)) and found.is_finished, seconds=900
        )
        [record] = instance.get_run_records(dg.RunsFilter(run_ids=[run]))
        assert record.dagster_run.is_success, record.dagster_run.status
        assert record.end_time
        return float(record.end_time - record.create_timestamp.timestamp())


def measure(box: Sandbox, tables: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way, in turn, so that a busy machine is busy for all of them."""
    found: dict[str, list[float]] = {JOB: [], GRAPH: [], GRAPH_IN_PROCESS: []}
    with tempfile.TemporaryDirectory() as name:
        plain, chosen = Path(name) / "plain", Path(name) / "chosen"
        write_project(plain, "")
        write_project(chosen, "executor=dg.in_process_executor")
        with webserver(plain, box) as default, webserver(chosen, box) as in_process:
            for _ in range(rounds):
                found[JOB].append(seconds_of(default, plain, "campaign_monitor_all", tables))
                found[GRAPH].append(seconds_of(default, plain, "__ASSET_JOB", tables))
                found[GRAPH_IN_PROCESS].append(
                    seconds_of(in_process, chosen, "__ASSET_JOB", tables)
                )
    return found


def main() -> None:
    """Measures, and prints the medians."""
    tables = sys.argv[1:] or ["clients", "lists", "campaigns", "segments", "active_subscribers"]
    with sandbox.start(*ACCOUNT) as box:
        found = measure(box, tables, ROUNDS)
    job = statistics.median(found[JOB])
    print(f"{len(tables)} tables, median of {ROUNDS} rounds")
    for way, seconds in found.items():
        middle = statistics.median(seconds)
        print(f"{way}: {middle:.1f} s, {middle / job:.1f} ×")


if __name__ == "__main__":
    main()
