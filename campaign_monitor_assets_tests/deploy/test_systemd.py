"""The units of one machine."""

import shutil
import subprocess
from pathlib import Path

import pytest

from campaign_monitor_assets.orchestration.project import load_component
from campaign_monitor_assets_tests.deploy.files import DEPLOY, variables

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def _settings(unit: Path, section: str) -> list[tuple[str, str]]:
    lines = unit.read_text("utf-8")
    return [
        (name, value)
        for line in lines.partition(f"[{section}]")[2].split("\n[")[0].splitlines()
        for name, equals, value in [line.partition("=")]
        if equals and not line.startswith("#")
    ]


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_knows_each_setting(unit: Path, tmp_path: Path) -> None:
    """systemd finds nothing wrong: no unknown setting, no value that it would pass over."""
    # The programs are not installed here.
    text = unit.read_text("utf-8")
    (tmp_path / unit.name).write_text(text.replace("/opt/campaign-monitor/bin/", "/bin/true "))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_is_closed(unit: Path) -> None:
    """No new rights, nothing to write but the state directory, the key from a file of root's."""
    settings = dict(_settings(unit, "Service"))
    assert settings["NoNewPrivileges"] == "yes"
    assert settings["ProtectSystem"] == "strict"
    assert settings["User"] == "campaign-monitor"
    assert settings["StateDirectoryMode"] == "0700"
    assert settings["EnvironmentFile"] == "/etc/campaign-monitor/environment"


def test_the_units_differ_in_their_program_alone() -> None:
    """Webserver and daemon read the same home, configuration and key, and are closed alike."""
    own = {"ExecStart", "TimeoutStopSec"}
    first, second = (
        [each for each in _settings(unit, "Service") if each[0] not in own] for unit in UNITS
    )
    assert first == second


def test_the_key_is_to_be_filled_in() -> None:
    """The example names the variable, and no value."""
    assert variables("systemd/environment.example") == {"CAMPAIGN_MONITOR_API_KEY": ""}


def test_the_component_takes_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attribute of the configuration exists, and the file is where the units may write."""
    monkeypatch.setenv("CAMPAIGN_MONITOR_CONFIG", str(DEPLOY / "systemd" / "defs.yaml"))
    assert Path(load_component().warehouse.database).parent == Path("/var/lib/campaign-monitor")
