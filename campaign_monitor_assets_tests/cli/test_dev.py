"""`dev`: Dagster's UI on the account or on the demo, with the packages of the webserver extra."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from campaign_monitor_assets.cli.cluster.services import free_port
from campaign_monitor_assets.cli.ui import require_free
from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.cli.test_config import OWN
from campaign_monitor_assets_tests.cli.test_home import LISTS, REPOSITORY, account, measured, run
from campaign_monitor_assets_tests.orchestration.deployment import PATIENCE, eventually

ONLY_IN_DEV = "dagster_dg_cli,dagster_dg_core,dagster_cloud_cli,dagster_rest_resources"
HIDER = """
import os
import sys

HIDDEN = os.environ["HIDDEN_PACKAGES"].split(",")


class Finder:
    def __init__(self, finder):
        self._finder = finder

    def __getattr__(self, name):
        return getattr(self._finder, name)

    def find_spec(self, name, path=None, target=None):
        hidden = name.partition(".")[0] in HIDDEN
        return None if hidden else self._finder.find_spec(name, path, target)


sys.meta_path[:] = [Finder(each) for each in sys.meta_path]
"""
QUERY = """
{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus } } }
  assetNodes { assetKey { path } assetMaterializations(limit: 1) { runId } } }
"""


def _without(folder: Path, packages: str) -> dict[str, str]:
    """Variables with which these packages are not there, as they are in a leaner installation."""
    (folder / "hidden").mkdir(exist_ok=True)
    (folder / "hidden" / "sitecustomize.py").write_text(HIDER)
    search = os.pathsep.join((str(folder / "hidden"), str(REPOSITORY)))
    return {**measured(), "PYTHONPATH": search, "HIDDEN_PACKAGES": packages}


@contextmanager
def _ui(folder: Path, *arguments: str, **environment: str) -> Iterator[dict[str, Any]]:
    """What the UI of `dev` tells, for as long as the context lasts; then Ctrl-C."""
    port = free_port()
    with (folder / "dev.log").open("w") as log:
        process = psutil.Popen(
            [
                sys.executable,
                "-m",
                "campaign_monitor_assets.cli",
                "dev",
                "--port",
                str(port),
                *arguments,
            ],
            cwd=folder,
            env={**_without(folder, ONLY_IN_DEV), **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield eventually(lambda: _told(f"http://127.0.0.1:{port}/graphql"))
    finally:
        family = [process, *process.children(recursive=True)]
        os.killpg(process.pid, signal.SIGINT)
        _, stubborn = psutil.wait_procs(family, timeout=PATIENCE)
        for each in stubborn:
            each.kill()
    assert not stubborn


def _told(url: str) -> dict[str, Any]:
    try:
        answer = requests.post(url, json={"query": QUERY}, timeout=PATIENCE).json()
    except requests.RequestException:
        return {}
    found: dict[str, Any] = answer["data"]
    return found if found["assetNodes"] else {}


def _materialized(told: Mapping[str, Any]) -> set[str]:
    return {
        node["assetKey"]["path"][-1] for node in told["assetNodes"] if node["assetMaterializations"]
    }


def test_the_missing_extra_is_named(tmp_path: Path) -> None:
    """Without Dagster's webserver the sentence names the extra that brings it."""
    done = run(tmp_path, "dev", **_without(tmp_path, "dagster_webserver"))
    assert done.returncode == 1
    assert "pip install 'campaign_monitor_assets[webserver]'" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_is_taken(host: str) -> None:
    """Dagster would go on without a UI: whoever chose the port is told at once."""
    with socket.create_server((host, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            ConfigurationError, match=rf"^The port {port} can't be used .*\(--port\)"
        ):
            require_free(port)
    require_free(port)


@pytest.mark.slow
def test_the_account_shows_nothing_of_the_demo(box: Sandbox, tmp_path: Path) -> None:
    """After the demo, the UI of a new account is empty, and without a key it shows the demo."""
    assert run(tmp_path, "demo", "--select", LISTS).returncode == 0
    with _ui(tmp_path, **account(box, tmp_path)) as told:
        [location] = told["workspaceOrError"]["locationEntries"]
        assert location == {"name": "campaign_monitor", "loadStatus": "LOADED"}
        assert not _materialized(told)
    with _ui(tmp_path) as told:
        assert _materialized(told) == {"clients", "lists"}


@pytest.mark.slow
def test_a_configuration_of_ones_own_is_shown_without_a_key(tmp_path: Path) -> None:
    """The UI's code server loads the named file; no demo account is put in its place."""
    (tmp_path / "defs.yaml").write_text(OWN)
    with _ui(tmp_path, "--config", "defs.yaml") as told:
        paths = {tuple(node["assetKey"]["path"]) for node in told["assetNodes"]}
    assert ("northwind", "lists") in paths
    assert all(path[0].startswith("northwind") for path in paths)
    assert (
        "No NORTHWIND_KEY is set: runs will fail until it is" in (tmp_path / "dev.log").read_text()
    )
    assert not (tmp_path / "data").exists()
