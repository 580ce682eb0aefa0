"""A lake whose storage fails: a clear error, the old rows whole, the next run right."""

import itertools
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets.warehouse import maintenance
from campaign_monitor_assets.warehouse.maintenance import maintain
from campaign_monitor_assets.warehouse.target import Database
from campaign_monitor_assets_tests import storage
from campaign_monitor_assets_tests.lake import needs_lake
from campaign_monitor_assets_tests.project import Project, failures
from campaign_monitor_assets_tests.storage import Storage, only, says
from campaign_monitor_assets_tests.warehouse.snapshots import Warehouse, person

pytestmark = [needs_lake, pytest.mark.slow]

IMPATIENT = {"http_timeout": 1, "http_retries": 1, "enable_external_file_cache": False}
"""What DuckDB has read already it would not ask for again."""
WRITES = "^(PUT|POST) "
READS = "^(GET|HEAD) "

ANSWERS = {
    "full": (says(507, "XMinioStorageFull", "No room is left."), "No room is left"),
    "overloaded": (says(503, "SlowDown", "Please reduce your request rate."), "503"),
    "forbidden": (says(403, "AccessDenied", "Access Denied"), "AccessDenied: Access Denied"),
    "a wrong key": (says(403, "SignatureDoesNotMatch", "Check your key."), "SignatureDoesNot"),
    "expired": (says(400, "ExpiredToken", "The provided token has expired."), "ExpiredToken"),
    "no bucket": (says(404, "NoSuchBucket", "The bucket does not exist"), "NoSuchBucket"),
    "gone": (storage.broken_off, "Server returned nothing"),
    "silent": (storage.hangs, "Timeout was reached"),
}
READ_ANSWERS = {
    **{what: ANSWERS[what] for what in ("overloaded", "forbidden", "no bucket", "gone", "silent")},
    "cut off": (storage.cut_off, "Transferred a partial file"),
    "garbled": (storage.garbled, "No magic bytes found"),
}


@dataclass(frozen=True)
class Stored:
    """A project whose rows are in a storage, and how it is with them."""

    project: Project
    storage: Storage
    catalogue: Path

    @property
    def place(self) -> str:
        return str(self.project.store["data_path"])

    @property
    def database(self) -> Database:
        return Database.of(self.project.warehouse)

    def run(self) -> dg.ExecuteInProcessResult:
        return self.project.materialize("lists")

    def lists(self) -> list[tuple[str, str]]:
        """The lists as they are read back, of which the log knows, too."""
        with self.database.connect(read_only=True) as connection:
            connection.execute("use campaign_monitor")
            found = connection.execute("select ListID, Name from lists order by all").fetchall()
            [(logged,)] = connection.execute(
                "select rows from sync_log where table_name = 'lists' order by snapshot desc limit"
                " 1"
            ).fetchall()
        assert logged == len(found)
        return found

    def true(self) -> list[tuple[str, str]]:
        """The lists that the account holds."""
        held = self.project.box.account("lists")["lists"].values()
        return sorted((each["ListID"], each["Name"]) for rows in held for each in rows)

    def known(self) -> set[str]:
        """The keys of the files that the catalogue knows of."""
        prefix = self.place.removeprefix("s3://bucket/")
        with duckdb.connect(str(self.catalogue), read_only=True) as connection:
            files = connection.execute(
                "select concat(schemas.path, tables.path, files.path) from"
                " (select table_id, path from ducklake_data_file union all"
                " select table_id, path from ducklake_delete_file) files"
                " join ducklake_table tables using (table_id)"
                " join ducklake_schema schemas using (schema_id)"
            ).fetchall()
        return {f"{prefix}{file}" for (file,) in files}


@pytest.fixture(scope="module")
def s3() -> Iterator[Storage]:
    with storage.storage("bucket") as started:
        yield started


@pytest.fixture(scope="module")
def _filled(
    s3: Storage, running: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stored]:
    """A project with its clients and lists."""
    running.reset()
    folder = tmp_path_factory.mktemp("stored")
    store = {
        "database": f"ducklake:{folder / 'account.ducklake'}",
        "data_path": f"s3://bucket/{folder.name}/",
        "s3": {
            "endpoint": s3.endpoint,
            "url_style": "path",
            "use_ssl": False,
            "key_id_variable": "STORAGE_KEY",
            "secret_variable": "STORAGE_SECRET",
        },
        "connection_config": IMPATIENT,
        "lock_timeout": 5,
    }
    made = Stored(Project(running, folder / "none", store=store), s3, folder / "account.ducklake")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_KEY", s3.server.key_id)
        patch.setenv("STORAGE_SECRET", s3.server.secret)
        result = made.project.materialize("clients", "lists")
        assert result.success, failures(result)
        yield made


_changes = itertools.count()


@pytest.fixture
def stored(_filled: Stored, box: Sandbox) -> Iterator[Stored]:
    """A project with its clients and lists, of which one has changed since."""
    client, rows = next(iter(box.account("lists")["lists"].items()))
    box.mutate("lists", client, [dict(rows[0], Name=f"Anew {next(_changes)}"), *rows[1:]])
    yield _filled
    _filled.storage.up()


def assert_told(stored: Stored, text: str, output: str) -> None:
    """What was wrong, where, and what to do; and no secret."""
    assert f"The DuckLake {stored.catalogue}" in text
    assert f"What to do: look whether {stored.place} is there" in text
    assert "whether the key that `s3` names may read and write there" in text
    for secret in (os.environ["STORAGE_KEY"], os.environ["STORAGE_SECRET"], "Signature="):
        assert secret not in f"{text}{output}"


