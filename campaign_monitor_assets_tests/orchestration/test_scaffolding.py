"""What `dg scaffold defs` writes into another project."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from dagster.components import ScaffoldRequest

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets.orchestration.scaffolding import AccountScaffolder, ScaffoldingParams

TYPE = "campaign_monitor_assets.CampaignMonitorComponent"


def _scaffold(folder: Path, *, append: bool = False, **params: str) -> list[dict[str, Any]]:
    """The documents of the file that is written."""
    path = folder / "defs.yaml"
    AccountScaffolder().scaffold(
        ScaffoldRequest(
            type_name=TYPE,
            target_path=path if append else folder,
            scaffold_format="yaml",
            project_root=folder,
            params=ScaffoldingParams(**params),
            append=append,
        )
    )
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def _empty_project(folder: Path) -> None:
    package = folder / "src" / "shop"
    (package / "defs").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "defs" / "__init__.py").touch()
    (package / "definitions.py").write_text(
        "from pathlib import Path\nimport dagster as dg\n\n\n@dg.definitions\n"
        "def defs():\n    return dg.load_from_defs_folder(path_within_project=Path(__file__))\n"
    )
    (folder / "pyproject.toml").write_text(
        '[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "shop"\n'
    )


def _dg(folder: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("dg"), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder / 'src'}:{os.environ.get('PYTHONPATH', '')}"},
        capture_output="stdout" not in options,
        text=True,
        check=False,
        **options,
    )


def _component(document: dict[str, Any]) -> CampaignMonitorComponent:
    assert document["type"] == TYPE
    component: CampaignMonitorComponent = CampaignMonitorComponent.resolve_from_dict(
        document["attributes"]
    )
    return component


def test_the_default_file_is_the_default_component_with_comments(tmp_path: Path) -> None:
    """Who says nothing gets what the component does by default, each line with its meaning."""
    [document] = _scaffold(tmp_path)
    default = CampaignMonitorComponent()
    tables = [table.name for table in CATALOGUE.values() if table.default]
    assert _component(document) == default.model_copy(update={"tables": tables})
    text = (tmp_path / "defs.yaml").read_text(encoding="utf-8")
    assert text.count("#") >= 12
    assert max(map(len, text.splitlines())) <= 100
    assert document["requirements"] == {"env": ["CAMPAIGN_MONITOR_API_KEY"]}


def test_tables_come_with_their_parents_and_a_frequency_for_all(tmp_path: Path) -> None:
    """`--tables` needs no parents, `--schedule` is for all, `--prefix` for a second account."""
    [document] = _scaffold(
        tmp_path, tables="campaign_opens, lists", schedule="15 4 * * 1-5", prefix="agency/north"
    )
    component = _component(document)
    assert component.tables == ["clients", "campaigns", "lists", "campaign_opens"]
    assert component.frequencies == "15 4 * * 1-5"
    assert component.key_prefix == "agency/north"
    assert component.api.api_key_variable == "AGENCY_NORTH_API_KEY"
    assert component.warehouse.database == "data/agency_north.duckdb"


def test_long_lists_and_further_documents_are_yaml(tmp_path: Path) -> None:
    """Forty tables are wrapped; a second account can go into the same file."""
    most = [name for name in CATALOGUE if name != "people"]
    [first] = _scaffold(tmp_path, tables=",".join(most))
    assert _component(first).tables == most
    both = _scaffold(tmp_path, append=True, prefix="south", tables="all")
    assert [_component(each).key_prefix for each in both] == ["campaign_monitor", "south"]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"tables": "subscribers"}, "Did you mean 'active_subscribers'?"),
        ({"schedule": "dayly"}, "Did you mean 'daily'?"),
        ({"prefix": "a-b"}, "'a-b' is not accepted. Allowed: letters"),
    ],
)
def test_what_is_not_accepted_is_a_sentence(
    tmp_path: Path, params: dict[str, str], said: str
) -> None:
    """A wrong option says what is allowed, and nothing is written that would be in the way."""
    with pytest.raises(click.ClickException) as raised:
        AccountScaffolder.get_scaffold_params()(**params)
    assert said in raised.value.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_who_sits_at_a_terminal_is_asked(tmp_path: Path) -> None:
    """Without options the command asks for tables and a frequency, and writes them."""
    _empty_project(tmp_path)
    terminal, other_end = pytest.importorskip("pty").openpty()
    os.write(terminal, b"lists\ndaily\n")
    done = _dg(
        tmp_path, "scaffold", "defs", TYPE, "account",
        stdin=other_end, stdout=other_end, stderr=other_end,
    )  # fmt: skip
    shown = os.read(terminal, 65536).decode()
    assert done.returncode == 0, shown
    assert "How often are they read (every 5 minutes" in shown
    text = (tmp_path / "src" / "shop" / "defs" / "account" / "defs.yaml").read_text()
    [document] = yaml.safe_load_all(text)
    assert document["attributes"]["tables"] == ["clients", "lists"]
    assert document["attributes"]["frequencies"] == "daily"


@pytest.mark.slow
def test_an_empty_project_becomes_one_that_passes_all_checks(tmp_path: Path) -> None:
    """scaffold, check yaml, check defs, list defs: each by `dg`, in a project made just now."""
    _empty_project(tmp_path)
    for command in (
        ("scaffold", "defs", TYPE, "account"),
        ("scaffold", "defs", TYPE, "north", "--prefix", "north", "--schedule", "every 6 hours"),
        ("check", "yaml"),
        ("check", "defs"),
    ):
        done = _dg(tmp_path, *command)
        assert done.returncode == 0, done.stdout + done.stderr
    listed = _dg(tmp_path, "list", "defs", "--json").stdout
    for name in ("campaign_monitor/lists", "north/lists", "north_every_6_hours"):
        assert f'"{name}"' in listed
