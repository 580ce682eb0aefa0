"""README and docs hold: generated parts are fresh, blocks that can run do, links lead somewhere."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import dagster as dg
import duckdb
import pytest
import yaml

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.catalogue.model import Group
from campaign_monitor_assets.cli.__main__ import program
from campaign_monitor_assets.cli.documentation import PARTS, marks, updated
from campaign_monitor_assets.orchestration.attributes import WarehouseAttributes
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.project import Project

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
_OF_DAGSTER = ("# dagster.yaml", "# workspace.yaml")
_INSTALLS = re.compile(r"python3 -m venv|\. |pip install|export CAMPAIGN_MONITOR_API_KEY")
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in [README, *sorted(DOCS.rglob("*.md"))]
}


def _blocks(language: str) -> list[str]:
    pattern = re.compile(rf"^```{language}\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    return [block for text in PAGES.values() for block in pattern.findall(text)]


@pytest.fixture(scope="module")
def demo(running: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A folder in which `make demo` has just run, with the reports that some queries need."""
    running.reset()
    folder = tmp_path_factory.mktemp("demo")
    (folder / "data").mkdir()
    project = Project(running, folder / "data" / "demo.duckdb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CAMPAIGN_MONITOR_API_KEY", running.key)
        patch.setenv("CAMPAIGN_MONITOR_BASE_URL", running.url)
        component = CampaignMonitorComponent(
            tables=[
                name
                for name, table in CATALOGUE.items()
                if table.default or table.group == Group.CAMPAIGN_REPORTS
            ],
            warehouse=WarehouseAttributes(database=str(project.path)),
        )
        definitions = dg.build_defs_for_component(component)
        assert definitions.resolve_job_def("campaign_monitor_all").execute_in_process().success
    return project


@pytest.mark.parametrize("name", PARTS)
def test_generated_parts_are_fresh(name: str) -> None:
    """The tables of tables, views and attributes are what the code says; else run `make docs`."""
    start, _ = marks(name)
    [page] = [text for text in PAGES.values() if start in text]
    assert updated(page) == page


@pytest.mark.parametrize("block", _blocks("sql"))
def test_queries_run_on_the_demo(demo: Project, block: str) -> None:
    """Each query of the documentation answers with rows."""
    with duckdb.connect(str(demo.path), read_only=True) as connection:
        for statement in connection.extract_statements(block):
            assert connection.execute(statement).fetchall(), statement.query


@pytest.mark.parametrize("block", _blocks("python"))
def test_python_runs_on_the_demo(demo: Project, block: str) -> None:
    """Each Python block runs in the folder of the demo."""
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", block],
        cwd=demo.path.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_downstream_asset_takes_and_returns_a_table(demo: Project) -> None:
    """The documentation's asset reads lists by the IO manager and is stored in its own schema."""
    [block] = [block for block in _blocks("python") if "list_names" in block]
    names: dict[str, object] = {}
    exec(block, names)
    asset = names["list_names"]
    assert isinstance(asset, dg.AssetsDefinition)
    assert demo.materialize(more=[asset]).success
    assert demo.query("select count(*) from marts.list_names") == [(demo.count("lists"),)]


