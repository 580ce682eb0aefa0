"""What docs/production.md says holds: PostgreSQL as Dagster's storage, webserver, daemon, runs."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import requests

from campaign_monitor_assets.cli.cluster import programs, services
from campaign_monitor_assets.cli.cluster.services import free_port
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.orchestration.deployment import (
    SHIPPED,
    Deployment,
    eventually,
)
from campaign_monitor_assets_tests.project import Project

PAGE = (Path(__file__).parents[2] / "docs" / "production.md").read_text(encoding="utf-8")
DEFINITIONS = """
import os

import dagster as dg

from campaign_monitor_assets import CampaignMonitorComponent

defs = dg.build_defs_for_component(
    CampaignMonitorComponent(
        tables=["clients", "lists"],
        frequencies={"clients": "* * * * *", "lists": "* * * * *"},
        schedules_running=True,
        warehouse={"database": os.environ["CAMPAIGN_MONITOR_DUCKDB"]},
    )
)
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        programs.found("initdb") is None,
        reason="PostgreSQL is not installed (Debian: apt-get install postgresql)",
    ),
]


def _block(language: str, first: str) -> str:
    """The block of the page that begins with these words."""
    found = re.findall(rf"^```{language}\n({first}.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert len(found) == 1, first
    return str(found[0])


@pytest.fixture(scope="module")
def postgres() -> Iterator[services.Postgres]:
    with services.postgres("dagster") as running:
        yield running


@pytest.fixture
def deployment(
    project: Project, postgres: services.Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    """The shipped dagster.yaml with the page's storage, and a project that is read each minute."""
    (tmp_path / "dagster.yaml").write_text(
        (SHIPPED / "dagster.yaml").read_text() + _block("yaml", "# dagster.yaml")
    )
    (tmp_path / "src" / "marketing").mkdir(parents=True)
    (tmp_path / "src" / "marketing" / "definitions.py").write_text(DEFINITIONS)
    (tmp_path / "workspace.yaml").write_text(_block("yaml", "# workspace.yaml"))
    for name, value in {
        "DAGSTER_PG_HOST": postgres.host,
        "DAGSTER_PG_PORT": str(postgres.port),
        "DAGSTER_PG_USERNAME": postgres.user,
        "DAGSTER_PG_PASSWORD": postgres.password,
        "DAGSTER_PG_DB": postgres.databases[0],
    }.items():
        monkeypatch.setenv(name, value)
    deployed = Deployment(tmp_path, project)
    yield deployed
    deployed.stop()


def test_a_scheduled_run_arrives_on_postgres(box: Sandbox, deployment: Deployment) -> None:
    """The page's two commands start; a run comes by schedule, and no second one while it lasts."""
    # The run takes longer than a minute, so that the next tick finds it.
    box.faults([{"what": "slow", "path": "", "seconds": 45, "times": 2}])
    port = free_port()
    for line in _block("sh", "dagster-webserver").splitlines():
        deployment.start(*line.replace("3000", str(port)).split())
    with dg.DagsterInstance.from_config(str(deployment.home)) as instance:
        [run] = eventually(lambda: list(instance.get_runs()))
        assert run.tags["dagster/schedule_name"] == "campaign_monitor_every_minute"
        eventually(lambda: _ticks(instance, "SKIPPED"))
        skipped = _ticks(instance, "SKIPPED")[0]
        assert run.run_id in str(skipped.skip_reason)
        eventually(lambda: _status(instance, run) is dg.DagsterRunStatus.SUCCESS)
        assert _ticks(instance, "SUCCESS")[-1].run_ids == [run.run_id]
    assert requests.get(f"http://127.0.0.1:{port}/server_info", timeout=60).ok
    assert deployment.project.count("lists") == 10


def _status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    [now] = instance.get_runs(dg.RunsFilter(run_ids=[run.run_id]))
    return now.status


def _ticks(instance: dg.DagsterInstance, status: str) -> list[Any]:
    """The ticks of the schedule that ended so, the newest first."""
    return [
        tick
        for state in instance.all_instigator_state()
        for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id)
        if tick.status.value == status
    ]
