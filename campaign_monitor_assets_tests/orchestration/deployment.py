"""Dagster as it is deployed: a home, a daemon and a webserver, each a process group of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
import psutil
import pytest
import requests
import tenacity
import yaml

from campaign_monitor_assets import cli
from campaign_monitor_assets.cli.cluster import programs
from campaign_monitor_assets_tests.project import Project

T = TypeVar("T")
needs_programs = pytest.mark.skipif(
    not all(map(programs.found, (*programs.POSTGRES, *programs.REDIS))),
    reason="PostgreSQL or Redis is not installed (Debian: apt-get install postgresql redis-server)",
)
SHIPPED = Path(cli.__file__).parent
PATIENCE = 180
"""Seconds for what takes a few on a machine that does nothing else."""

_DEFINITIONS = """
from pathlib import Path
import dagster as dg

@dg.definitions
def defs():
    found = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    return dg.Definitions.merge(found, dg.Definitions({more}))
"""


@dataclass
class Deployment:
    """A Dagster home, and the processes that were started with it.

    Attributes:
        home: DAGSTER_HOME; its `dagster.yaml` stands there already.
        project: The account and the DuckDB file.
        more: Further variables of the environment.
    """

    home: Path
    project: Project
    more: Mapping[str, str] = field(default_factory=dict)
    started: list[psutil.Popen] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of all processes."""
        return {**os.environ, **self.variables, **self.more}

    @property
    def variables(self) -> dict[str, str]:
        """The home, the account and its file."""
        return {
            "DAGSTER_HOME": str(self.home),
            "CAMPAIGN_MONITOR_API_KEY": self.project.box.key,
            "CAMPAIGN_MONITOR_BASE_URL": self.project.box.url,
            "CAMPAIGN_MONITOR_DUCKDB": str(self.project.path),
        }

    def start(self, program: str, *arguments: str) -> psutil.Popen:
        """Starts one of Dagster's programs in the background, in a process group of its own."""
        with (self.home / f"{program}.log").open("a") as log:
            process = psutil.Popen(
                [Path(sys.executable).with_name(program), *arguments],
                cwd=self.home,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def daemon(self) -> psutil.Popen:
        """Starts the daemon on the shipped workspace."""
        return self.start("dagster-daemon", "run", "-w", str(SHIPPED / "workspace.yaml"))

    def call(self, *arguments: str) -> None:
        """Runs a `dagster` command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "dagster", *arguments],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def kill(self, process: psutil.Popen) -> None:
        """Ends a process, its group and all that it started, as a power cut does."""
        family = [process, *process.children(recursive=True)]
        os.killpg(process.pid, signal.SIGKILL)
        for each in family:
            if each.is_running():
                each.kill()
        psutil.wait_procs(family, timeout=PATIENCE)

    def stop(self) -> None:
        """Ends what is still running."""
        for process in self.started:
            if process.is_running():
                self.kill(process)

    def runs(self, instance: dg.DagsterInstance, job: str) -> list[dg.DagsterRun]:
        """The runs of a job, the newest first."""
        return list(instance.get_runs(dg.RunsFilter(job_name=job)))


def shipped_settings(home: Path, **sections: Mapping[str, Any]) -> None:
    """Writes the shipped `dagster.yaml` into a home, with some seconds made fewer.

    Args:
        home: The folder.
        sections: For a section the settings that are changed or added.
    """
    settings: dict[str, Any] = yaml.safe_load((SHIPPED / "dagster.yaml").read_text())
    for section, changed in sections.items():
        settings[section] = {**settings.get(section, {}), **changed}
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text(yaml.safe_dump(settings))


def eventually(found: Callable[[], T], *, seconds: float = PATIENCE) -> T:
    """The first true value that a question is answered with."""
    waiting = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda value: not value),
        stop=tenacity.stop_after_delay(seconds),
        wait=tenacity.wait_fixed(0.3),
    )
    return waiting(found)


def answers(port: int) -> bool:
    """Whether Dagster's webserver is up."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/server_info", timeout=PATIENCE).ok
    except requests.ConnectionError:
        return False


def other_project(folder: Path, attributes: str, more: str = "") -> None:
    """Writes a project of a user's own, the package `elsewhere`, that has the component.

    Args:
        folder: Where it goes; the package is found with the folder on PYTHONPATH.
        attributes: The component's, as YAML.
        more: Further arguments of its definitions.
    """
    package = folder / "elsewhere"
    (package / "defs" / "crm").mkdir(parents=True)
    for path in (package, package / "defs"):
        (path / "__init__.py").touch()
    (package / "definitions.py").write_text(_DEFINITIONS.format(more=more))
    (package / "defs" / "crm" / "defs.yaml").write_text(
        f"type: campaign_monitor_assets.CampaignMonitorComponent\nattributes: {attributes}\n"
    )
    (folder / "pyproject.toml").write_text(
        '[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "elsewhere"\n'
    )
