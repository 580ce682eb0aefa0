"""What a release is: the version that is told, the wheel that is built, the tag it is made by."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import dagster as dg
import pytest
from packaging.version import Version

from campaign_monitor_assets import CampaignMonitorComponent, __version__
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.orchestration.attributes import WarehouseAttributes

ROOT = Path(__file__).parents[1]
URL = "https://example.com/an/owner"


def _run(*command: str | Path, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _tracked(*folders: str) -> list[str]:
    return _run("git", "ls-files", "-z", *folders, cwd=ROOT).stdout.rstrip("\0").split("\0")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The repository's files alone, as a workflow checks them out; changes included."""
    for name in _tracked():
        if (ROOT / name).is_file():
            (tmp_path / "checkout" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / "checkout" / name)
    return tmp_path / "checkout"


def _release(checkout: Path, tag: str) -> "subprocess.CompletedProcess[str]":
    return _run(sys.executable, ".ci/release.py", tag, URL, cwd=checkout)


def _enter(checkout: Path, heading: str) -> None:
    changelog = checkout / "CHANGELOG.md"
    text = changelog.read_text("utf-8").replace("## [Unreleased]", f"## [Unreleased]\n\n{heading}")
    changelog.write_text(text, "utf-8")


def test_every_asset_tells_the_version() -> None:
    """The version of the package stands in the metadata of every table and view in the UI."""
    component = CampaignMonitorComponent(
        tables=list(CATALOGUE), warehouse=WarehouseAttributes(history=list(CATALOGUE))
    )
    definitions = dg.build_defs_for_component(component)
    told = {
        spec.metadata.get("campaign_monitor_assets")
        for spec in definitions.resolve_all_asset_specs()
    }
    assert told == {__version__}


def test_the_changelog_can_be_read() -> None:
    """Unreleased changes come first, then versions with their day, the newest first."""
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    found = [re.fullmatch(r"\[([\d.]+)\] - \d{4}-\d\d-\d\d", heading) for heading in headings[1:]]
    versions = [Version(each[1]) for each in found if each]
    assert len(versions) == len(headings) - 1
    assert versions == sorted(versions, reverse=True)


def test_a_tag_has_to_agree(checkout: Path) -> None:
    """Nothing is published by a tag of another version, or that the changelog doesn't know."""
    assert f"Tag v{__version__}" in _release(checkout, "v99.0.0").stderr
    assert "CHANGELOG.md has no heading" in _release(checkout, f"v{__version__}").stderr


def test_a_release_leads_to_its_repository(checkout: Path) -> None:
    """The package index gets the repository's URLs, and no link of the README is relative."""
    _enter(checkout, f"## [{__version__}] - 2026-12-01")
    done = _release(checkout, f"v{__version__}")
    assert done.returncode == 0, done.stderr
    readme = (checkout / "README.md").read_text("utf-8")
    assert f"]({URL}/raw/v{__version__}/docs/images/report.png)" in readme
    assert not re.findall(r"\]\((?!https?:|#)", readme)
    assert f"Source = {URL}\n" in (checkout / "setup.cfg").read_text("utf-8")


@pytest.mark.slow
def test_the_wheel_is_all_and_nothing_else(checkout: Path, tmp_path: Path) -> None:
    """The wheel holds the package and the licence; that it works is told by test_installed.py."""
    wheels = tmp_path / "wheels"
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    built = _run(*pip, "wheel", "--no-deps", "--wheel-dir", wheels, ".", cwd=checkout)
    assert built.returncode == 0, built.stderr
    [wheel] = wheels.iterdir()
    information = f"campaign_monitor_assets-{__version__}.dist-info/"
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    assert {name for name in names if not name.startswith(information)} == set(
        _tracked("campaign_monitor_assets")
    )
    assert f"{information}licenses/LICENSE" in names
