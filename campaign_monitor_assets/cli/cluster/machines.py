"""Dagster's programs as on machines of their own: each with folders that no other one has."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

import yaml

from campaign_monitor_assets.cli.cluster.processes import Process, eventually, started
from campaign_monitor_assets.cli.cluster.services import HOST, S3, Postgres, Redis, free_port, plain

SETTINGS: Final = Path(__file__).with_name("dagster.yaml")
"""Dagster's settings for runs on workers."""
APP: Final = "campaign_monitor_assets.orchestration.celery_app"
"""What a Celery worker serves."""
_QUICK: Final = {"poll_interval_seconds": 5, "free_slots_after_run_end_seconds": 5}
"""Run monitoring for those who look on."""


@dataclass(frozen=True)
class Machines:
    """Where the folders of all machines are made, and what their programs are told.

    Attributes:
        folder: Holds a folder for each machine.
        environment: What Dagster needs to know, and the definitions.
        module: Where the definitions are.
    """

    folder: Path
    environment: Mapping[str, str]
    module: str

    def machine(self, name: str) -> tuple[Path, Mapping[str, str]]:
        """A machine's own folder, with a `dagster.yaml` as all have it, and its environment."""
        folder = self.folder / name
        if not folder.exists():
            for each in (folder, folder / "tmp", folder / "dagster"):
                each.mkdir(mode=0o700)
            settings = yaml.safe_load(SETTINGS.read_text())
            settings["run_monitoring"] |= _QUICK
            (folder / "dagster" / SETTINGS.name).write_text(yaml.safe_dump(settings))
        own = {"HOME": folder, "TMPDIR": folder / "tmp", "DAGSTER_HOME": folder / "dagster"}
        return folder, {
            **plain(),
            **self.environment,
            **{key: str(path) for key, path in own.items()},
            # Where this package was found, every program shall find it too.
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[3]), *_search()]),
            "DAGSTER_DISABLE_TELEMETRY": "yes",
        }

    @contextmanager
    def daemon(self) -> Iterator[Process]:
        """Dagster's daemon: schedules, the queue of runs, run monitoring, retries."""
        # As `dagster dev` starts it.
        with self._program("daemon", ["-m", "dagster._daemon", "run", *self._code]) as process:
            yield process

    @contextmanager
    def webserver(self) -> Iterator[str]:
        """Dagster's webserver; yields its address once it answers."""
        port = free_port()
        command = ["-m", "dagster_webserver", "-h", HOST, "-p", str(port), *self._code]
        with self._program("webserver", command) as process:
            eventually(lambda: _answers(port), process)
            yield f"http://{HOST}:{port}"

    @contextmanager
    def worker(self, name: str) -> Iterator[Process]:
        """A Celery worker that executes one run at a time; yields once it takes some."""
        command = ["-m", "celery", "-A", APP, "worker", "-n", f"{name}@{HOST}"]
        command += ["--concurrency", "1", "--loglevel", "INFO"]
        with self._program(name, command) as process:
            eventually(lambda: f"{name}@{HOST} ready." in process.said(), process)
            yield process

    @property
    def _code(self) -> Sequence[str]:
        return ["-m", self.module]

    @contextmanager
    def _program(self, name: str, arguments: Sequence[str]) -> Iterator[Process]:
        folder, environment = self.machine(name)
        with started(name, [sys.executable, *arguments], folder, environment) as process:
            yield process


def environment_of(postgres: Postgres, redis: Redis) -> dict[str, str]:
    """What the settings read from the environment."""
    return {
        "DAGSTER_PG_HOST": postgres.host,
        "DAGSTER_PG_PORT": str(postgres.port),
        "DAGSTER_PG_USERNAME": postgres.user,
        "DAGSTER_PG_PASSWORD": postgres.password,
        "DAGSTER_PG_DB": postgres.databases[0],
        "DAGSTER_CELERY_URL": redis.url,
    }


def environment_of_lake(postgres: Postgres, s3: S3) -> dict[str, str]:
    """What the accounts' configurations read from the environment."""
    server = f"host={postgres.host} port={postgres.port} user={postgres.user}"
    return {
        "LAKE_CATALOGUE": f"dbname={postgres.databases[1]} {server}",
        "LAKE_PASSWORD": postgres.password,
        "LAKE_DATA_PATH": f"s3://{s3.bucket}/accounts/",
        "LAKE_S3_ENDPOINT": s3.endpoint,
        "AWS_ACCESS_KEY_ID": s3.key_id,
        "AWS_SECRET_ACCESS_KEY": s3.secret,
    }


def _search() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def _answers(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", "/server_info")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
