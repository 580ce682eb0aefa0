"""What is removed for good, interrupted: the old content or the new, and never only half of it."""

import stat
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from campaign_monitor_assets.warehouse.forget import forget
from campaign_monitor_assets.warehouse.privacy import KEEP_ALL
from campaign_monitor_assets.warehouse.publish import Published
from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.warehouse.crashes import COMMITTED, fill_disk, kill
from campaign_monitor_assets_tests.warehouse.snapshots import SCHEMA, Warehouse, person
from campaign_monitor_assets_tests.warehouse.test_enforce import everything, keeping
from campaign_monitor_assets_tests.warehouse.test_privacy import resolved

KIND = "DuckDB file" if warehouses.KIND == "file" else "DuckLake"

GONE = "unheard-of"
"""What stands in whatever is removed."""

ANN = f"ann@{GONE}.example"
PSEUDONYMOUS = resolved("pseudonymous")
ROWS = {"a": [person(ANN, Name=GONE), person("bob@example.com")]}

MOMENTS = {"before the commit": "commit", "after the commit": COMMITTED} | (
    {
        "before the copy": "copy from database",
        "before the swap": "pragma disable_checkpoint_on_shutdown",
    }
    if warehouses.KIND == "file"
    else {
        "before files are written anew": "ducklake_rewrite_data_files",
        "before snapshots go": "ducklake_expire_snapshots",
        "before bounds go": "ducklake_table_column_stats",
        "before it is noted": "set bytes_left = false",
    }
)


def filled(path: Path) -> Warehouse:
    store = keeping(path.parent, KEEP_ALL)
    store.publish(ROWS)
    return store


def forget_ann(path: Path) -> None:
    forget(keeping(path.parent, KEEP_ALL).database, SCHEMA, [ANN], KEEP_ALL)


def hash_all(path: Path) -> None:
    """What a run does whose settings are others now."""
    store = keeping(path.parent, PSEUDONYMOUS)
    published = store.publish(ROWS, reading=9)
    assert isinstance(published, Published)
    if published.bytes_left:
        store.clean()


WORK: Mapping[str, Callable[[Path], None]] = {"forget": forget_ann, "hash": hash_all}


@pytest.fixture(params=WORK)
def work(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    return WORK[request.param]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return filled(folder / "a.duckdb").path


def holds(path: Path) -> bool:
    """Whether what can be queried holds it; in all tables, or in none."""
    store = keeping(path.parent, KEEP_ALL)
    held = {
        GONE in str(store.query(f"from {name}"))
        for name in ("active_subscribers", "account_history.active_subscribers")
    }
    assert len(held) == 1
    return held.pop()


def is_done(path: Path) -> None:
    """Nothing is left of it: no row, no byte of what is read, and no folder."""
    assert GONE not in everything(keeping(path.parent, KEEP_ALL))
    assert GONE not in warehouses.catalogue(path)
    assert warehouses.beside(path) == []
    assert not [each for each in warehouses.files(path) if GONE.encode() in each.read_bytes()]


@pytest.mark.slow
def test_killed(path: Path, work: Callable[[Path], None]) -> None:
    """Whenever it is killed, all rows are as before or as after; the next time it is done."""
    base = path.with_name("base.duckdb")
    warehouses.copy(path, base)
    for number, (name, moment) in enumerate(MOMENTS.items()):
        folder = path.parent.with_name(f"{number}")
        folder.mkdir()
        warehouses.copy(base, own := folder / path.name)
        kill(partial(work, own), moment)
        beside = [own.with_name(each) for each in warehouses.beside(own)]
        left = [each for each in beside if each.is_dir()]
        assert all(stat.S_IMODE(each.stat().st_mode) == 0o700 for each in left)
        assert holds(own) is (name == "before the commit")
        work(own)
        is_done(own)


@warehouses.file_only
def test_no_room_for_the_copy(path: Path, work: Callable[[Path], None]) -> None:
    """The rows are removed, the error says that bytes may be left; with room it is done."""
    said = fill_disk(partial(work, path), MOMENTS["before the copy"], 1)
    assert said.startswith("DatabaseError: The DuckDB file")
    assert "could not be written anew" in said
    assert "bytes of what was deleted may still be in it. Make room for a second copy" in said
    assert "unheard" not in said
    assert not holds(path)
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    work(path)
    is_done(path)


# With its catalogue elsewhere, a lake writes nothing to this disk as it commits.
@pytest.mark.skipif(warehouses.KIND == "postgres", reason="its catalogue is not on this disk")
def test_no_room_for_the_removal(path: Path, work: Callable[[Path], None]) -> None:
    """Where not even the rows can be removed, nothing is changed, and the error says so."""
    said = fill_disk(partial(work, path), MOMENTS["before the commit"], 1)
    assert said.startswith(f"DatabaseError: The {KIND}")
    assert "is unchanged" in said
    assert holds(path)
    work(path)
    is_done(path)