@pytest.mark.parametrize(
    "block", [block for block in _blocks("yaml") if not block.startswith(_OF_DAGSTER)]
)
def test_configurations_load(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each YAML block is a configuration that the component accepts."""
    monkeypatch.setenv("CAMPAIGN_MONITOR_HASH_KEY", "k" * 32)
    found = yaml.safe_load(block)
    attributes = found.get("attributes", found)
    component = CampaignMonitorComponent.resolve_from_yaml(yaml.safe_dump(attributes))
    definitions = dg.build_defs_for_component(component)
    dg.Definitions.validate_loadable(definitions)


def test_commands_are_targets_of_the_makefile() -> None:
    """Every `make x` that the documentation mentions is there."""
    text = "\n".join(PAGES.values())
    mentioned = set(re.findall(r"`make ([\w-]+)`", text))
    mentioned |= set(re.findall(r"^make ([\w-]+)", text, re.MULTILINE))
    assert mentioned >= {"demo", "test", "sync", "check", "dev", "report", "bench", "docs"}
    for target in mentioned:
        done = subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (target, done.stderr)


def test_commands_are_those_of_the_script() -> None:
    """Every `campaign-monitor x` that the documentation mentions is there."""
    text = "\n".join(PAGES.values())
    mentioned = set(re.findall(r"(?:`|^)campaign-monitor ([a-z]+)", text, re.MULTILINE))
    assert {"demo", "sync", "check"} <= mentioned <= set(program.commands)


def test_the_dagster_command_works_from_any_folder(box: Sandbox, tmp_path: Path) -> None:
    """`dagster asset materialize` needs nothing but the variables and a DAGSTER_HOME."""
    [block] = [block for block in _blocks("sh") if block.startswith("dagster asset")]
    program, *arguments = shlex.split(block)
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [Path(sys.executable).with_name(program), *arguments],
        cwd=tmp_path,
        env={
            **os.environ,
            "DAGSTER_HOME": str(home),
            "CAMPAIGN_MONITOR_API_KEY": box.key,
            "CAMPAIGN_MONITOR_BASE_URL": box.url,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [path] = tmp_path.glob("data/*.duckdb")
    with duckdb.connect(str(path)) as connection:
        counted = connection.execute("select count(*) from campaign_monitor.lists").fetchone()
    assert counted == (10,)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the steps are written for a POSIX shell")
def test_a_project_of_ones_own(box: Sandbox, tmp_path: Path) -> None:
    """From an empty folder, the steps of "Getting started" lead to a checked project with rows."""
    _, _, section = PAGES["docs/start.md"].partition("## In a project of your own\n")
    steps = ["set -e"]
    for language, block in re.findall(
        r"^```(sh|yaml|console)\n(.*?)^```$", section, re.DOTALL | re.MULTILINE
    ):
        if language == "yaml":
            steps.append(f"cat >src/marketing/defs/account/defs.yaml <<'END'\n{block}END")
        elif language == "console":
            # What a person does in the UI; of the alert test_alerts.py says more.
            asked = "campaign-monitor sync --config src/marketing/defs/account/defs.yaml"
            steps += [asked] if "wrong" not in block else []
        else:
            steps += [line for line in block.splitlines() if not _INSTALLS.match(line)]
    # The environment is this one: what installs it is tried with the wheel, by the workflow.
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "marketing" / "src"), str(ROOT)]),
        "CAMPAIGN_MONITOR_API_KEY": box.key,
        "CAMPAIGN_MONITOR_BASE_URL": box.url,
    }
    done = subprocess.run(
        ["bash", "-c", "\n".join(steps)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All definitions loaded successfully" in done.stdout
    assert "The credentials are valid" in done.stdout
    assert "Newsletter" in done.stdout
    assert (tmp_path / "marketing" / ".dagster" / "dagster.yaml").exists()
    assert (tmp_path / "marketing" / "data" / "report.html").exists()


def test_pictures_and_links_of_the_readme_are_there() -> None:
    """Every file that the README shows or links to is in the repository."""
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGES["README.md"]):
        assert (ROOT / target).exists(), target


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it, in a folder of its own."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS, folder / "docs")
    for path in (ROOT / "zensical.toml", *ROOT.glob("*.md")):
        shutil.copy(path, folder)
    done = subprocess.run(
        [Path(sys.executable).with_name("zensical"), "build", "--strict", "--clean"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "build" / "site"


def test_the_site_holds_every_page(site: Path) -> None:
    """The strict build finds each link, heading and picture; each page can be navigated to."""
    written = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    configured = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))
    assert set(re.findall(r"[\w/-]+\.md", str(configured["project"]["nav"]))) == written
    assert len(list(site.rglob("index.html"))) == len(written)


def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    """Pages load styles, scripts, fonts and pictures from the site alone."""
    loaded = r"<(?:script|link|img)\b[^>]*?(?:src|href)=\"?(?:https?:)?//[^>]*>"
    for path in site.rglob("*.html"):
        assert not re.findall(loaded, path.read_text(encoding="utf-8")), path
