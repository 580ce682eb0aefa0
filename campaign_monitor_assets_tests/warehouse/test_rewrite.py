"""Writing the DuckDB file anew: everything stays but the bytes of what was deleted."""

import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.warehouse import rewrite as steps
from campaign_monitor_assets.warehouse.rewrite import rewrite
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.target import Database
from campaign_monitor_assets_tests.warehouse.crashes import CLOSING, kill


def database(path: Path) -> Database:
    return Database.of(WarehouseSettings(database=str(path)))


def dump(path: Path) -> list[object]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return [
            connection.execute(query).fetchall()
            for query in (
                "from account.lists order by all",
                "from account.names order by all",
                "select sql, comment from duckdb_views() where not internal order by all",
                (
                    "select table_name, column_name, data_type, comment from duckdb_columns()"
                    " where not internal order by all"
                ),
                "select table_name, comment from duckdb_tables() order by all",
                "select constraint_text from duckdb_constraints() order by all",
                "select index_name from duckdb_indexes()",
                "select sequence_name, last_value from duckdb_sequences()",
                "select tags from duckdb_databases() where database_name = current_database()",
                "select double_of(21)",
            )
        ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with everything that DuckDB knows, a broken view included, and deleted rows."""
    path = tmp_path / "a.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as account_file (storage_version 'v1.0.0')")
        connection.execute("use account_file")
        connection.execute(
            """
            create schema account;
            create type size as enum ('S', 'M');
            create sequence counter;
            create macro double_of(x) as 2 * x;
            create table account.lists (
                ListID varchar primary key, n integer check (n > 0), s size,
                d integer default nextval('counter')
            );
            comment on table account.lists is 'The lists.';
            comment on column account.lists.n is 'A number.';
            create index by_n on account.lists (n);
            insert into account.lists (ListID, n, s)
                select 'l' || range, range + 1, 'M' from range(99);
            create view account.names as select ListID from account.lists;
            comment on view account.names is 'The names.';
            create table account.gone as select 'unheard-of ' || range as name from range(3);
            create view account.broken as from account.gone;
            """
        )
        connection.execute("checkpoint")
        connection.execute("create table account.later as select range as n from range(99999)")
        connection.execute("drop table account.gone")
    assert b"unheard-of" in path.read_bytes()
    return path


def test_everything_stays_but_the_bytes_of_what_was_deleted(path: Path) -> None:
    """Tables, views, comments, constraints and the format stay; deleted bytes go."""
    before, mode = dump(path), stat.S_IMODE(path.stat().st_mode)
    rewrite(database(path))
    assert dump(path) == before
    assert b"unheard-of" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "moment",
    [
        "copy from database",
        'detach "the fresh file"',
        "pragma disable_checkpoint_on_shutdown",
        CLOSING,
    ],
)
def test_kill_9(path: Path, moment: str) -> None:
    """A rewriting that is killed at any step leaves the file whole, and the next one clears up."""
    before = dump(path)
    kill(partial(rewrite, database(path)), moment)
    [left] = [each for each in path.parent.iterdir() if each.is_dir()]
    assert stat.S_IMODE(left.stat().st_mode) == 0o700
    assert dump(path) == before
    rewrite(database(path))
    assert dump(path) == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@dataclass(frozen=True)
class Racing:
    """A connection that is overtaken: right after it attached the file, another one is there."""

    connection: duckdb.DuckDBPyConnection
    overtake: Callable[[], None]

    def execute(self, sql: str, *parameters: object) -> duckdb.DuckDBPyConnection:
        found = self.connection.execute(sql, *parameters)
        if sql.startswith("attach") and "memory" not in sql:
            self.overtake()
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


def test_a_file_that_is_swapped_as_it_is_opened(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who opens the file just before it is swapped writes into the new one, not into thin air."""
    fresh = path.with_name("fresh.duckdb")
    shutil.copy(path, fresh)
    said, connect = list[str](), duckdb.connect

    def overtake() -> None:
        if fresh.exists():
            fresh.replace(path)

    monkeypatch.setattr(duckdb, "connect", lambda **given: Racing(connect(**given), overtake))
    with database(path).connect(warn=said.append) as connection:
        connection.execute("insert into account.later values (-1)")
    monkeypatch.undo()
    assert not fresh.exists()
    assert any("another process has just written it anew" in each for each in said)
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("select min(n) from account.later").fetchone() == (-1,)


def test_a_copy_that_differs_is_not_swapped_in(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one value differs in the copy, the file stays as it is, and the error says so."""
    content, fresh = vars(steps)["_content"], vars(steps)["_FRESH"]

    def spoiled(connection: duckdb.DuckDBPyConnection, catalog: str) -> tuple[object, ...]:
        if catalog != fresh:
            connection.execute(f'update "{fresh}".account.later set n = 7 where n = 8')
        found: tuple[object, ...] = content(connection, catalog)
        return found

    monkeypatch.setattr(steps, "_content", spoiled)
    before = dump(path)
    with pytest.raises(DatabaseError, match="not the same"):
        rewrite(database(path))
    assert dump(path) == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_file_that_is_missing_is_not_made(tmp_path: Path) -> None:
    """Without a file there is nothing to write anew, and none is made."""
    with pytest.raises(DatabaseError, match="does not exist yet"):
        rewrite(database(tmp_path / "a.duckdb"))
    assert not list(tmp_path.iterdir())
