"""The wheel as a stranger installs it: no clone, an empty environment and an empty folder."""

import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.cli.test_config import OWN
from campaign_monitor_assets_tests.cli.test_home import LISTS, REPOSITORY

pytestmark = pytest.mark.slow

SOURCES = ("campaign_monitor_assets", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")


def _call(
    *command: object, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the programs of an environment are that holds the built wheel and what it needs."""
    folder = tmp_path_factory.mktemp("installed")
    sources = folder / "sources"
    sources.mkdir()
    for name in SOURCES:
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, sources / name)
        elif (REPOSITORY / name).exists():
            shutil.copy(REPOSITORY / name, sources / name)
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    built = _call(*pip, "wheel", "--no-deps", "--wheel-dir", folder / "dist", sources)
    assert built.returncode == 0, built.stderr
    [wheel] = (folder / "dist").glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    found = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    constraints = ("-c", REPOSITORY / "constraints.txt")
    installed = _call(*pip, "--python", found / "python", "install", *constraints, wheel)
    assert installed.returncode == 0, installed.stderr
    return found


def _run(
    programs: Path, folder: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Calls the console script in a folder with no other variables than these."""
    program = programs / "campaign-monitor"
    return _call(program, *arguments, folder=folder, environment={"COLUMNS": "200", **environment})


def test_the_demo_works_without_a_clone(programs: Path, tmp_path: Path) -> None:
    """One command fills a DuckDB file, and what it says to do next can be done there."""
    done = _run(programs, tmp_path, "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "campaign-monitor report" in done.stdout
    assert "make" not in done.stdout.split()
    with duckdb.connect(str(tmp_path / "data" / "demo.duckdb"), read_only=True) as connection:
        counted = connection.execute("select count(*) from campaign_monitor.lists").fetchone()
        assert counted == (10,)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data"]


def test_an_account_with_a_configuration_works_without_a_clone(
    programs: Path, box: Sandbox, tmp_path: Path
) -> None:
    """`doctor`, `check` and `sync` take the account of a configuration in the folder."""
    (tmp_path / "defs.yaml").write_text(OWN)
    for command in (
        ("doctor",),
        ("check",),
        ("sync", "--select", LISTS.replace("campaign_monitor", "northwind")),
    ):
        done = _run(
            programs, tmp_path, "--config", "defs.yaml", *command,
            NORTHWIND_KEY=box.key, NORTHWIND_URL=box.url,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "northwind.duckdb").exists()


@pytest.mark.parametrize(("command", "extra"), [("dev", "webserver"), ("report", "report")])
def test_what_needs_an_extra_names_it(
    programs: Path, tmp_path: Path, command: str, extra: str
) -> None:
    """Without the extra there is no stack trace, but the line that installs it."""
    done = _run(programs, tmp_path, command)
    assert done.returncode == 1
    assert f"pip install 'campaign_monitor_assets[{extra}]'" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_version_is_told(programs: Path, tmp_path: Path) -> None:
    """`--version` tells what is installed."""
    done = _run(programs, tmp_path, "--version")
    assert done.returncode == 0, done.stderr
    assert "campaign-monitor, version " in done.stdout