def failure_told(
    stored: Stored, result: dg.ExecuteInProcessResult, capfd: pytest.CaptureFixture[str]
) -> str:
    """The texts of what failed, which say all that they have to, as all that was put out."""
    text = "\n".join(failures(result).values())
    output = capfd.readouterr()
    assert_told(stored, text, f"{result.all_events}{output.out}{output.err}")
    return text


def assert_goes_on(stored: Stored, old: list[tuple[str, str]]) -> None:
    """The old rows are whole, and the next run is right."""
    stored.storage.up()
    assert stored.lists() == old
    result = stored.run()
    assert result.success, failures(result)
    assert stored.lists() == stored.true() != old


def assert_nothing_is_left(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """Maintenance removes what a failed attempt has left, once it is old enough."""
    monkeypatch.setattr(maintenance, "_LEAST_AGE", timedelta())
    held = stored.lists()
    # First the snapshots go, then the files that only they held.
    for _ in range(2):
        maintain(stored.database, keep=timedelta())
    prefix = stored.place.removeprefix("s3://bucket/")
    assert {each for each in stored.storage.objects() if each.startswith(prefix)} == stored.known()
    assert stored.lists() == held


@pytest.mark.parametrize("what", ANSWERS)
def test_storage_that_takes_no_rows(
    stored: Stored, what: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A run says what the storage answered as it wrote the rows, and leaves the old ones."""
    old = stored.lists()
    answer, said = ANSWERS[what]
    stored.storage.fails(only(f"{WRITES}.*/lists/", answer))
    text = failure_told(stored, result := stored.run(), capfd)
    assert len(failures(result)) == 1
    assert said in text
    assert "What it held before is unchanged" in text
    assert_goes_on(stored, old)


@pytest.mark.parametrize("moment", ["sync_state", "lists", "sync_log"])
def test_storage_that_goes_down(
    stored: Stored, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever it goes, as a file is half sent, nothing of the run is there, nor stays for ever."""
    old = stored.lists()

    def goes(request: storage.Request) -> bool:
        request.break_off()
        stored.storage.down()
        return True

    stored.storage.fails(only(f"{WRITES}.*/{moment}/", goes))
    before = stored.project.box.requests()["requests"]
    [text] = failures(stored.run()).values()
    assert_told(stored, text, "")
    [text] = failures(stored.run()).values()
    assert "Could not connect to server" in text
    assert_told(stored, text, "")
    fetched = stored.project.box.requests()["requests"][len(before) :]
    assert (not fetched) == (moment == "sync_state"), "it fetches only what it can bring away"
    assert_goes_on(stored, old)
    assert_nothing_is_left(stored, monkeypatch)


@pytest.mark.parametrize("what", READ_ANSWERS)
def test_storage_that_gives_no_rows(
    stored: Stored, what: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A check says what the storage answered as it read the rows, and is right later."""
    old = stored.lists()
    answer, said = READ_ANSWERS[what]
    stored.storage.fails(only(READS, answer))
    text = failure_told(stored, stored.project.check("lists"), capfd)
    assert said in text
    assert "can't be read" in text
    stored.storage.up()
    assert stored.project.check("lists").success
    assert stored.lists() == old


def test_storage_that_is_slow(stored: Stored) -> None:
    """What answers within the time it has is waited for."""
    old = stored.lists()
    patient = {**stored.project.store, "connection_config": {"http_timeout": 20}}
    waiting = replace(stored, project=replace(stored.project, store=patient))
    stored.storage.fails(only(f"{WRITES}.*/lists/", storage.slow(2)))
    result = waiting.run()
    assert result.success, failures(result)
    assert waiting.lists() == stored.true() != old


def test_how_long_storage_is_waited_for(stored: Stored) -> None:
    """By default an answer has 30 seconds, and three more attempts: no run hangs for ever."""
    default = {**stored.project.store, "connection_config": {}}
    told = "select current_setting('http_timeout'), current_setting('http_retries')"
    for store, bounds in ((default, (30, 3)), (stored.project.store, (1, 1))):
        project = replace(stored.project, store=store)
        with Database.of(project.warehouse).connect(read_only=True) as connection:
            assert connection.execute(told).fetchall() == [bounds]


def test_an_upload_of_many_parts_that_fails(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a file whose second part is refused nothing is seen; the bucket has to end the upload."""
    values = random.Random(0)
    wide = {"a": [person(str(n), Name=values.randbytes(1000).hex()) for n in range(9_000)]}
    # So little memory suffices as long as the parts are small.
    more: dict[str, Any] = {**stored.project.store, "memory_limit": "192MB"}
    warehouse = Warehouse(stored.project.path, more=more)
    warehouse.publish({"a": [person("1")]})
    stored.storage.fails(only("partNumber=2", says(500, "InternalError", "Try again.")))
    with pytest.raises(DatabaseError, match="could not be written") as caught:
        warehouse.publish(wide)
    assert_told(stored, str(caught.value), "")
    stored.storage.up()
    count = "select count(*) from account.active_subscribers"
    with warehouse.database.connect(read_only=True) as connection:
        assert connection.execute(count).fetchall() == [(1,)]
    warehouse.publish(wide)
    with warehouse.database.connect(read_only=True) as connection:
        assert connection.execute(count).fetchall() == [(9_000,)]
    assert_nothing_is_left(stored, monkeypatch)
