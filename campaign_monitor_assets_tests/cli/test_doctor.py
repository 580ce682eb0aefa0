"""`doctor` on setups that are right, and on one for each thing that can be wrong."""

import importlib.metadata
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from rich.console import Console

from campaign_monitor_assets.cli import commands
from campaign_monitor_assets.cli.doctor import places, versions
from campaign_monitor_assets.cli.doctor.findings import State
from campaign_monitor_assets.cli.home import SETTINGS
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.cli.test_config import TYPE
from campaign_monitor_assets_tests.cli.test_home import account, run


class _Usage(NamedTuple):
    total: int
    used: int
    free: int


class Examined(NamedTuple):
    """What `doctor` prints, and its exit status."""

    status: int
    text: str

    def lines(self, state: State) -> list[str]:
        """The lines of a state."""
        return [line for line in self.text.splitlines() if line.startswith(f"  {state} ")]


@pytest.fixture
def setup(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a right setup: a home with the shipped settings, an account, nothing stored."""
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(SETTINGS, home)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    for name, value in account(box, tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def _examined() -> Examined:
    console = Console(width=1000, highlight=False, color_system=None)
    with console.capture() as captured:
        status = commands.doctor(console)
    return Examined(status, captured.get())


def _the_fault(found: Examined) -> str:
    """The only fault, with which the command fails."""
    assert found.status == 1
    [line] = found.lines(State.FAULT)
    assert "Faults: 1, " in found.text
    return line


def test_a_right_setup_has_no_fault(setup: Path, box: Sandbox) -> None:
    """All is well, in every part; nothing is made but Dagster's own files in its home."""
    found = _examined()
    assert (found.status, found.lines(State.FAULT), found.lines(State.WARNING)) == (0, [], [])
    assert found.text.endswith("\nAll is well.\n")
    for part in (
        "Python 3.",
        "The configuration is accepted",
        "CAMPAIGN_MONITOR_API_KEY is set (api.api_key_variable)",
        "The pool campaign_monitor lets one table be read at a time",
        "run_monitoring is on",
        "account.duckdb (the DuckDB file) is not there yet",
        "rows about",
    ):
        assert part in found.text, part
    assert box.key not in found.text
    assert [each.name for each in setup.iterdir()] == ["home"]


@pytest.mark.slow
def test_an_empty_folder_and_no_variable(tmp_path: Path) -> None:
    """As the script is called first: the key is missing, the rest is made by the first run."""
    done = run(tmp_path, "doctor")
    found = Examined(done.returncode, done.stdout)
    assert "CAMPAIGN_MONITOR_API_KEY is not set. What to do: find the key" in _the_fault(found)
    assert "the first run makes" in found.text
    assert done.stderr == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_configuration_that_is_not_accepted(setup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one fault, and what doesn't need it is examined all the same."""
    (setup / "defs.yaml").write_text(f"{TYPE}attributes: {{timezone: Mars}}")
    monkeypatch.setenv("CAMPAIGN_MONITOR_CONFIG", str(setup / "defs.yaml"))
    found = _examined()
    assert "'Mars' is not accepted" in _the_fault(found)
    assert "run_monitoring is on" in found.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("CAMPAIGN_MONITOR_API_KEY", "a b", "CAMPAIGN_MONITOR_API_KEY is not accepted"),
        ("CAMPAIGN_MONITOR_API_KEY", "wrong", "code 100"),
        ("CAMPAIGN_MONITOR_BASE_URL", "http://127.0.0.1:9", "at 127.0.0.1:9 after 1 attempts"),
        ("CAMPAIGN_MONITOR_BASE_URL", "http://example.com", "Allowed: an https URL"),
        ("REQUESTS_CA_BUNDLE", "/nowhere.pem", "REQUESTS_CA_BUNDLE names /nowhere.pem, which"),
        ("CAMPAIGN_MONITOR_DUCKDB", ":memory:", "':memory:' is not accepted"),
        ("CAMPAIGN_MONITOR_DUCKDB", "/proc/x.duckdb", "/proc (its folder) can't be written"),
        ("DAGSTER_HOME", "nowhere", "nowhere, which is no folder. Make it"),
        ("DAGSTER_HOME", "/proc", "/proc, which can't be written"),
    ],
)
def test_variables_that_are_wrong(
    setup: Path,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    said: str,
) -> None:
    """Each is a fault that says what to do; the value of a secret is not repeated."""
    monkeypatch.setenv(variable, value)
    found = _examined()
    assert found.status == 1
    assert any(said in line for line in found.lines(State.FAULT)), found.text


