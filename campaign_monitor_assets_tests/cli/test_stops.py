"""`sync` and `check` stopped, killed, or cut off from the API, all settings at their defaults."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.cli.test_home import LISTS, REPOSITORY, account, measured, run
from campaign_monitor_assets_tests.orchestration.deployment import (
    Deployment,
    eventually,
    shipped_settings,
)
from campaign_monitor_assets_tests.project import Project

pytestmark = pytest.mark.slow


SYNC = ("sync", "--select", LISTS)


def _start(
    box: Sandbox, folder: Path, said: str, command: Sequence[str] = SYNC, **more: str
) -> "subprocess.Popen[bytes]":
    """Starts a command in a process group of its own, and waits until it prints something."""
    log = folder / "sync.log"
    with log.open("wb") as opened:
        process = subprocess.Popen(
            [sys.executable, "-m", "campaign_monitor_assets.cli", *command],
            cwd=folder,
            env={
                **measured(),
                "PYTHONPATH": str(REPOSITORY),
                "PYTHONUNBUFFERED": "1",
                **account(box, folder),
                **more,
            },
            stdout=opened,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    eventually(lambda: said in log.read_text())
    return process


def test_a_killed_sync_does_not_block_the_next(box: Sandbox, tmp_path: Path) -> None:
    """After kill -9 the place in the pool is free again, without any daemon, and it is told."""
    box.faults([{"what": "slow", "path": "/lists", "seconds": 600, "times": None}])
    process = _start(box, tmp_path, "✓ clients")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    box.faults([])
    done = run(tmp_path, "sync", "--select", LISTS, **account(box, tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "was marked as failed" in done.stdout


def test_a_killed_sync_is_not_started_again(box: Sandbox, project: Project, tmp_path: Path) -> None:
    """The daemon ends the run as lost; whoever called the command calls it again, or doesn't."""
    home = tmp_path / "home"
    shipped_settings(
        home, run_monitoring={"poll_interval_seconds": 1, "free_slots_after_run_end_seconds": 1}
    )
    deployment = Deployment(home, project)
    box.faults([{"what": "slow", "path": "/lists", "seconds": 600, "times": None}])
    process = _start(box, tmp_path, "✓ clients", DAGSTER_HOME=str(home))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    try:
        with dg.DagsterInstance.from_config(str(home)) as instance:
            deployment.daemon()
            [lost] = instance.get_runs()
            eventually(lambda: instance.get_runs()[0].is_finished)
            # What is to be started again is marked so, and passed over where it is not.
            eventually(lambda: "dagster/will_retry" in instance.get_runs()[-1].tags)
            [ended] = instance.get_runs()
            assert ended.run_id == lost.run_id
            assert ended.tags["dagster/will_retry"] == "false"
    finally:
        deployment.stop()


def test_an_outage_of_half_a_minute_costs_nothing(box: Sandbox, tmp_path: Path) -> None:
    """All attempts fail; a minute later the table is read, and the command ends well."""
    box.faults([{"what": "reset", "path": "/lists", "times": None}])
    process = _start(box, tmp_path, "read again in 60 s")
    box.faults([])
    assert process.wait() == 0
    with duckdb.connect(str(tmp_path / "account.duckdb"), read_only=True) as connection:
        counted = connection.execute("select count(*) from campaign_monitor.lists").fetchone()
    assert counted == (10,)


def test_ctrl_c_ends_the_waiting(box: Sandbox, tmp_path: Path) -> None:
    """Who doesn't want to wait for the retry stops the run; the table is not read any more."""
    box.faults([{"what": "reset", "path": "/lists", "times": None}])
    process = _start(box, tmp_path, "read again in 60 s")
    box.faults([])
    # As a terminal does it: whatever the command started takes it, too.
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait() == 1
    told = (tmp_path / "sync.log").read_text()
    assert "The run was stopped" in told
    assert "✓ lists" not in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("path", "command"), [("/clients.json", SYNC), ("/lists", SYNC), ("/lists", ("check",))]
)
def test_ctrl_c_ends_a_request_that_hangs(
    box: Sandbox, tmp_path: Path, path: str, command: Sequence[str]
) -> None:
    """Whichever thread waits for the response, the run ends long before the request would."""
    box.faults([{"what": "slow", "path": path, "seconds": 600, "times": None}])
    process = _start(box, tmp_path, "Waiting for the response to GET", command)
    process.send_signal(signal.SIGINT)
    # The response has been waited for since half of read_timeout, and would be asked for again.
    assert process.wait(25) == 1
    told = (tmp_path / "sync.log").read_text()
    assert "The run was stopped" in told
    assert "attempt 1 of" not in told
    assert "Traceback" not in told
    assert box.key not in told
