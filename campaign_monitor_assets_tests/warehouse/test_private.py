"""Files that hold personal data can be read by their owner alone."""

import os
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from campaign_monitor_assets.warehouse.copy import publish_copy
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.target import Database

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")


@pytest.fixture(autouse=True)
def _usual_mask() -> Iterator[None]:
    mask = os.umask(0o022)
    yield
    assert os.umask(mask) == 0o022, "the process's mask is put back"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def database(path: Path) -> Database:
    return Database.of(WarehouseSettings(database=str(path)))


def test_what_is_made_is_private(tmp_path: Path) -> None:
    """A new file, its write-ahead log and its folders are private; an old folder stays."""
    path = tmp_path / "new" / "data" / "account.duckdb"
    was = mode(tmp_path)
    with database(path).connect() as connection:
        connection.execute("create table t as select 1 as a")
        connection.commit()
        connection.begin()
        assert mode(Path(f"{path}.wal")) == 0o600
    assert mode(path) == 0o600
    assert [mode(folder) for folder in path.parents[:2]] == [0o700, 0o700]
    assert mode(tmp_path) == was


def test_what_the_check_makes_is_private(tmp_path: Path) -> None:
    """The file that a mere look whether it can be written makes is private, too."""
    database(tmp_path / "account.duckdb").require_writable()
    assert mode(tmp_path / "account.duckdb") == 0o600


def test_what_spills_is_private(tmp_path: Path) -> None:
    """What DuckDB works with on disk where memory doesn't suffice is private."""
    path = tmp_path / "account.duckdb"
    with database(path).connect() as connection:
        connection.execute("set memory_limit = '64MB'")
        connection.execute(
            "create temp table wide as select md5(range::varchar) from range(2000000)"
        )
        spilled = list(Path(f"{path}.tmp").iterdir())
        assert spilled
        assert {mode(each) for each in spilled} == {0o600}
        assert mode(Path(f"{path}.tmp")) == 0o700


def test_threads_that_use_files_at_the_same_time(tmp_path: Path) -> None:
    """The mask is the process's: it holds until the last one has done, and is put back then."""
    both, one_left, made = threading.Barrier(2), threading.Event(), list[Path]()

    def work(path: Path, *, ends_first: bool) -> None:
        with suppress(KeyError), database(path).connect():
            both.wait(10)
            if ends_first:
                raise KeyError(path)
            assert one_left.wait(10)
            made.append(tmp_path / "while one is at work.txt")
            made[0].touch()

    first, second = (
        threading.Thread(target=work, args=(tmp_path / name,), kwargs={"ends_first": ends_first})
        for name, ends_first in (("a.duckdb", True), ("b.duckdb", False))
    )
    first.start()
    second.start()
    first.join()
    one_left.set()
    second.join()
    assert [mode(each) for each in made] == [0o600]
    (tmp_path / "later.txt").touch()
    assert mode(tmp_path / "later.txt") == 0o644
    assert {mode(tmp_path / name) for name in ("a.duckdb", "b.duckdb")} == {0o600}


def test_a_file_that_others_can_read_is_mentioned_once(tmp_path: Path) -> None:
    """It stays as it is, and is mentioned the first time only."""
    path = tmp_path / "account.duckdb"
    said: list[str] = []
    with database(path).connect(warn=said.append):
        assert said == []
    path.chmod(0o644)
    for _ in range(2):
        with database(path).connect(warn=said.append):
            pass
    [mentioned] = said
    assert f"chmod 600 {path}" in mentioned
    assert mode(path) == 0o644


def test_a_copy_is_private_until_its_owner_shares_it(tmp_path: Path) -> None:
    """The published copy is private; once others may read it, so they may read later ones."""
    with database(tmp_path / "account.duckdb").connect() as connection:
        connection.execute("create table t as select 1 as a")
    copy = tmp_path / "shared" / "copy.duckdb"
    publish_copy(database(tmp_path / "account.duckdb"), copy)
    assert (mode(copy), mode(copy.parent)) == (0o600, 0o700)
    copy.chmod(0o640)
    publish_copy(database(tmp_path / "account.duckdb"), copy)
    assert mode(copy) == 0o640
