"""A lake whose catalogue or files fail: a clear error, the old rows whole, the next run right."""

import itertools
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from campaign_monitor_assets.cli.cluster import programs, services
from campaign_monitor_assets.cli.cluster.processes import eventually
from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.lake import needs_lake
from campaign_monitor_assets_tests.project import Project, failures
from campaign_monitor_assets_tests.warehouse.crashes import At, watched
from campaign_monitor_assets_tests.warehouse.snapshots import SCHEMA, Row, Warehouse, person

pytestmark = [
    needs_lake,
    pytest.mark.skipif(
        not all(map(programs.found, programs.POSTGRES)),
        reason="it needs PostgreSQL: no initdb and postgres on the PATH or below /usr/lib",
    ),
]

PASSWORD = "FAULTS_PASSWORD"
WRONG = "FAULTS_WRONG_PASSWORD"

OLD: Mapping[str, Sequence[Row]] = {"a": [person("1"), person("2")], "b": [person("1")]}
NEW: Mapping[str, Sequence[Row]] = {"a": [person("1", Name="x"), person("3")], "b": []}

MOMENTS = {
    "while it loads": "insert into temp.loaded",
    "in the midst of the rows": 'insert into "account"."active_subscribers"',
    "at the log": 'insert into "account"."sync_log" ',
    "at the commit": "commit",
}


