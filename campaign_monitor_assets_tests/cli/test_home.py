"""Where a command keeps Dagster's history, called from a shell that has set nothing."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.project import key

CLIENTS = 'key:"campaign_monitor/clients"'
LISTS = '+key:"campaign_monitor/lists"'
REPOSITORY = Path(__file__).parents[2]


def measured() -> dict[str, str]:
    """The variables by which `make coverage` counts what a process reaches; else none."""
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}


def run(
    folder: Path, *arguments: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Calls a command in a folder with no other variables than these, but for those of coverage."""
    return subprocess.run(
        [sys.executable, "-m", "campaign_monitor_assets.cli", *arguments],
        cwd=folder,
        env={**measured(), "PYTHONPATH": str(REPOSITORY), "COLUMNS": "200", **environment},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def account(box: Sandbox, folder: Path) -> dict[str, str]:
    """The variables of the sandbox's account."""
    return {
        "CAMPAIGN_MONITOR_API_KEY": box.key,
        "CAMPAIGN_MONITOR_BASE_URL": box.url,
        "CAMPAIGN_MONITOR_DUCKDB": str(folder / "account.duckdb"),
    }


def _files_told(home: Path) -> list[str]:
    """The DuckDB files that the materializations of `lists` in a home's history tell of."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        found = instance.fetch_materializations(key("lists"), limit=10)
        return [
            str(record.asset_materialization.metadata["duckdb_file"].value)
            for record in found.records
            if record.asset_materialization
        ]


@pytest.mark.slow
def test_the_demo_and_the_account_keep_separate_histories(box: Sandbox, tmp_path: Path) -> None:
    """Without DAGSTER_HOME each has a home of its own; materializations name the file written."""
    assert run(tmp_path, "demo", "--select", LISTS).returncode == 0
    assert not (tmp_path / ".dagster").exists()
    done = run(tmp_path, "sync", "--select", LISTS, **account(box, tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert _files_told(tmp_path / ".dagster") == [str(tmp_path / "account.duckdb")]
    assert _files_told(tmp_path / "data" / "demo_home") == [str(tmp_path / "data" / "demo.duckdb")]
    for home in (".dagster", "data/demo_home"):
        assert "run_monitoring" in (tmp_path / home / "dagster.yaml").read_text()


@pytest.mark.slow
def test_the_demo_leaves_the_home_that_is_named_alone(tmp_path: Path) -> None:
    """A person's own DAGSTER_HOME never holds the demo's history."""
    home = tmp_path / "home"
    home.mkdir()
    assert run(tmp_path, "demo", "--select", LISTS, DAGSTER_HOME=str(home)).returncode == 0
    assert not list(home.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "home", "said"),
    [
        ("sync", "missing/home", "which is no folder. Make it"),
        ("check", "file", "which is no folder. Name a folder"),
        ("dev", "/proc", "can't be written"),
    ],
)
def test_a_home_that_does_not_do_is_told_in_a_sentence(
    box: Sandbox, tmp_path: Path, command: str, home: str, said: str
) -> None:
    """A misspelt or unwritable DAGSTER_HOME is named, with what to do, and nothing is asked."""
    (tmp_path / "file").touch()
    named = str(tmp_path / home)
    done = run(tmp_path, command, DAGSTER_HOME=named, **account(box, tmp_path))
    assert done.returncode == 1
    assert said in done.stdout
    assert named in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert not box.requests()["requests"]


def test_settings_of_the_instance_that_are_wrong_are_told(box: Sandbox, tmp_path: Path) -> None:
    """A dagster.yaml that Dagster refuses is named, with what Dagster says of it."""
    (tmp_path / ".dagster").mkdir()
    (tmp_path / ".dagster" / "dagster.yaml").write_text("run_monitoring: {enabled: perhaps}\n")
    done = run(tmp_path, "sync", **account(box, tmp_path))
    assert done.returncode == 1
    assert "Look at its dagster.yaml" in done.stdout
    assert "perhaps" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
def test_a_relative_home_is_of_the_working_folder(box: Sandbox, tmp_path: Path) -> None:
    """Without a dagster.yaml in it a sentence says what that means, and the tables arrive."""
    (tmp_path / "home").mkdir()
    done = run(tmp_path, "sync", "--select", CLIENTS, DAGSTER_HOME="home", **account(box, tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"DAGSTER_HOME names {tmp_path / 'home'}, where there is no dagster.yaml" in done.stdout
    assert "No dagster instance configuration file" not in done.stderr
    assert (tmp_path / "home" / "history").is_dir()


@pytest.mark.slow
def test_a_home_below_none_is_told(tmp_path: Path) -> None:
    """Where ~ stands for nothing, as for a user that a container made up, that is a sentence."""
    done = run(
        tmp_path, "sync", DAGSTER_HOME="~nobody_of_that_name/x", CAMPAIGN_MONITOR_API_KEY="k"
    )
    assert done.returncode == 1
    assert "DAGSTER_HOME: '~nobody_of_that_name/x' begins with ~, but there is no" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("home", ["/proc", "/nowhere/at/all"])
def test_a_home_of_the_user_that_can_not_be_written_is_no_matter(tmp_path: Path, home: str) -> None:
    """The demo writes into the working folder alone."""
    done = run(tmp_path, "demo", "--select", CLIENTS, HOME=home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("command", "advice"),
    [
        ("sync", "Set DAGSTER_HOME to a folder"),
        pytest.param("demo", "Call the demo in a folder", marks=pytest.mark.slow),
    ],
)
def test_the_working_folder_that_can_not_be_written_is_told(
    box: Sandbox, tmp_path: Path, command: str, advice: str
) -> None:
    """Where no DAGSTER_HOME is set and the folder is read-only, the sentence says what to do."""
    done = run(Path("/proc"), command, **account(box, tmp_path))
    assert done.returncode == 1
    assert f"{advice} that you may write to" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
def test_the_demo_works_behind_a_proxy(tmp_path: Path) -> None:
    """A proxy that the environment names is not asked for what is on this machine."""
    names = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")
    proxies = dict.fromkeys(names, "http://127.0.0.1:9")
    done = run(tmp_path, "demo", "--select", CLIENTS, **proxies)
    assert done.returncode == 0, done.stdout + done.stderr
