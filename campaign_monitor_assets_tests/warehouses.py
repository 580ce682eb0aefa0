"""The kind of warehouse that tests run on: the same suite for a DuckDB file and for DuckLakes.

`WAREHOUSE=lake` and `WAREHOUSE=postgres` run the tests on a DuckLake, with an embedded catalogue
and with one in PostgreSQL. By default they run on a DuckDB file.
"""

import atexit
import functools
import hashlib
import os
import shutil
import unittest.mock
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest

from campaign_monitor_assets.cli.cluster import programs, services
from campaign_monitor_assets.warehouse.file import FileOpening
from campaign_monitor_assets.warehouse.lake import LakeOpening
from campaign_monitor_assets.warehouse.memory import Memory
from campaign_monitor_assets.warehouse.opening import Opening
from campaign_monitor_assets.warehouse.quoting import identifier, literal
from campaign_monitor_assets_tests import lake

KIND = os.environ.get("WAREHOUSE", "file")
PASSWORD_VARIABLE = "TESTS_LAKE_PASSWORD"
_PORT_VARIABLE = "TESTS_LAKE_PORT"
"""With it processes that tests start find the server of those that started them."""

file_only = pytest.mark.skipif(KIND != "file", reason="it is about a DuckDB file")
"""For what only a file has: its bytes, its lock, its format of earlier versions."""

lake_only = pytest.mark.skipif(KIND == "file", reason="it is about a DuckLake")
"""For what only a lake has."""


def missing() -> str:
    """Why no test can run on this kind of warehouse here; empty where they can."""
    if KIND != "file" and lake.MISSING:
        return lake.REASON
    if KIND == "postgres" and not all(map(programs.found, programs.POSTGRES)):
        return f"a catalogue in PostgreSQL needs {' and '.join(programs.POSTGRES)}"
    return ""


def settings(path: Path, kind: str = KIND) -> dict[str, Any]:
    """What the component says of the warehouse that stands at a path.

    Args:
        path: The file; of a lake, its catalogue or what stands for it.
        kind: The kind of warehouse.
    """
    if kind == "file":
        return {"database": str(path)}
    files = f"{path}.files"
    if kind == "lake":
        return {"database": f"ducklake:{path}", "data_path": files}
    _create_database(path)
    return {
        "database": f"ducklake:postgres:{_address(path)}",
        "database_password_variable": PASSWORD_VARIABLE,
        "data_path": files,
    }


@contextmanager
def only_this_kind() -> Iterator[list[str]]:
    """What is opened meanwhile, by what is tested or here; another kind of warehouse is an error.

    Otherwise a test that doesn't ask for its `settings` here would pass on a file unnoticed.
    """
    _found.clear()

    def watched(attach: Callable[..., Memory]) -> Callable[..., Memory]:
        def attach_this(opening: Opening, *given: Any, **named: Any) -> Memory:
            embedded = "lake" if opening.file else "postgres"
            kind = "file" if isinstance(opening, FileOpening) else embedded
            assert kind == KIND, f"WAREHOUSE={KIND}, and the test opens the {opening.label}"
            _found.append(opening.label)
            return attach(opening, *given, **named)

        return attach_this

    with ExitStack() as stack:
        for each in (FileOpening, LakeOpening):
            patch = unittest.mock.patch.object(each, "attach", watched(each.attach))
            stack.enter_context(patch)
        yield _found


