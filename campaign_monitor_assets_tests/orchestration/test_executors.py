"""A run whose tables are read in a process each, as a project's own executor may want."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import dagster as dg
import pytest

from campaign_monitor_assets.cli.cluster import services
from campaign_monitor_assets.cli.cluster.machines import Machines, environment_of
from campaign_monitor_assets_tests.orchestration.deployment import (
    Deployment,
    eventually,
    needs_programs,
    other_project,
    shipped_settings,
)
from campaign_monitor_assets_tests.project import Project

TABLES = ("clients", "lists", "active_subscribers")
ATTRIBUTES = (
    f"{{executor: project, analytics: false, tables: [{', '.join(TABLES)}],"
    " frequencies: '* * * * *', schedules_running: true,"
    " warehouse: {database: '{{ env.CAMPAIGN_MONITOR_DUCKDB }}'}}"
)
EXECUTOR = "executor=dg.multiprocess_executor"


def _require_a_process_a_table(instance: dg.DagsterInstance) -> None:
    [run, *_] = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))
    begun = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_WORKER_STARTED)
    assert {str(entry.step_key).removeprefix("campaign_monitor__") for entry in begun} == set(
        TABLES
    )
    evaluated = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    checks = [entry.get_dagster_event().asset_check_evaluation_data for entry in evaluated]
    assert {check.asset_key.path[-1] for check in checks} == set(TABLES)
    assert all(check.passed for check in checks)


def _require_all_rows(project: Project) -> None:
    account: Mapping[str, Mapping[str, list[object]]] = project.box.account()
    for table in ("lists", "active_subscribers"):
        assert project.count(table) == sum(map(len, account[table].values())), table


@pytest.mark.slow
def test_the_multiprocess_executor_brings_all_rows(project: Project, tmp_path: Path) -> None:
    """Each table is read and stored by a process of its own, with its checks, in their order."""
    other_project(tmp_path, ATTRIBUTES, EXECUTOR)
    home = tmp_path / "home"
    shipped_settings(home)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    deployment = Deployment(home, project, {"PYTHONPATH": path})
    deployment.call("job", "execute", "-m", "elsewhere.definitions", "-j", "campaign_monitor_all")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        _require_a_process_a_table(instance)
    _require_all_rows(project)


@pytest.mark.slow
@needs_programs
def test_the_multiprocess_executor_works_on_a_celery_worker(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker's processes are daemons, which may have no children; those of our app may."""
    other_project(tmp_path, ATTRIBUTES, EXECUTOR)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    with ExitStack() as stack:
        enter = stack.enter_context
        folder = enter(services.private_folder("test-"))
        postgres, redis = enter(services.postgres("dagster")), enter(services.redis())
        account = Deployment(folder, project).variables
        environment = environment_of(postgres, redis) | account
        cluster = Machines(folder, environment, "elsewhere.definitions")
        for name, value in cluster.machine("onlooker")[1].items():
            monkeypatch.setenv(name, value)
        instance = enter(dg.DagsterInstance.get())
        enter(cluster.worker("one"))
        with cluster.daemon():
            ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
            eventually(lambda: instance.get_runs(dg.RunsFilter(statuses=ended)), seconds=600)
        _require_a_process_a_table(instance)
    _require_all_rows(project)