@dataclass(frozen=True)
class Faulty:
    """A lake in a database of its own, whose server does what a test wants."""

    server: services.Postgres
    database: str
    files: Path
    at: At

    def said(self, **other: object) -> dict[str, Any]:
        """What a user says of it, or of one that differs in something."""
        found = {"dbname": self.database, "host": self.server.host, "port": self.server.port}
        found |= {"user": self.server.user, **other}
        address = " ".join(f"{name}={value}" for name, value in found.items())
        return {
            "database": f"ducklake:postgres:{address}",
            "data_path": str(self.files),
            "database_password_variable": PASSWORD,
            "lock_timeout": 5,
        }

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.files.with_name("none"), more=self.said())

    def rows(self) -> list[tuple[Any, ...]]:
        """The rows as they are read back, and how many of them the log knows of."""
        with self.warehouse.database.connect(read_only=True) as connection:
            found = connection.execute(
                f"select ListID, EmailAddress, Name from {SCHEMA}.active_subscribers order by all"
            ).fetchall()
            logged = connection.execute(
                f"select rows from {SCHEMA}.sync_log order by snapshot desc limit 1"
            ).fetchall()
        assert logged == [(len(found),)]
        return found

    def run(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Does something as the server's administrator, as soon as it is up again."""
        [found] = eventually(lambda: self._run_now(sql, database))
        return found

    def _run_now(self, sql: str, database: str) -> list[list[tuple[Any, ...]]]:
        server = self.server
        with suppress(psycopg2.OperationalError):
            connection = psycopg2.connect(
                host=server.host,
                port=server.port,
                user=server.user,
                password=server.password,
                dbname=database,
            )
            with closing(connection), connection.cursor() as cursor:
                connection.autocommit = True
                cursor.execute(sql)
                return [cursor.fetchall() if cursor.description else []]
        return []

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to those processes of the server that work for the lake's database."""
        sql = f"select pid from pg_stat_activity where datname = '{self.database}'"
        for (pid,) in self.run(sql):
            # Where one is killed, the server ends the others by itself.
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def publish_struck(self, moment: str, strike: Callable[[], None]) -> None:
        """Publishes the new snapshot; at a moment something happens."""
        # To begin a reading is a transaction of its own: it isn't the one that is to be struck.
        reading = self.warehouse.begin()
        self.at.text, self.at.strike = MOMENTS[moment], strike
        try:
            self.warehouse.publish(NEW, reading=reading)
        finally:
            assert self.at.reached


_numbers = itertools.count()
OLD_ROWS = [("a", "1", ""), ("a", "2", ""), ("b", "1", "")]
NEW_ROWS = [("a", "1", "x"), ("a", "3", "")]


@pytest.fixture(scope="module")
def server() -> Iterator[services.Postgres]:
    with services.postgres() as started:
        yield started


@pytest.fixture
def empty(
    server: services.Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Faulty]:
    """A lake that nobody has made yet."""
    monkeypatch.setenv(PASSWORD, server.password)
    monkeypatch.setenv(WRONG, "a-password-of-another")
    # What the process keeps of one lake must not be taken for another's.
    name = f"faulty_{next(_numbers)}"
    with watched(at := At("no statement", lambda: None)):
        made = Faulty(server, name, tmp_path / "files", at)
        made.run(f"create database {name}")
        yield made


@pytest.fixture
def lake(empty: Faulty) -> Faulty:
    """A lake with the old snapshot."""
    empty.warehouse.publish(OLD)
    return empty


@pytest.mark.parametrize("what", ["connection", "database", "password", "host", "crowd"])
def test_a_catalogue_that_refuses(
    empty: Faulty, box: Sandbox, what: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A run says which catalogue and why, before it fetches anything, and no password anywhere."""
    other: dict[str, dict[str, object]] = {
        "connection": {"port": services.free_port()},
        "database": {"dbname": "nope"},
        "host": {"host": "nowhere.invalid"},
        "crowd": {"user": "crowded"},
    }
    if what == "crowd":
        password = empty.server.password
        empty.run(f"create role crowded login connection limit 0 password '{password}'")
    store = empty.said(**other.get(what, {}))
    if what == "password":
        store["database_password_variable"] = WRONG
    result = Project(box, empty.files, store=store).materialize("clients")
    [text] = failures(result).values()
    expected = {
        "connection": "Connection refused",
        "database": 'database "nope" does not exist',
        "password": 'password authentication failed for user "demo"',
        "host": "could not translate host name",
        "crowd": 'too many connections for role "crowded"',
    }
    assert store["database"].removeprefix("ducklake:") in text
    assert expected[what] in text
    assert "look whether its catalogue runs" in text
    output = capfd.readouterr()
    everything = f"{output.out}{output.err}{result.all_events}{text}"
    assert "can't be opened" in everything
    assert not [each for each in secrets(empty) if each in everything]
    assert not [
        each for each in box.requests()["requests"] if each["path"].endswith("clients.json")
    ]


def secrets(lake: Faulty) -> list[str]:
    return [lake.server.password, os.environ[WRONG]]


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_the_catalogue_is_killed(lake: Faulty, moment: str) -> None:
    """Of a catalogue that crashes in the midst of a snapshot the old one stays, and it goes on."""
    with pytest.raises(DatabaseError) as caught:
        lake.publish_struck(moment, lambda: lake.signal(signal.SIGKILL))
    assert "What to do: look whether its catalogue" in str(caught.value)
    assert not [each for each in secrets(lake) if each in shown(caught.value)]
    lake.run("select 1")
    assert lake.rows() == OLD_ROWS
    lake.warehouse.publish(NEW)
    assert lake.rows() == NEW_ROWS


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


@pytest.mark.slow
def test_the_catalogue_is_down_for_a_while(lake: Faulty) -> None:
    """A snapshot that can't be committed for want of a catalogue is lost, and the next is right."""

    def shut() -> None:
        lake.run(f"alter database {lake.database} with allow_connections false")
        lake.signal(signal.SIGTERM)

    with pytest.raises(DatabaseError, match="could not be written"):
        lake.publish_struck("at the commit", shut)
    with pytest.raises(DatabaseError, match="not currently accepting connections"):
        lake.warehouse.publish(NEW)
    with pytest.raises(DatabaseError, match="not currently accepting connections"):
        lake.rows()
    lake.run(f"alter database {lake.database} with allow_connections true")
    assert lake.rows() == OLD_ROWS
    lake.warehouse.publish(NEW)
    assert lake.rows() == NEW_ROWS


@pytest.mark.slow
def test_a_catalogue_that_restarted_meanwhile(lake: Faulty) -> None:
    """Connections that broke while nobody used them are made anew: no run notices."""
    lake.signal(signal.SIGKILL)
    lake.run("select 1")
    assert lake.rows() == OLD_ROWS
    lake.signal(signal.SIGKILL)
    lake.run("select 1")
    lake.warehouse.publish(NEW)
    assert lake.rows() == NEW_ROWS


@pytest.mark.slow
def test_a_catalogue_that_is_slow(lake: Faulty) -> None:
    """A catalogue that answers only after a while is waited for."""

    def stop() -> None:
        lake.signal(signal.SIGSTOP)
        timer = threading.Timer(3, lambda: lake.signal(signal.SIGCONT))
        timer.start()

    lake.publish_struck("at the commit", stop)
    assert lake.rows() == NEW_ROWS


NO_ROOM = """
create function no_room() returns trigger language plpgsql as $$ begin
    raise exception 'could not extend file "base/1/2": No space left on device'
        using errcode = 'disk_full', hint = 'Check free disk space.';
end $$;
create trigger no_room before insert on ducklake_snapshot execute function no_room()
"""
"""What a catalogue says whose disk is full, as the snapshot is to be noted."""


@pytest.mark.slow
def test_a_catalogue_without_room(lake: Faulty) -> None:
    """Where the catalogue has no room, nothing of a snapshot is there, and the next is right."""
    lake.run(NO_ROOM, lake.database)
    with pytest.raises(DatabaseError, match=r"No space left on device.* is unchanged") as caught:
        lake.warehouse.publish(NEW)
    assert "What to do: look whether its catalogue" in str(caught.value)
    assert "have room" in str(caught.value)
    assert lake.rows() == OLD_ROWS
    lake.run("drop trigger no_room on ducklake_snapshot", lake.database)
    lake.warehouse.publish(NEW)
    assert lake.rows() == NEW_ROWS


@pytest.mark.slow
def test_files_that_cannot_be_written(lake: Faulty) -> None:
    """Where no file can be made, the error names their place; the old rows are there again."""
    place = lake.files / SCHEMA / "active_subscribers"
    aside = place.rename(lake.files / "aside")
    place.write_text("in the way")
    with pytest.raises(DatabaseError, match="could not be written") as caught:
        lake.warehouse.publish(NEW)
    assert str(lake.files) in str(caught.value)
    place.unlink()
    aside.rename(place)
    assert lake.rows() == OLD_ROWS
    lake.warehouse.publish(NEW)
    assert lake.rows() == NEW_ROWS
