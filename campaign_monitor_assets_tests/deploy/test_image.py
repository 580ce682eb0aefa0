"""The image without Docker: its steps are run, and what they make is started sealed.

Code location, webserver, daemon and a run, by the commands of the compose file and of the launcher.
"""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import requests
import yaml

from campaign_monitor_assets import __version__
from campaign_monitor_assets.cli.cluster import programs, services
from campaign_monitor_assets.cli.cluster.services import free_port
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.deploy.docker_api import Docker, docker
from campaign_monitor_assets_tests.deploy.files import DEPLOY, parsed
from campaign_monitor_assets_tests.deploy.image import USER, Image, built, can_seal
from campaign_monitor_assets_tests.lake import EXTENSIONS, needs_lake, wheel_of
from campaign_monitor_assets_tests.orchestration.deployment import (
    answers,
    eventually,
)

COMPOSE = parsed("compose/compose.yaml")
LAUNCH = """
mutation ($selector: JobOrPipelineSelector!) {
  launchRun(executionParams: {selector: $selector, runConfigData: {}}) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""

pytestmark = pytest.mark.slow
sealing = pytest.mark.skipif(
    not can_seal(), reason="mounting read-only and changing the user need root, unshare and setpriv"
)


@dataclass
class Stack:
    """The services of the compose file as processes.

    Attributes:
        image: What they are of.
        docker: What starts the runs.
        variables: What each of them is given.
        ports: The ports of this machine in place of those of the compose file.
    """

    image: Image
    docker: Docker
    variables: dict[str, str]
    ports: dict[str, str]
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, command: list[str], log: Path, **more: str) -> None:
        """Starts a command of the compose file or of the image."""
        with log.open("w") as file:
            self.started.append(
                subprocess.Popen(
                    self.image.sealed(*(self.ports.get(word, word) for word in command)),
                    env=self.image.variables({**self.variables, **more}),
                    cwd=self.image.placed("/etc/campaign-monitor"),
                    stdout=file,
                    stderr=subprocess.STDOUT,
                )
            )

    def stop(self) -> None:
        """Ends all of them, as an engine of containers does."""
        for process in self.started:
            process.terminate()
        for process in self.started:
            # Dagster's code server stays at times.
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """The image, which takes some minutes and 800 MB of the disk."""
    with built() as made:
        yield made


@pytest.fixture(scope="module")
def postgres() -> Iterator[services.Postgres]:
    """A server with the database of Dagster, and the lake's as the compose file makes it."""
    lake = COMPOSE["configs"]["lake"]["content"].removeprefix("create database ").rstrip(";")
    with services.postgres("dagster", lake) as running:
        yield running


@pytest.fixture(scope="module")
def places(postgres: services.Postgres) -> Iterator[dict[str, str]]:
    """What of the configuration is elsewhere on this machine; its storage has the bucket."""
    with services.s3("campaign-monitor") as storage:
        yield {
            "storage:9000": storage.endpoint,
            "host=postgres": f"host={postgres.host}",
            "port=5432": f"port={postgres.port}",
            "user=dagster": f"user={postgres.user}",
        }


@pytest.fixture
def stack(
    image: Image,
    running: Sandbox,
    postgres: services.Postgres,
    places: dict[str, str],
    tmp_path: Path,
) -> Iterator[Stack]:
    """Code location, webserver and daemon, with ports of their own on this machine."""
    with ExitStack() as opened:
        sandbox = {"CAMPAIGN_MONITOR_BASE_URL": running.url}
        listens = opened.enter_context(docker(image, tmp_path / "runs.log", sandbox))
        home = Path(image.placed("/opt/dagster/dagster_home"))
        (home / "dagster.yaml").write_bytes((DEPLOY / "compose" / "dagster.yaml").read_bytes())
        ports = {"4000": str(free_port()), "3000": str(free_port())}
        places |= {"host: code": "host: 127.0.0.1", "port: 4000": f"port: {ports['4000']}"}
        for name in ("defs.yaml", "workspace.yaml"):
            _elsewhere(Path(image.placed(f"/etc/campaign-monitor/{name}")), places)
        named = COMPOSE["services"]["code"]["environment"]
        given = {name: value for name, value in named.items() if "$" not in value}
        given |= {
            "DAGSTER_PG_HOST": postgres.host,
            "DAGSTER_PG_PORT": str(postgres.port),
            "DAGSTER_PG_USERNAME": postgres.user,
            "DAGSTER_PG_PASSWORD": postgres.password,
            "CAMPAIGN_MONITOR_API_KEY": running.key,
            "CAMPAIGN_MONITOR_CLIENT_ID": "",
            **sandbox,
            "AWS_ACCESS_KEY_ID": "lake",
            "AWS_SECRET_ACCESS_KEY": "of-the-test",
            "LAKE_PASSWORD": postgres.password,
        }
        made = Stack(image, listens, given, ports)
        opened.callback(made.stop)
        made.start([*image.command], tmp_path / "code.log")
        for name in ("webserver", "daemon"):
            command = COMPOSE["services"][name]["command"]
            made.start(command, tmp_path / f"{name}.log", DOCKER_HOST=listens.url)
        yield made


