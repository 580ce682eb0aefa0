"""Runs that were killed: ended by run monitoring, started again, and no obstacle to later ones."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.orchestration.deployment import (
    SHIPPED,
    Deployment,
    eventually,
    shipped_settings,
)
from campaign_monitor_assets_tests.project import Project

JOB = "campaign_monitor_group_subscribers"
STEP = "campaign_monitor__active_subscribers"


@pytest.fixture
def deployment(project: Project, tmp_path: Path) -> Iterator[Deployment]:
    """A home with the shipped settings, of which monitoring looks every second."""
    home = tmp_path / "home"
    shipped_settings(
        home, run_monitoring={"poll_interval_seconds": 1, "free_slots_after_run_end_seconds": 1}
    )
    deployed = Deployment(home, project)
    yield deployed
    deployed.stop()


def _launch(deployment: Deployment) -> None:
    deployment.call("job", "launch", "-w", str(SHIPPED / "workspace.yaml"), "-j", JOB)


def _is_reading(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    started = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_START)
    return any(entry.step_key == STEP for entry in started)


def _status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    [now] = instance.get_runs(dg.RunsFilter(run_ids=[run.run_id]))
    return now.status


def test_the_shipped_settings_end_lost_runs() -> None:
    """Monitoring is on with bounds on starting, running and cancelling; lost runs start again."""
    settings = yaml.safe_load((SHIPPED / "dagster.yaml").read_text())
    monitoring = settings["run_monitoring"]
    assert monitoring["enabled"] is True
    assert monitoring["poll_interval_seconds"] <= 60
    for bound in ("start_timeout_seconds", "cancel_timeout_seconds", "max_runtime_seconds"):
        assert monitoring[bound] > 0, bound
    assert settings["run_retries"] == {
        "enabled": True, "max_retries": 1, "retry_on_asset_or_op_failure": False,
    }  # fmt: skip
    instance_of_project = Path(__file__).parents[2] / ".dagster" / "dagster.yaml"
    assert instance_of_project.read_text() == (SHIPPED / "dagster.yaml").read_text()


@pytest.mark.slow
def test_a_killed_daemon_leaves_no_run_that_blocks(box: Sandbox, deployment: Deployment) -> None:
    """After kill -9 of the daemon's group and a new start, the lost run fails and later ones end.

    The lost run held the account's place in the pool; it is started once more by itself.
    """
    box.faults([{"what": "slow", "path": "/active", "seconds": 600, "times": None}])
    with dg.DagsterInstance.from_config(str(deployment.home)) as instance:
        daemon = deployment.daemon()
        _launch(deployment)
        [lost] = eventually(lambda: deployment.runs(instance, JOB))
        eventually(lambda: _is_reading(instance, lost))
        deployment.kill(daemon)
        assert _status(instance, lost) is dg.DagsterRunStatus.STARTED
        _launch(deployment)

        box.faults([])
        deployment.daemon()
        eventually(lambda: len(deployment.runs(instance, JOB)) == 3)
        eventually(lambda: all(run.is_finished for run in deployment.runs(instance, JOB)))
        statuses = {run.run_id: run.status for run in deployment.runs(instance, JOB)}
        assert statuses.pop(lost.run_id) is dg.DagsterRunStatus.FAILURE
        assert set(statuses.values()) == {dg.DagsterRunStatus.SUCCESS}
        [failed] = instance.all_logs(lost.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
        assert "process is gone" in str(failed.dagster_event)
    assert deployment.project.count("active_subscribers") == 5485


@pytest.mark.slow
def test_a_run_that_takes_its_time_is_left_alone(box: Sandbox, deployment: Deployment) -> None:
    """Monitoring asks every second, and a run whose process lives goes on to its end."""
    box.faults([{"what": "slow", "path": "/active", "seconds": 10, "times": 1}])
    with dg.DagsterInstance.from_config(str(deployment.home)) as instance:
        deployment.daemon()
        _launch(deployment)
        [run] = eventually(lambda: deployment.runs(instance, JOB))
        eventually(lambda: all(each.is_finished for each in deployment.runs(instance, JOB)))
        assert _status(instance, run) is dg.DagsterRunStatus.SUCCESS
