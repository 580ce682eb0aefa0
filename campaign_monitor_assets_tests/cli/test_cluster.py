"""`cluster-demo`: its story from beginning to end, and that nothing of it is left behind."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.cli.cluster import accounts, programs, reader
from campaign_monitor_assets.cli.cluster.processes import ClusterError
from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.target import Database
from campaign_monitor_assets_tests.cli.test_home import REPOSITORY
from campaign_monitor_assets_tests.orchestration.deployment import eventually, needs_programs


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the demo makes its folders; pytest's own are closed to the user of PostgreSQL."""
    made = Path(tempfile.mkdtemp(prefix="test-cluster-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def _start(folder: Path) -> "subprocess.Popen[bytes]":
    with (folder / "said").open("wb") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "campaign_monitor_assets.cli", "cluster-demo"],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": str(REPOSITORY),
                "PYTHONUNBUFFERED": "1",
                "TMPDIR": str(folder),
            },
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _said(folder: Path) -> str:
    return (folder / "said").read_text()


def _left(folder: Path) -> list[str]:
    """The processes that still run in the demo's folders, and what is left on the disk."""
    processes = [
        str(process.info["name"])
        for process in psutil.process_iter(["cwd", "name"])
        if str(process.info["cwd"]).startswith(f"{folder}{os.sep}")
    ]
    return processes + [path.name for path in folder.iterdir() if path.name != "said"]


@pytest.mark.slow
@needs_programs
def test_two_accounts_arrive_though_a_worker_is_killed(folder: Path) -> None:
    """Runs begin by schedule, one loses its worker and starts again on the other, all rows come."""
    with _start(folder) as process:
        status = process.wait(1800)
    said = _said(folder)
    assert status == 0, said
    [killed] = re.findall(r"kill -9 of worker (\w+)", said)
    first = dict(re.findall(r"✓ The run of (\w+) is executed by worker (\w+)", said))
    again = dict(re.findall(r"✓ The second run of (\w+) is executed by worker (\w+)", said))
    assert first["north"] == killed
    assert again["north"] not in {killed, ""}
    assert f"The worker {killed}@127.0.0.1 does not answer" in said
    assert "✗" not in said.split("does not answer")[1]
    looks, snapshots = re.findall(r"looked at all tables (\d+) times .* it saw (\d+) snap", said)[0]
    assert int(looks) > 10
    # Each table of each account was there twice: as it was at first, and a day later.
    assert int(snapshots) >= 3 * len(accounts.TABLES)
    for table in accounts.TABLES:
        assert re.search(rf"^ *{table.name} +[\d,]+ ✓ +[\d,]+ ✓ *$", said, re.MULTILINE), table.name
    assert _left(folder) == []


@pytest.mark.slow
@needs_programs
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_who_stops_it_finds_nothing_left(folder: Path, number: signal.Signals) -> None:
    """Ctrl-C in the middle ends all servers and removes all folders; what was private was so."""
    with _start(folder) as process:
        eventually(lambda: "The daemon is up" in _said(folder) or process.poll() is not None)
        made = [path for path in folder.rglob("*") if path.is_dir() and path.owner() != "postgres"]
        assert len(made) > 10, _said(folder)
        for path in folder.glob("campaign-monitor-*"):
            assert path.stat().st_mode & 0o077 == 0, path
        family = psutil.Process(process.pid).children(recursive=True)
        lines = [" ".join(each.cmdline()) for each in family if each.is_running()]
        for password in _passwords(process.pid):
            assert not [line for line in lines if password in line]
        process.send_signal(number)
        assert process.wait(120) == 130, _said(folder)
    assert _said(folder).endswith("Stopped.\n")
    assert _left(folder) == []


def _passwords(demo: int) -> set[str]:
    """What the demo gave to its programs by their environment."""
    found = {
        psutil.Process(child.pid).environ().get("DAGSTER_PG_PASSWORD", "")
        for child in psutil.Process(demo).children()
    }
    assert found > {""}
    return found - {""}


def test_a_reader_sees_whether_a_table_is_whole(tmp_path: Path) -> None:
    """A table with other rows than its snapshot has is a mixture, and one without a log is none."""
    database = Database.of(WarehouseSettings(database=str(tmp_path / "account.duckdb")))
    seen = reader.Seen()
    reader.look(database, seen)
    assert seen == reader.Seen()
    with database.connect() as connection:
        connection.execute("create schema north")
        connection.execute("create table north.lists as from range(3)")
        connection.execute(
            "create table north.sync_log as select 'lists' as table_name,"
            " snapshot, rows from (values (1, 2), (2, 3)) as logged (snapshot, rows)"
        )
    reader.look(database, seen)
    assert seen == reader.Seen(1, {("north", "lists", 2)})
    seen.require_whole()
    with database.connect() as connection:
        connection.execute("delete from north.lists where range = 0")
    reader.look(database, seen)
    with pytest.raises(ClusterError, match=r"north\.lists held 2 rows, its snapshot 2 has 3"):
        seen.require_whole()


def test_what_is_missing_is_told_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started where a program of the system is missing."""
    monkeypatch.setattr(programs, "found", lambda name: None if name == "redis-server" else Path())
    with pytest.raises(ConfigurationError) as raised:
        programs.require_all()
    assert "no program redis-server on the PATH" in str(raised.value)
    assert "apt-get install postgresql redis-server" in str(raised.value)


def test_a_missing_package_is_told_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What can't be imported is named, and the extra that brings it."""
    monkeypatch.setattr(programs, "found", Path)
    monkeypatch.setattr(programs, "MODULES", ("rich", "moto_of_nobody"))
    with pytest.raises(ConfigurationError, match=r"Not installed here: moto_of_nobody\.") as raised:
        programs.require_all()
    assert "pip install 'campaign_monitor_assets[cluster-demo]'" in str(raised.value)


def test_both_accounts_have_the_tables_that_are_compared() -> None:
    """The configurations differ in nothing but their account."""
    north, south = (
        (Path(accounts.__file__).parent / "defs" / name / "defs.yaml").read_text()
        for name in accounts.NAMES
    )
    assert north.replace("north", "south").replace("NORTH", "SOUTH") == south
    assert len(accounts.TABLES) > 5


def test_a_row_that_is_missing_or_too_many_is_seen() -> None:
    """The closing table compares keys, so that one row for another is noticed too."""
    with sandbox.start("--lists", "1", "--subscribers", "3", "--campaigns", "1") as box:
        clients = [(row["ClientID"],) for row in box.account("clients")["clients"]]

        def query(question: str) -> list[tuple[str, ...]]:
            return [*clients[1:], ("other",)] if question.endswith("north.clients") else []

        found = {each.table: each for each in accounts.compared({"north": box}, query)}
    whole, lacking = found["clients"], found["active_subscribers"]
    assert (whole.rows, whole.missing, whole.surplus) == (len(clients), 1, 1)
    assert (lacking.rows, lacking.missing, lacking.surplus) == (0, 3, 0)
    assert not whole.is_whole
    assert not lacking.is_whole
