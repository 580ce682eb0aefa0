"""What only a DuckLake has: S3, maintenance, forgetting in it, and a file that moves into it."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from campaign_monitor_assets.cli.cluster import programs, services
from campaign_monitor_assets.errors import ConfigurationError, DatabaseError
from campaign_monitor_assets.warehouse import maintenance
from campaign_monitor_assets.warehouse.forget import forget
from campaign_monitor_assets.warehouse.maintenance import maintain
from campaign_monitor_assets.warehouse.memory import Rows
from campaign_monitor_assets.warehouse.moving import move
from campaign_monitor_assets.warehouse.privacy import KEEP_ALL
from campaign_monitor_assets.warehouse.settings import PublishSettings, WarehouseSettings
from campaign_monitor_assets.warehouse.target import Database
from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.lake import needs_lake, wheel_of
from campaign_monitor_assets_tests.project import Project, failures
from campaign_monitor_assets_tests.warehouse.snapshots import SCHEMA, Warehouse, person

pytestmark = needs_lake

WEEK = timedelta(days=7)

_FILES = "select data_file from ducklake_list_files(current_database(), '{}')"


@pytest.fixture
def store(tmp_path: Path) -> Warehouse:
    """A lake with an embedded catalogue."""
    more = warehouses.settings(tmp_path / "account.ducklake", "lake")
    return Warehouse(tmp_path / "lake", settings=PublishSettings(history=True), more=more)


def rows(store: Warehouse, sql: str) -> list[tuple[Any, ...]]:
    with store.database.connect(read_only=True) as connection:
        connection.execute(f"use {SCHEMA}")
        return connection.execute(sql).fetchall()


def parquet(store: Warehouse) -> list[Path]:
    return list(Path(store.more["data_path"]).rglob("*.parquet"))


def test_marks_and_backslashes_stay(store: Warehouse) -> None:
    """What stands inside of structs stays as it was sent, also where there are few rows."""
    told = [{"Key": "[it's]", "Value": "a\\b \"c\" ' '' \\' \n"}]
    store.publish({"a": [person("1", CustomFields=told)]})
    found = rows(store, "select unnest(CustomFields, recursive := true) from active_subscribers")
    assert found == [(told[0]["Key"], told[0]["Value"])]
    with store.database.connect(read_only=True) as connection:
        options = dict(
            connection.execute(
                "select option_name, value from ducklake_options(current_database())"
            ).fetchall()
        )
    assert options["data_inlining_row_limit"] == "0"


def test_a_lake_that_is_not_there(store: Warehouse) -> None:
    """To read it before the first run makes nothing, and says what to do."""
    assert not store.database.exists()
    with pytest.raises(DatabaseError, match=r"does not exist yet\. Materialize the tables first"):
        rows(store, "from active_subscribers")
    assert not list(store.path.parent.iterdir())


def test_row_groups_of_wide_rows(store: Warehouse) -> None:
    """Whoever writes a lake that has wide rows gets row groups that fit into memory, for good."""
    make = "create or replace table {} as select n from range(10000) numbers(n)"
    for name, average in (("narrow", 100), ("wide", 1_000), ("wider", 40_000), ("last", 0)):
        store.database.write(
            lambda connection, name=name: connection.execute(make.format(name)),  # type: ignore[misc]
            rows=Rows(average),
        )
    with store.database.connect(read_only=True) as connection:
        groups = {
            name: connection.execute(
                "select max(row_group_num_rows) from parquet_metadata(?)",
                [[file for (file,) in connection.execute(_FILES.format(name)).fetchall()]],
            ).fetchone()
            for name in ("narrow", "wide", "wider", "last")
        }
    assert groups == {"narrow": (10_000,), "wide": (8_192,), "wider": (2_048,), "last": (2_048,)}


@pytest.mark.slow
def test_a_long_table_has_several_files(store: Warehouse) -> None:
    """Files are so short that rows go from them in little memory, unless a user wants others."""

    def files(name: str) -> list[Path]:
        store.database.write(
            lambda connection: connection.execute(
                f"create table {name} as select uuid() as a, uuid() as b, uuid() as c"
                " from range(1500000)"
            )
        )
        with store.database.connect(read_only=True) as connection:
            return [Path(file) for (file,) in connection.execute(_FILES.format(name)).fetchall()]

    store.publish({"a": [person("1")]})
    short = files("short")
    assert len(short) > 1
    assert max(file.stat().st_size for file in short) < 40_000_000
    option = "call ducklake_set_option(current_database(), 'target_file_size', '1GB')"
    with store.database.connect() as connection:
        connection.execute(option)
    assert len(files("long")) == 1


def test_uploads_take_little_memory(store: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever writes to S3 does so in parts of 5 MB: those for DuckDB's largest file take 80 MB."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    store.more = {**store.more, "data_path": "s3://bucket/account"}
    for read_only in (False, True):
        with store.database.connect(read_only=read_only) as connection:
            found = connection.execute("select current_setting('s3_uploader_max_filesize')")
            assert found.fetchall() == [("50GB",)]


@pytest.mark.parametrize(
    ("database", "more", "said"),
    [
        ("ducklake:", {}, "Allowed: ducklake:some.ducklake"),
        ("ducklake:mysql:db", {}, "'ducklake:mysql…' is not accepted"),
        ("ducklake:postgres:host=db", {"data_path": "x"}, "lacks its database"),
        ("ducklake:postgres:dbname=a", {}, "data_path: a DuckLake with its catalogue in Postgre"),
        ("ducklake:postgres:dbname=a password=s3cret", {"data_path": "x"}, "it holds a password"),
        ("ducklake:postgres:postgresql://u:s3cret@h/d", {"data_path": "x"}, "it holds a password"),
        ("ducklake:a", {"data_path": "gs://bucket/"}, "Allowed: a folder, or s3://bucket/prefix/"),
        ("ducklake:a", {"data_path": "s3://b/"}, "NO_SUCH is not set"),
        ("ducklake:a", {"s3": {"endpint": "x"}}, "endpint is not accepted"),
    ],
)
def test_what_is_no_lake(database: str, more: dict[str, Any], said: str) -> None:
    """A mistake is a sentence that says what is allowed, without a password."""
    given = {"s3": {"key_id_variable": "NO_SUCH"}, **more}
    with pytest.raises(ConfigurationError, match=re.escape(said)) as caught:
        Database.of(WarehouseSettings(database=database, **given))
    assert "s3cret" not in str(caught.value)


def test_maintenance(store: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots that are too old go, then, a day later, their files; what is there stays."""
    for day in range(6):
        store.publish({"a": [person(str(n), Name=f"{day}") for n in range(50)], "b": []})
    whole = rows(store, "from active_subscribers order by all")
    history = rows(store, f"from {SCHEMA}_history.active_subscribers order by all")
    known = rows(store, "from sync_log_parents order by all")
    before = len(parquet(store))
    kept = maintain(store.database, keep=WEEK)
    assert kept.deleted == 0
    assert rows(store, "select count(*) from sync_parents") == [(2,)]
    found = maintain(store.database, keep=timedelta())
    assert found.expired > 6
    assert found.deleted == 0, "a reader or a writer that began before may need them"
    assert len(parquet(store)) >= before
    monkeypatch.setattr(maintenance, "_LEAST_AGE", timedelta())
    found = maintain(store.database, keep=timedelta())
    assert found.deleted > 0
    assert len(parquet(store)) < before / 2
    assert "files with" in found.note
    assert rows(store, "from active_subscribers order by all") == whole
    assert rows(store, f"from {SCHEMA}_history.active_subscribers order by all") == history
    assert rows(store, "from sync_log_parents order by all") == known