def test_the_steps_make_what_runs(image: Image) -> None:
    """An ordinary user installs what the constraints name; no step needs root."""
    python = image.placed("/opt/campaign-monitor/bin/python")
    asked = "import campaign_monitor_assets as c, duckdb; print(c.__version__, duckdb.__version__)"
    done = subprocess.run(
        [python, "-c", asked], capture_output=True, text=True, check=True, cwd=image.folder
    )
    pinned = (DEPLOY.parent / "constraints.txt").read_text("utf-8")
    version, duckdb = done.stdout.split()
    assert version == __version__
    assert f"\nduckdb=={duckdb}\n" in pinned
    assert image.user == f"{USER}:{USER}"


@sealing
def test_what_a_container_may_write(image: Image) -> None:
    """The seal of these tests holds: two places take a file, all others refuse it."""
    tried = "for f in /tmp/x $S/x $F/tmp/x /etc/x $F/opt/x; do (: >$f) 2>&- && echo $f; done; id -u"
    done = subprocess.run(
        image.sealed("sh", "-c", tried),
        env=image.variables({"F": str(image.folder), "S": image.placed("/scratch")}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    folder = image.folder
    assert done.stdout.split() == [f"{folder}/scratch/x", f"{folder}/tmp/x", str(USER)]


@sealing
@needs_lake
@pytest.mark.skipif(
    programs.found("initdb") is None,
    reason="PostgreSQL is not installed (Debian: apt-get install postgresql)",
)
def test_a_run_is_a_container(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the UI to the daemon, to Docker, to rows: nothing needs root or writes elsewhere."""
    eventually(lambda: answers(int(stack.ports["3000"])))
    selector = {
        "repositoryLocationName": "campaign_monitor",
        "repositoryName": "__repository__",
        "pipelineName": "campaign_monitor_all",
        "assetSelection": [{"path": ["campaign_monitor", name]} for name in ("clients", "lists")],
    }
    run = str(eventually(lambda: _launched(stack, selector)))
    for name, value in stack.variables.items():
        monkeypatch.setenv(name, value)
    home = stack.image.placed("/opt/dagster/dagster_home")
    with dg.DagsterInstance.from_config(home) as instance:
        ended = eventually(lambda: _ended(instance, run))
        assert ended is dg.DagsterRunStatus.SUCCESS
    [container] = stack.docker.created
    assert container["Image"] == COMPOSE["services"]["code"]["image"]
    assert container["HostConfig"]["ReadonlyRootfs"]
    assert container["HostConfig"]["Mounts"] == [{"Type": "volume", "Target": "/scratch"}]
    assert _rows(stack.image, stack.variables, "lists") == 10


def _elsewhere(path: Path, places: dict[str, str]) -> None:
    text = path.read_text("utf-8")
    for named, place in places.items():
        text = text.replace(named, place)
    path.write_text(text, "utf-8")


def _launched(stack: Stack, selector: dict[str, Any]) -> str | None:
    answer: dict[str, Any] = requests.post(
        f"http://127.0.0.1:{stack.ports['3000']}/graphql",
        json={"query": LAUNCH, "variables": {"selector": selector}},
        timeout=60,
    ).json()
    found = answer["data"]["launchRun"]
    # The webserver may be up before it has heard from the code location.
    return str(found["run"]["runId"]) if found["__typename"] == "LaunchRunSuccess" else None


def _rows(image: Image, variables: dict[str, str], table: str) -> int:
    """How many rows of a table any DuckDB finds in the lake."""
    written = Path(image.placed("/etc/campaign-monitor/defs.yaml")).read_text("utf-8")
    warehouse = yaml.safe_load(written)["attributes"]["warehouse"]
    with duckdb.connect() as connection:
        for extension in EXTENSIONS:
            connection.execute(f"load '{wheel_of(extension)}'")
        connection.execute(
            f"create secret (type s3, key_id '{variables['AWS_ACCESS_KEY_ID']}',"
            f" secret '{variables['AWS_SECRET_ACCESS_KEY']}', use_ssl false, url_style 'path',"
            f" endpoint '{warehouse['s3']['endpoint']}')"
        )
        password = variables["LAKE_PASSWORD"]
        connection.execute(
            f"attach '{warehouse['database']} password={password}' as lake (read_only)"
        )
        found = connection.execute(f"select count(*) from lake.campaign_monitor.{table}").fetchone()
    assert found is not None
    return int(found[0])


def _ended(instance: dg.DagsterInstance, run: str) -> dg.DagsterRunStatus | None:
    found = instance.get_run_by_id(run)
    assert found is not None
    return found.status if found.is_finished else None
