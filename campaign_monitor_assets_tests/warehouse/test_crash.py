"""Killed runs, runs at the same time, a file that is in use, a full disk: old or new, not half."""

import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from campaign_monitor_assets.staging.folder import staging_folder
from campaign_monitor_assets.warehouse.target import Database
from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.project import Project, failures, metadata, people
from campaign_monitor_assets_tests.runner import finish, launch

TABLES = ("templates", "active_subscribers")


def turn(project: Project, version: str, count: int) -> None:
    """Lets every row of the account say of which version it is."""
    box = project.box
    for client, rows in box.account("templates")["templates"].items():
        box.mutate("templates", client, [row | {"Name": version} for row in rows])
    for number, list_id in enumerate(box.account("active_subscribers")["active_subscribers"]):
        rows = [row | {"Name": version} for row in people(count if number == 0 else number)]
        box.mutate("active_subscribers", list_id, rows)


def versions(project: Project) -> dict[str, str]:
    """The version of each table, which has to be the same in all its rows, and all of them."""
    found = {}
    for table in TABLES:
        [(version, rows)] = project.query(f"select Name, count(*) from {table} group by all")
        [(logged,)] = project.query(
            "select rows from sync_log where table_name = ? order by snapshot desc limit 1", table
        )
        assert rows == logged
        found[table] = version
    return found


def kill_and_go_on(project: Project, moments: list[float]) -> None:
    """Kills runs at moments, given as shares of an undisturbed one's length."""
    turn(project, "version 0", 2000)
    assert project.materialize(*TABLES).success
    began = time.monotonic()
    assert finish(undisturbed := begun(project)) == {}
    assert undisturbed.returncode == 0
    length = time.monotonic() - began
    seen = set()
    for number, moment in enumerate(moments, start=1):
        before = versions(project)
        turn(project, f"version {number}", 2000 + number)
        run = begun(project)
        time.sleep(moment * length)
        if moment < 1 and run.poll() is not None:
            # The machine was busier while nobody disturbed it.
            length /= 2
        run.kill()
        run.communicate()
        after = versions(project)
        for table in TABLES:
            assert after[table] in {before[table], f"version {number}"}
        seen.add(tuple(after[table] == before[table] for table in TABLES))
    assert len(seen) > 1, "no run was killed in its middle"
    result = project.materialize(*TABLES)
    assert result.success, failures(result)
    assert set(versions(project).values()) == {f"version {len(moments)}"}
    assert project.leftovers() == []


def begun(project: Project, *tables: str) -> "subprocess.Popen[str]":
    run = launch(project, *(tables or TABLES))
    assert run.stdout is not None
    assert run.stdout.readline() == "begins\n"
    return run


def staging_root(project: Project) -> Path:
    return Database.of(project.warehouse).staging_root


@pytest.mark.slow
def test_killed(with_parents: Project) -> None:
    """Each table of a killed run is wholly old or wholly new, and the next run clears up."""
    moments = [0.15 * number * random.uniform(0.9, 1.1) for number in range(1, 7)]
    kill_and_go_on(with_parents, [*moments, 2])


def test_what_a_killed_run_leaves(with_parents: Project) -> None:
    """Staged files are for their owner alone while they stand, and the next run removes them."""
    with_parents.box.faults([{"what": "slow", "seconds": 30, "path": "active", "skip": 5}])
    run = begun(with_parents)
    root = staging_root(with_parents)
    while not list(root.glob("*/active_subscribers.rows.ndjson")):
        assert run.poll() is None
        time.sleep(0.01)
    folders = list(root.iterdir())
    assert {path.stat().st_mode & 0o777 for path in (root, *folders)} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in root.glob("*/*")} == {0o600}
    run.kill()
    run.communicate()
    assert list(root.glob("*/active_subscribers.rows.ndjson"))
    with_parents.box.faults([])
    assert with_parents.materialize("templates").success
    assert with_parents.leftovers() == []


def test_staged_files_of_a_run_at_work_stay(tmp_path: Path) -> None:
    """What another run has staged is not cleared away, but what nobody holds any more is."""
    root = tmp_path / "staging"
    with staging_folder(root) as at_work:
        (at_work / "rows").touch()
        for left in ("sync-killed-early", "sync-killed-late"):
            (root / left).mkdir()
        (root / "sync-killed-late" / "lock").touch()
        (root / "sync-killed-late" / "rows").touch()
        with staging_folder(root) as second:
            assert sorted(root.iterdir()) == sorted([at_work, second])
        assert (at_work / "rows").exists()
    assert not root.exists()


def test_staging_folders_made_at_once(tmp_path: Path) -> None:
    """Any number of runs make and remove their folders at once without harm to each other."""
    problems: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(40):
                with staging_folder(tmp_path / "staging") as folder:
                    (folder / "rows").write_text("x")
                    assert (folder / "rows").read_text() == "x"
        except BaseException as problem:  # noqa: BLE001 (whatever it is, the test tells it)
            problems.append(problem)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert not (tmp_path / "staging").exists()


def test_two_runs_at_once(with_parents: Project) -> None:
    """Two processes that sync the same tables into one file at once both succeed."""
    turn(with_parents, "version 1", 2500)
    runs = [launch(with_parents, "clients", "lists", *TABLES) for _ in range(2)]
    assert [finish(run) for run in runs] == [{}, {}]
    assert set(versions(with_parents).values()) == {"version 1"}
    logged = with_parents.query("select count(distinct run_id) from sync_log")
    assert logged == [(3,)]
    assert with_parents.leftovers() == []


