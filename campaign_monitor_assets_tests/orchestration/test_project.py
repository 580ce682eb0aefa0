"""The project's own definitions: what its `defs` folder and the environment say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from campaign_monitor_assets.orchestration.project import load_component

ROOT = Path(__file__).parents[2]


def _dg(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [Path(sys.executable).with_name("dg"), *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("variables", "clients", "database"),
    [
        ({}, [], "data/account.duckdb"),
        ({"CAMPAIGN_MONITOR_DUCKDB": "", "CAMPAIGN_MONITOR_CLIENT_ID": ""}, [], None),
        ({"CAMPAIGN_MONITOR_DUCKDB": "/data/my file.duckdb"}, [], "/data/my file.duckdb"),
        ({"CAMPAIGN_MONITOR_CLIENT_ID": "1e5, North 'n' South,"}, ["1e5", "North 'n' South"], None),
    ],
)
def test_the_environment_names_file_and_clients(
    variables: dict[str, str],
    clients: list[str],
    database: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two variables change what the folder says; where they are not set, or empty, it stands."""
    for name in ("CAMPAIGN_MONITOR_DUCKDB", "CAMPAIGN_MONITOR_CLIENT_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    component = load_component()
    assert component.clients == clients
    assert component.warehouse.database == (database or "data/account.duckdb")


@pytest.mark.slow
def test_dg_checks_and_lists_the_project() -> None:
    """`dg check yaml` accepts the folder, and `dg list components` shows the component."""
    checked = _dg("check", "yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    listed = _dg("list", "components", "--json")
    assert listed.returncode == 0, listed.stderr
    assert "campaign_monitor_assets.CampaignMonitorComponent" in listed.stdout


def test_the_definitions_load_without_a_warning(tmp_path: Path) -> None:
    """The project loads from any folder, silently."""
    done = subprocess.run(
        [sys.executable, "-c", "import campaign_monitor_assets.definitions"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
