"""PostgreSQL, Redis and an S3 server, each on a port of 127.0.0.1 with passwords of its own."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from campaign_monitor_assets.cli.cluster.processes import Process, eventually, started
from campaign_monitor_assets.cli.cluster.programs import program

Command = list[str | Path]
HOST: Final = "127.0.0.1"
_ACCOUNT: Final = "postgres"
"""Who runs PostgreSQL where root started this, whom it refuses."""


def _secret() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server, and who may come in.

    Attributes:
        port: Where it listens.
        databases: Those that were made in it.
        user: The only user, who may do all.
        password: The user's.
        host: The address.
    """

    port: int
    databases: Sequence[str]
    user: str = "demo"
    password: str = field(default_factory=_secret, repr=False)
    host: str = HOST


@dataclass(frozen=True)
class Redis:
    """A Redis server."""

    port: int
    password: str = field(default_factory=_secret, repr=False)

    @property
    def url(self) -> str:
        """Where it is, with the password."""
        return f"redis://:{self.password}@{HOST}:{self.port}/0"


@dataclass(frozen=True)
class S3:
    """An S3 server with one bucket."""

    port: int
    bucket: str
    key_id: str = field(default_factory=_secret, repr=False)
    secret: str = field(default_factory=_secret, repr=False)

    @property
    def endpoint(self) -> str:
        """Where it is."""
        return f"{HOST}:{self.port}"


@contextmanager
def postgres(*databases: str) -> Iterator[Postgres]:
    """Runs a PostgreSQL server with these databases for as long as the context lasts."""
    with private_folder("postgres-") as folder:
        server = Postgres(free_port(), databases)
        (folder / "password").write_text(server.password)
        if _is_root():
            for path in (folder, folder / "password"):
                shutil.chown(path, _ACCOUNT)
        _initialize(folder, server)
        command: Command = [program("postgres"), "-D", folder / "data", "-k", folder]
        command += ["-h", server.host, "-p", str(server.port)]
        # By SIGTERM it would wait for all connections to end.
        with started(
            "postgres", _as_account(command), folder, plain(), stops_by=signal.SIGINT
        ) as process:
            _create_databases(server, process)
            yield server


@contextmanager
def redis() -> Iterator[Redis]:
    """Runs a Redis server, which keeps nothing on disk, for as long as the context lasts."""
    with private_folder("redis-") as folder:
        server = Redis(free_port())
        settings = f'bind {HOST}\nport {server.port}\nrequirepass {server.password}\nsave ""\n'
        with started(
            "redis", [program("redis-server"), "-"], folder, plain(), given=settings
        ) as process:
            eventually(lambda: _listens(server.port), process)
            yield server


@contextmanager
def s3(bucket: str) -> Iterator[S3]:
    """Runs moto's S3 server, which keeps all in memory, for as long as the context lasts.

    It takes any key: what is in it is as open to others on this machine as the demo's accounts.
    """
    with private_folder("s3-") as folder:
        server = S3(free_port(), bucket)
        command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(server.port)]
        with started("s3", command, folder, plain()) as process:
            eventually(lambda: _put(server.port, f"/{bucket}"), process)
            yield server


@contextmanager
def private_folder(prefix: str) -> Iterator[Path]:
    """A temporary folder of this user's alone, for as long as the context lasts."""
    folder = Path(tempfile.mkdtemp(prefix=f"campaign-monitor-{prefix}"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def plain() -> Mapping[str, str]:
    """The environment of a program that needs nothing of ours."""
    return {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _initialize(folder: Path, server: Postgres) -> None:
    command: Command = [program("initdb"), "-D", folder / "data", "-U", server.user, "--no-sync"]
    command += ["--auth=scram-sha-256", f"--pwfile={folder / 'password'}"]
    subprocess.run(  # noqa: S603 (our own arguments)
        _as_account(command), cwd=folder, env=plain(), check=True, capture_output=True
    )
    (folder / "password").unlink()


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _as_account(command: Command) -> Command:
    if not _is_root():
        return command
    # The shell's own `su` would ask for a login shell, which such an account need not have.
    account = [f"--reuid={_ACCOUNT}", f"--regid={_ACCOUNT}", "--init-groups"]
    return [program("setpriv"), *account, "--", *command]


def _create_databases(server: Postgres, process: Process) -> None:
    import psycopg2  # noqa: PLC0415 (an extra)

    def connect() -> "psycopg2.extensions.connection | None":
        with suppress(psycopg2.OperationalError):
            return psycopg2.connect(
                host=server.host,
                port=server.port,
                user=server.user,
                password=server.password,
                dbname="postgres",
            )
        return None

    connection = eventually(connect, process)
    assert connection is not None
    connection.autocommit = True
    with connection.cursor() as cursor:
        for database in server.databases:
            cursor.execute(f"create database {database}")
    connection.close()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _put(port: int, path: str) -> bool:
    connection = HTTPConnection(HOST, port, timeout=10)
    with suppress(OSError, HTTPException):
        connection.request("PUT", path)
        return connection.getresponse().status == 200
    return False