@pytest.mark.slow
def test_a_run_that_began_earlier_and_ends_later(with_parents: Project) -> None:
    """A run that is overtaken by one that began later succeeds without writing."""
    box = with_parents.box
    box.faults([{"what": "slow", "seconds": 1.5, "path": "/active", "times": 1}])
    overtaken = begun(with_parents, "active_subscribers")
    root = staging_root(with_parents)
    while not list(root.glob("*/active_subscribers.rows.ndjson")):
        assert overtaken.poll() is None
        time.sleep(0.01)
    overtaken.send_signal(signal.SIGSTOP)
    turn(with_parents, "new", 50)
    result = with_parents.materialize("active_subscribers")
    assert result.success, failures(result)
    turn(with_parents, "old", 50)
    overtaken.send_signal(signal.SIGCONT)
    assert finish(overtaken) == {}
    assert with_parents.query("select distinct Name from active_subscribers") == [("new",)]
    assert with_parents.query(
        "select run_id from sync_log where table_name = 'active_subscribers'"
    ) == [(result.run_id,)]


@pytest.mark.parametrize("forced", [False, True])
def test_what_an_overtaken_run_says(
    with_parents: Project,
    forced: bool,  # noqa: FBT001
    capfd: pytest.CaptureFixture[str],
) -> None:
    """It is said in the log and in the metadata; where it was asked to write, the run fails."""
    with_parents.change("update sync_log set snapshot = 10000 where table_name = 'lists'")
    before = with_parents.query("from lists order by all")
    result = with_parents.materialize("lists", config={"force": forced})
    assert with_parents.query("from lists order by all") == before
    said = "began to read the table later and has published it already"
    if forced:
        [text] = failures(result).values()
        assert said in text
        return
    assert result.success, failures(result)
    assert said in metadata(result, "lists")["not_published"]
    assert metadata(result, "lists")["dagster/row_count"] == len(before)
    assert said in capfd.readouterr().err


KIND = "DuckDB file" if warehouses.KIND == "file" else "DuckLake"

has_a_lock = pytest.mark.skipif(
    warehouses.KIND == "postgres", reason="PostgreSQL keeps nobody waiting, and is no path"
)


@contextmanager
def held(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has the DuckDB file open until its input ends."""
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process
        process.kill()


@has_a_lock
def test_a_file_that_is_in_use_for_a_while(
    with_parents: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    """A run waits for the file, says so, and goes on when the other process is done."""
    with held(with_parents.path) as other:
        release = threading.Timer(3, other.kill)
        release.start()
        result = with_parents.materialize("templates")
        release.join()
    assert result.success, failures(result)
    assert f"Waiting for the {KIND}" in capfd.readouterr().err


@has_a_lock
def test_a_file_that_stays_in_use(with_parents: Project) -> None:
    """After the longest wait the run fails, and says which file and who has it."""
    impatient = Project(with_parents.box, with_parents.path, store={"lock_timeout": 0.2})
    with held(with_parents.path) as other:
        result = impatient.materialize("templates")
    [text] = failures(result).values()
    assert str(with_parents.path) in text
    assert f"PID {other.pid}" in text
    assert "lock_timeout" in text


@has_a_lock
@pytest.mark.parametrize("name", ["lock", "database"])
def test_a_path_that_is_no_file(with_parents: Project, name: str) -> None:
    """A path that can't be opened fails at once, even where its name speaks of a lock."""
    folder = with_parents.path.parent / name
    folder.mkdir()
    [text] = failures(
        Project(with_parents.box, folder, store={"lock_timeout": 1}).materialize("clients")
    ).values()
    assert "can't be opened" in text
    assert str(folder) in text


# Rows are staged alike for every warehouse, and of a lake they may be smaller than its catalogue.
@warehouses.file_only
@pytest.mark.slow
def test_the_disk_is_full_while_staging(with_parents: Project) -> None:
    """Rows that can't be staged fail the table with a clear error, and the old one is whole."""
    turn(with_parents, "version 1", 2000)
    assert with_parents.materialize(*TABLES).success
    turn(with_parents, "version 2", 30_000)
    size = with_parents.path.stat().st_size
    [(table, text)] = finish(launch(with_parents, *TABLES, largest_file=size + 100_000)).items()
    assert table == "active_subscribers"
    assert "could not be staged" in text
    assert "File too large" in text
    assert "staging_directory" in text
    assert versions(with_parents) == {"templates": "version 2", "active_subscribers": "version 1"}
    assert not with_parents.path.with_name("account.duckdb.staging").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.call(mount, stderr=subprocess.DEVNULL):
        pytest.skip("a small disk can't be mounted here: that takes root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_the_disk_is_full_while_loading(with_parents: Project, small_disk: Path) -> None:
    """Rows that can't be loaded fail the table with a clear error, and the old one is whole."""
    store = {"staging_directory": str(with_parents.path.with_name("staging"))}
    copied = with_parents.copy_to(small_disk / "account.duckdb")
    project = Project(with_parents.box, copied.path, store=store)
    turn(project, "version 1", 2000)
    assert project.materialize(*TABLES).success
    turn(project, "version 2", 20_000)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 100_000))
    [(table, text)] = failures(project.materialize("active_subscribers")).items()
    assert table == "active_subscribers"
    assert "DatabaseError" in text
    assert "No space left" in text
    assert "unchanged" in text
    ballast.unlink()
    assert versions(project) == {"templates": "version 1", "active_subscribers": "version 1"}
    assert (result := project.materialize("active_subscribers")).success, failures(result)
    assert versions(project)["active_subscribers"] == "version 2"
    assert project.leftovers() == []