@pytest.mark.parametrize("most", [500_000, pytest.param(60, marks=pytest.mark.slow)])
def test_files_that_lost_rows(store: Warehouse, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Where rows change every day there are few files, though each day some go from older ones."""
    monkeypatch.setattr(maintenance, "_MOST_ROWS", most)
    people = [person(f"{n}", Name="") for n in range(100)]
    store.publish({"a": people})
    for day in range(12):
        for n in range(8):
            changed = (day * 13 + n * 3) % 100
            people[changed] = person(f"{changed}", Name=f"{day}")
        store.publish({"a": people})
    whole = rows(store, "from active_subscribers order by all")
    history = rows(store, f"from {SCHEMA}_history.active_subscribers order by all")
    files = f"{_FILES.format('active_subscribers')[:-1]}, schema => '{SCHEMA}')"
    before = rows(store, files)
    maintain(store.database, keep=WEEK)
    after = rows(store, files)
    assert len(after) <= (4 if most == 60 else 3) < len(before) - 8
    assert rows(store, "from active_subscribers order by all") == whole
    assert rows(store, f"from {SCHEMA}_history.active_subscribers order by all") == history
    assert {name for (name,) in before} <= {str(file) for file in parquet(store)}
    store.publish({"a": people[1:]})
    assert rows(store, "select count(*) from active_subscribers") == [(99,)]


@pytest.mark.slow
def test_maintenance_beside_a_writer_and_readers(store: Warehouse) -> None:
    """Runs go on while files are written anew, and whoever reads sees whole snapshots."""
    people = [person(f"{n}", Name="first") for n in range(60)]
    store.publish({"a": people})
    days = [f"day {day}" for day in range(8)]

    def write() -> None:
        for day, name in enumerate(days):
            changed = [(day * 7 + n) % 60 for n in range(12)]
            store.publish(
                {
                    "a": [
                        dict(each, Name=name) if n in changed else each
                        for n, each in enumerate(people)
                    ]
                }
            )

    with ThreadPoolExecutor() as pool:
        writing = pool.submit(write)
        seen = set()
        while not writing.done():
            maintain(store.database, keep=WEEK)
            [(number, known)] = rows(
                store,
                "select count(*), (select rows from sync_log order by snapshot desc limit 1)"
                " from active_subscribers",
            )
            assert number == known == 60
            seen |= {
                name for (name,) in rows(store, "select distinct Name from active_subscribers")
            }
        writing.result()
    assert len(seen) > 1
    maintain(store.database, keep=WEEK)
    last = rows(store, "select Name, count(*) from active_subscribers group by all order by all")
    assert last == [("day 7", 12), ("first", 48)]
    old = f"select count(*) from {SCHEMA}.active_subscribers at (version => {{}})"
    with store.database.connect(read_only=True) as connection:
        numbers = connection.execute(
            "select snapshot_id from ducklake_snapshots(current_database()) where snapshot_id > 5"
        ).fetchall()
        for (number,) in numbers:
            assert connection.execute(old.format(number)).fetchall() == [(60,)]


def test_maintenance_of_a_file(tmp_path: Path) -> None:
    """A DuckDB file has none."""
    file = Database.of(WarehouseSettings(database=str(tmp_path / "a.duckdb")))
    with pytest.raises(ConfigurationError, match="Maintenance is for a DuckLake"):
        maintain(file, keep=WEEK)


@pytest.mark.slow
def test_forgetting(store: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """No snapshot holds the person any more at once; no file does once maintenance deleted them."""
    ann = person("ann@example.com", Name="Ann Arbor")
    store.publish({"a": [ann, person("bob@example.com")]})
    store.publish({"a": [dict(ann, Name="Ann Other"), person("bob@example.com")]})
    said = forget(store.database, SCHEMA, ["ANN@example.com"], KEEP_ALL).lines()
    assert any("deleted by the maintenance" in line for line in said)
    assert rows(store, "select EmailAddress from active_subscribers") == [("bob@example.com",)]
    for number in range(1, 99):
        with store.database.connect(read_only=True) as connection:
            try:
                found = connection.execute(
                    f"select count(*) from {SCHEMA}.active_subscribers at (version => {number})"
                    " where EmailAddress = 'ann@example.com'"
                ).fetchone()
            except duckdb.Error:
                continue
            assert found == (0,)
    monkeypatch.setattr(maintenance, "_LEAST_AGE", timedelta())
    maintain(store.database, keep=WEEK)
    assert parquet(store)
    for file in parquet(store):
        with duckdb.connect() as connection:
            held = connection.execute(
                f"select count(*) from '{file}' as row where row::varchar ilike '%ann@example.com%'"
            ).fetchone()
        assert held == (0,)


@pytest.mark.slow
def test_a_file_moves_into_a_lake(with_parents: Project, tmp_path: Path) -> None:
    """Every row, column and comment arrives, and runs go on in the lake where they ended."""
    tables = ("clients", "lists", "campaigns", "active_subscribers")
    project = replace(with_parents, store={"history": ["lists"]})
    assert project.materialize(*tables).success
    file = Database.of(WarehouseSettings(database=str(project.path)))
    told = warehouses.settings(tmp_path / "moved.ducklake", "lake")
    lake = Database.of(WarehouseSettings(**told))
    before = project.path.read_bytes()
    moved = move(file, lake)
    assert project.path.read_bytes() == before
    assert moved.rows["campaign_monitor.lists"] == project.count("lists")
    describe = "select table_name, column_name, data_type, comment from duckdb_columns() where"
    describe += " database_name = current_database() and not internal and table_name not in"
    describe += " (select view_name from duckdb_views()) order by all"
    with lake.connect(read_only=True) as connection:
        connection.execute("use campaign_monitor")
        for table in (*tables, "sync_log", "sync_log_parents", "sync_state"):
            there = connection.execute(f"from {table} order by all").fetchall()
            assert there == project.query(f"from {table} order by all"), table
        assert connection.execute(describe).fetchall() == project.query(describe)
    with pytest.raises(ConfigurationError, match="nothing was moved"):
        move(file, lake)
    result = replace(project, store={**project.store, **told}).materialize(*tables)
    assert result.success, failures(result)
    with lake.connect(read_only=True) as connection:
        connection.execute("use campaign_monitor")
        log = "select inserted, updated, deleted from sync_log where table_name = 'lists'"
        assert connection.execute(f"{log} order by snapshot").fetchall()[1:] == [(0, 0, 0)] * 2
        valid = "select count(*) from campaign_monitor_history.lists where _valid_to is null"
        assert connection.execute(valid).fetchall() == [(project.count("lists"),)]


@pytest.mark.skipif(
    programs.found("initdb") is None,
    reason="PostgreSQL is not installed (Debian: apt-get install postgresql)",
)
@pytest.mark.slow
def test_s3(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the catalogue in PostgreSQL and the files on S3 a run works, and anybody reads it."""
    with services.s3("bucket") as server:
        monkeypatch.setenv("LAKE_KEY", server.key_id)
        monkeypatch.setenv("LAKE_SECRET", server.secret)
        told = warehouses.settings(project.path, "postgres") | {
            "data_path": "s3://bucket/account",
            "s3": {
                "endpoint": server.endpoint,
                "url_style": "path",
                "use_ssl": False,
                "key_id_variable": "LAKE_KEY",
                "secret_variable": "LAKE_SECRET",
            },
        }
        result = replace(project, store=told).materialize("clients", "lists", "active_subscribers")
        assert result.success, failures(result)
        with duckdb.connect() as connection:
            for name in ("ducklake", "postgres_scanner", "httpfs"):
                connection.execute(f"load '{wheel_of(name)}'")
            connection.execute(
                f"create secret (type s3, key_id '{server.key_id}', secret '{server.secret}',"
                f" endpoint '{server.endpoint}', url_style 'path', use_ssl false)"
            )
            monkeypatch.setenv("PGPASSWORD", os.environ[warehouses.PASSWORD_VARIABLE])
            connection.execute(f"attach '{told['database']}' as lake")
            [(found,)] = connection.execute(
                "select count(*) from lake.campaign_monitor.active_subscribers"
            ).fetchall()
            files = connection.execute(
                "select data_file from ducklake_list_files('lake', 'active_subscribers',"
                " schema => 'campaign_monitor')"
            ).fetchall()
        people = project.box.account("active_subscribers")["active_subscribers"]
        assert found == sum(map(len, people.values()))
        assert all(file.startswith("s3://bucket/account/") for (file,) in files)