@contextmanager
def opened(path: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse as anybody opens it with DuckDB."""
    _found.append(str(path))
    if KIND == "file":
        with duckdb.connect(str(path), read_only=read_only) as connection:
            yield connection
        return
    connection = _instance()
    attach(connection, path, "lake")
    try:
        with connection.cursor() as cursor:
            cursor.execute("use lake")
            yield cursor
    finally:
        connection.execute("detach lake")


def attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Attaches a warehouse to an instance of DuckDB (see `instance`), under a name."""
    address, options = str(path), ["read_only"] if KIND == "file" else []
    if KIND != "file":
        options = [f"data_path {literal(f'{path}.files/')}", "data_inlining_row_limit 0"]
        address = f"ducklake:{path}"
    if KIND == "postgres":
        _create_database(path)
        options.append("meta_secret 'of_lake'")
        address = f"ducklake:postgres:{_address(path)}"
    connection.execute(f"attach {literal(address)} as {identifier(name)} ({', '.join(options)})")


@functools.cache
def _instance() -> duckdb.DuckDBPyConnection:
    """One for all tests: to load what a lake needs takes longer than to attach one."""
    return instance()


def instance() -> duckdb.DuckDBPyConnection:
    """DuckDB as anybody has it, with what this kind of warehouse needs."""
    connection = duckdb.connect()
    if KIND == "file":
        return connection
    connection.execute(f"load '{lake.wheel_of('ducklake')}'")
    if KIND == "postgres":
        connection.execute(f"load '{lake.wheel_of('postgres_scanner')}'")
        password = _server().password
        connection.execute(f"create secret of_lake (type postgres, password '{password}')")
    return connection


def exists(path: Path) -> bool:
    """Whether anything has been written to a warehouse."""
    return (path if KIND == "file" else Path(f"{path}.files")).exists()


def copy(path: Path, target: Path) -> None:
    """Copies a warehouse as it is, with what was committed beside it, over what is there."""
    if KIND != "postgres":
        for suffix in _FILES:
            if (file := Path(f"{path}{suffix}")).exists():
                shutil.copy(file, f"{target}{suffix}")
    if KIND == "file":
        return
    shutil.rmtree(f"{target}.files", ignore_errors=True)
    if exists(path):
        shutil.copytree(f"{path}.files", f"{target}.files")
    place = literal(f"{target}.files/")
    moved = f"update ducklake_metadata set value = {place} where key = 'data_path'"
    if KIND == "lake" and target.exists():
        with _connect(str(target)) as connection:
            # Before its first commit there is nothing in it.
            if connection.execute("from duckdb_tables()").fetchall():
                connection.execute(moved)
    elif KIND == "postgres" and exists(path):
        close(path)
        _run(f'drop database if exists "{_name(target)}" with (force)')
        _run(f'create database "{_name(target)}" template "{_name(path)}"')
        _run(moved, _name(target))


def written(path: Path) -> object:
    """What differs as soon as anything more has been written to a warehouse's file."""
    files = [Path(f"{path}{suffix}") for suffix in _FILES]
    return tuple(file.read_bytes() if file.exists() else None for file in files)


def close(path: Path) -> None:
    """Ends all connections to a catalogue in PostgreSQL; whoever needs one makes another."""
    _run(
        "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
        f" where datname = '{_name(path)}'"
    )


def files(path: Path) -> list[Path]:
    """The files that hold the rows of a warehouse now.

    Of a file, with all that stands beside it; of a lake those that its newest snapshot needs, since
    others are deleted a day later.
    """
    if KIND == "file":
        return list(path.parent.iterdir())
    with opened(path) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables()"
            " where database_name = current_database()"
        ).fetchall()
        found = [
            row
            for schema, table in tables
            for row in connection.execute(
                f"select data_file, delete_file from ducklake_list_files('lake', '{table}',"
                f" schema => '{schema}')"
            ).fetchall()
        ]
    return [Path(file) for row in found for file in row if file]


def catalogue(path: Path) -> str:
    """All that the catalogue of a lake says of its rows, such as their least and greatest."""
    if KIND == "file":
        return ""
    if KIND == "lake":
        with duckdb.connect(str(path), read_only=True) as connection:
            names = connection.execute("select table_name from duckdb_tables()").fetchall()
            return "".join(str(connection.execute(f"from {name}").fetchall()) for (name,) in names)
    names = _run("select tablename from pg_tables where schemaname = 'public'", _name(path))
    return "".join(str(_run(f"select * from {name}", _name(path))) for (name,) in names)


def beside(path: Path) -> list[str]:
    """What stands in the folder beside a warehouse."""
    own = {path, path.with_name(f"{path.name}.files")}
    return sorted(each.name for each in path.parent.iterdir() if each not in own)


_connect = duckdb.connect
"""DuckDB's own, whatever a test puts in its place to watch what is done."""

_found: list[str] = []

_FILES = ("", ".wal")
"""What follows a file's name in those in which DuckDB keeps its content."""


@functools.cache
def _server() -> services.Postgres:
    """One server for all tests of a process, and for the processes that they start."""
    if port := os.environ.get(_PORT_VARIABLE):
        return services.Postgres(int(port), (), password=os.environ[PASSWORD_VARIABLE])
    stack = ExitStack()
    started = stack.enter_context(services.postgres())
    atexit.register(stack.close)
    os.environ.update({_PORT_VARIABLE: str(started.port), PASSWORD_VARIABLE: started.password})
    return started


def _name(path: Path) -> str:
    return f"lake_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"


def _address(path: Path) -> str:
    server = _server()
    return f"dbname={_name(path)} host={server.host} port={server.port} user={server.user}"


@functools.cache
def _create_database(path: Path) -> None:
    try:
        _run(f'create database "{_name(path)}"')
    except psycopg2.errors.DuplicateDatabase:
        return


def _run(sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
    server = _server()
    connection = psycopg2.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        dbname=database,
    )
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql)
        found = cursor.fetchall() if cursor.description else []
    connection.close()
    return found