@pytest.mark.slow
def test_who_could_not_be_told(setup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable without which no alert would go out is a warning, one that nobody needs is not."""
    notify = "{slack_webhook_variable: NORTH_WEBHOOK, email_to: [crm@example.com]}"
    (setup / "defs.yaml").write_text(f"{TYPE}attributes: {{notify: {notify}}}")
    monkeypatch.setenv("CAMPAIGN_MONITOR_CONFIG", str(setup / "defs.yaml"))
    [warned] = _examined().lines(State.WARNING)
    assert "NORTH_WEBHOOK is not set (notify.slack_webhook_variable)" in warned
    monkeypatch.setenv("NORTH_WEBHOOK", "http://127.0.0.1:9/hook")
    assert _examined().lines(State.WARNING) == []


@pytest.mark.slow
def test_a_database_that_can_not_be_used(setup: Path) -> None:
    """What is no DuckDB file is a fault, and one that others can read is a warning."""
    file = setup / "account.duckdb"
    file.touch(mode=0o600)
    file.write_text("no database " * 1000)
    assert "account.duckdb can't be opened" in _the_fault(_examined())
    file.unlink()
    duckdb.connect(str(file)).close()
    file.chmod(0o644)
    found = _examined()
    assert found.status == 0
    # Windows has no such modes.
    assert ("Other users of this machine can read" in found.text) == (os.name == "posix")
    assert len(found.lines(State.WARNING)) == (os.name == "posix")


@pytest.mark.slow
def test_folders_that_can_not_be_written(setup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Staging and the copy have a finding each, with the attribute that moves them."""
    warehouse = "{staging_directory: /proc/rows, publish_copy: /proc/copies/readers.duckdb}"
    (setup / "defs.yaml").write_text(f"{TYPE}attributes: {{warehouse: {warehouse}}}")
    monkeypatch.setenv("CAMPAIGN_MONITOR_CONFIG", str(setup / "defs.yaml"))
    faults = _examined().lines(State.FAULT)
    assert any("/proc/rows (staged rows) can't be" in line for line in faults)
    assert any("/proc/copies (publish_copy) can't be" in line for line in faults)
    assert all("What to do: " in line for line in faults)


@pytest.mark.slow
def test_a_disk_without_room(setup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Free room is held against the rows that the account has, for each disk."""
    free = _Usage(200_000_000, 80_000_000, 120_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    told = _examined()
    assert told.status == 0, told.text
    monkeypatch.setattr(places, "_STAGED_BYTES", 5_000)
    assert "has 120 MB free" in _the_fault(_examined())
    assert setup.exists()


@pytest.mark.slow
def test_settings_of_the_instance(setup: Path) -> None:
    """Without dagster.yaml, or with one that leaves things out, each is a warning with advice."""
    (setup / "home" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    found = _examined()
    assert found.status == 0
    warnings = found.lines(State.WARNING)
    assert any("The pool campaign_monitor has no limit" in line for line in warnings)
    assert any("run_monitoring is off" in line for line in warnings)
    (setup / "home" / "dagster.yaml").write_text("run_monitoring: {enabled: true}\n")
    assert "can't tell whether a run's process is gone" in _examined().text
    (setup / "home" / "dagster.yaml").write_text("run_monitoring: {enabled: perhaps}\n")
    assert "Look at its dagster.yaml" in _the_fault(_examined())
    (setup / "home" / "dagster.yaml").unlink()
    assert "there is no dagster.yaml" in _examined().text


def test_packages_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is too old, or missing, is a fault with the line that installs it."""
    installed = {"dagster": "1.9.0", "dagster-webserver": "1.12.0"}

    def version(package: str) -> str:
        if package in {"duckdb", "plotly"}:
            raise importlib.metadata.PackageNotFoundError(package)
        return installed.get(package) or importlib.metadata.version(package)

    monkeypatch.setattr(versions, "version", version)
    found = {finding.text: finding for finding in versions.versions()}
    faults = [finding for finding in found.values() if finding.state is State.FAULT]
    assert {finding.text.split()[0] for finding in faults} == {"dagster", "duckdb"}
    assert all(finding.todo.startswith("pip install '") for finding in faults)
    assert any("dagster-webserver 1.12.0 is of another version" in text for text in found)
    assert any("campaign_monitor_assets[report]" in text for text in found)


def test_an_extension_for_another_duckdb(monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning says that DuckDB would not load it, and names both versions."""
    installed = {"duckdb": "2.0.1", "duckdb-extension-httpfs": "1.5.5"}

    def version(package: str) -> str:
        return installed.get(package) or importlib.metadata.version(package)

    monkeypatch.setattr(versions, "version", version)
    warnings = [each.text for each in versions.versions() if each.state is State.WARNING]
    assert "duckdb-extension-httpfs 1.5.5 is of another version than duckdb 2.0.1." in warnings
