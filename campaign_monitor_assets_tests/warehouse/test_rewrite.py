"""Writing the DuckDB file anew: everything stays but the bytes of what was deleted."""

import stat
from pathlib import Path

import duckdb
import pytest

from campaign_monitor_assets.warehouse.rewrite import rewrite
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.target import Database


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
