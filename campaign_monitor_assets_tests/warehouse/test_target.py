"""The DuckDB file: its name, how it is opened and waited for, and what its settings do."""

import dataclasses
import os
import subprocess
import sys

import duckdb
import pytest

from campaign_monitor_assets.errors import ConfigurationError, DatabaseError
from campaign_monitor_assets.warehouse.copy import publish_copy
from campaign_monitor_assets.warehouse.file import checked_path
from campaign_monitor_assets.warehouse.quoting import literal
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.target import Database
from campaign_monitor_assets_tests.project import Project, failures

NAMES = [
    "campaign_monitor",
    "Campaign_Monitor",
    "main",
    "memory",
    "temp",
    "system",
    "the file",
    "o'brien",
    'say "hi"',
    "Kunden & Gäste",
    "1.2",
    "lists",
]


@pytest.mark.parametrize(
    "name",
    [NAMES[0], *(pytest.param(each, marks=pytest.mark.slow) for each in NAMES[1:])],
)
def test_a_file_of_any_name(with_parents: Project, name: str) -> None:
    """A file may be called like a schema, a table or something of DuckDB's own."""
    path = with_parents.path.with_name(f"{name}.duckdb")
    with_parents.path.rename(path)
    project = dataclasses.replace(with_parents, path=path)
    result = project.materialize("lists")
    assert result.success, failures(result)
    with duckdb.connect() as connection:
        connection.execute(f"attach {literal(str(path))} as account (read_only)")
        assert connection.execute("from account.campaign_monitor.lists").fetchall()
    assert project.leftovers() == []


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["a*b", "a[b]", "[!a]", "**", "{a,b}", "a b", "Ä"])
def test_a_folder_of_any_name(with_parents: Project, folder: str) -> None:
    """A folder's name may hold what is a wildcard elsewhere."""
    path = with_parents.path.with_name(folder) / "account.duckdb"
    path.parent.mkdir()
    with_parents.path.rename(path)
    project = dataclasses.replace(with_parents, path=path)
    result = project.materialize("lists")
    assert result.success, failures(result)
    assert project.count("lists")


@pytest.mark.parametrize(
    "database",
    [
        "md:account",
        ":memory:",
        "",
        " ",
        "s3://bucket/a.duckdb",
        "https://example.com/a.duckdb",
        "ducklake:",
        "ducklake:sqlite:some.sqlite",
        "ducklake:md:account",
        "postgres:dbname=a",
        "motherduck:a",
        "file:a.duckdb",
        "what?/account.duckdb",
    ],
)
def test_what_is_no_path(
    with_parents: Project,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What names no local file is refused with a sentence, and no file is made."""
    monkeypatch.chdir(with_parents.path.parent)
    before = with_parents.leftovers()
    project = dataclasses.replace(with_parents, store={"database": database})
    assert not project.materialize("clients").success
    said = capfd.readouterr().err
    assert "Failure: database: " in said
    assert "is not accepted" in said
    assert with_parents.leftovers() == before


def test_no_password_of_an_address_is_repeated() -> None:
    """An address may hold a password or a token, which the refusal leaves out."""
    for database in ("postgres://me:s3cret@host/db", "md:account?motherduck_token=s3cret"):
        with pytest.raises(ConfigurationError) as caught:
            checked_path(database)
        assert "s3cret" not in str(caught.value)


def test_a_schema_in_other_letters(with_parents: Project) -> None:
    """A schema that was made in other letters is the same schema, as in DuckDB's own SQL."""
    assert with_parents.materialize("lists").success
    rows = with_parents.count("lists")
    shouting = dataclasses.replace(with_parents, store={"schema": "CAMPAIGN_MONITOR"})
    result = shouting.materialize("lists", "segments")
    assert result.success, failures(result)
    assert with_parents.count("lists") == rows
    assert with_parents.query(
        "select count(*) from duckdb_schemas() where schema_name ilike 'campaign_monitor'"
        " and database_name = current_database()"
    ) == [(1,)]


@pytest.mark.parametrize("read_only", [True, False])
def test_waiting_is_told(with_parents: Project, read_only: bool) -> None:  # noqa: FBT001
    """Who has the file open, how long it is waited for and how to end it is said at once."""
    database = Database.of(WarehouseSettings(database=str(with_parents.path), lock_timeout=0.3))
    program = (
        f"import duckdb, time; c = duckdb.connect({str(with_parents.path)!r});"
        " print('open', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
    )
    said: list[str] = []
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with (
            pytest.raises(DatabaseError, match=rf"PID {holder.pid}.*raise `lock_timeout`"),
            database.connect(read_only=read_only, warn=said.append),
        ):
            pass
    finally:
        holder.kill()
        holder.wait()
    assert len(said) == 1
    assert f"PID {holder.pid}" in said[0]
    assert "close it there to go on, or end this with Ctrl-C" in said[0]


@pytest.mark.skipif(os.name != "posix", reason="locks are a process's on POSIX alone")
def test_the_lock_is_kept(with_parents: Project) -> None:
    """A second attempt of this process to open the file doesn't lose the lock of the first one."""
    database = Database.of(WarehouseSettings(database=str(with_parents.path), lock_timeout=0.1))
    program = f"import duckdb; duckdb.connect({str(with_parents.path)!r})"
    with database.connect():
        with pytest.raises(DatabaseError, match="another connection of this process"):
            publish_copy(database, with_parents.path.with_name("copy.duckdb"))
        other = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=False
        )
    assert "Could not set lock" in other.stderr


def test_another_connection_of_this_process(with_parents: Project) -> None:
    """A connection of the user's own code in this process is named, and not a raw exception."""
    project = dataclasses.replace(with_parents, store={"lock_timeout": 0.2})
    with duckdb.connect(str(with_parents.path), config={"threads": 1}):
        result = project.materialize("lists")
    assert "another connection of this process has it open" in "".join(failures(result).values())
    assert project.materialize("lists").success
