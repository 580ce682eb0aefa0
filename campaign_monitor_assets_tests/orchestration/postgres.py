"""A PostgreSQL server of a test's own, started from the programs that the system has."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from campaign_monitor_assets_tests.orchestration.deployment import eventually, free_port


def _programs() -> Path | None:
    found = shutil.which("postgres")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return Path(found).parent if found else debian[-1].parent if debian else None


PROGRAMS = _programs()
"""The folder of `initdb` and `postgres`; None where PostgreSQL is not installed."""
_ACCOUNT = "postgres"
"""Who runs the server where the tests are run by root, whom it refuses."""


@dataclass(frozen=True)
class Server:
    """Where a server listens, and who may come in."""

    host: str
    port: int
    user: str
    password: str
    database: str


@contextmanager
def server() -> Iterator[Server]:
    """Runs a server with an empty database for as long as the context lasts."""
    assert PROGRAMS is not None
    # Not a folder of pytest's: those are closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        started = Server("127.0.0.1", free_port(), "dagster", "s3cret@x", "dagster")
        (folder / "password").write_text(started.password)
        if os.geteuid() == 0:
            for path in (folder, folder / "password"):
                shutil.chown(path, _ACCOUNT)
        initdb = [str(PROGRAMS / "initdb"), "-D", str(folder / "data"), "-U", started.user]
        initdb += ["--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "--no-sync"]
        subprocess.run(_as_account(initdb), cwd="/", check=True, capture_output=True)
        with _running(folder, started):
            yield started
    finally:
        shutil.rmtree(folder)


@contextmanager
def _running(folder: Path, started: Server) -> Iterator[None]:
    assert PROGRAMS is not None
    command = [str(PROGRAMS / "postgres"), "-D", str(folder / "data"), "-k", str(folder)]
    command += ["-h", started.host, "-p", str(started.port)]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(_as_account(command), cwd="/", stdout=log, stderr=log) as process,
    ):
        try:
            eventually(lambda: _create_database(started))
            yield
        finally:
            process.terminate()


def _as_account(command: Sequence[str]) -> list[str]:
    if os.geteuid() != 0:
        return list(command)
    account = pwd.getpwnam(_ACCOUNT)
    ids = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    return ["setpriv", *ids, "--", *command]


def _create_database(started: Server) -> bool:
    try:
        connection = psycopg2.connect(
            host=started.host,
            port=started.port,
            user=started.user,
            password=started.password,
            dbname="postgres",
        )
    except psycopg2.OperationalError:
        return False
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"create database {started.database}")
    connection.close()
    return True
