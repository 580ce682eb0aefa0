"""A run whose tables are read in a process each, as a project's own executor may want."""

import os
from pathlib import Path

import dagster as dg
import pytest

from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.orchestration.deployment import (
    Deployment,
    other_project,
    shipped_settings,
)
from campaign_monitor_assets_tests.project import Project

TABLES = ("clients", "lists", "active_subscribers")
ATTRIBUTES = (
    f"{{executor: project, analytics: false, tables: [{', '.join(TABLES)}],"
    " warehouse: {database: '{{ env.CAMPAIGN_MONITOR_DUCKDB }}'}}"
)


@pytest.mark.slow
def test_the_multiprocess_executor_brings_all_rows(
    box: Sandbox, project: Project, tmp_path: Path
) -> None:
    """Each table is read and stored by a process of its own, with its checks, in their order."""
    other_project(tmp_path, ATTRIBUTES, "executor=dg.multiprocess_executor")
    home = tmp_path / "home"
    shipped_settings(home)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    deployment = Deployment(home, project, {"PYTHONPATH": path, "DAGSTER_HOME": str(home)})
    deployment.call("job", "execute", "-m", "elsewhere.definitions", "-j", "campaign_monitor_all")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        [run] = instance.get_runs()
        processes = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_WORKER_STARTED)
        assert len({entry.step_key for entry in processes}) == len(TABLES)
        evaluated = instance.all_logs(
            run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
        )
        checks = [entry.get_dagster_event().asset_check_evaluation_data for entry in evaluated]
        assert {check.asset_key.path[-1] for check in checks} == set(TABLES)
        assert all(check.passed for check in checks)
    account = box.account()
    for table in ("lists", "active_subscribers"):
        assert project.count(table) == sum(map(len, account[table].values())), table
