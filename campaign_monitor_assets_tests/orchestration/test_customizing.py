"""Dagster's own ways to change assets, on those of the component."""

import re
import sys
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from pydantic import ValidationError

from campaign_monitor_assets.errors import AttributeRefusedError
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.orchestration.deployment import other_project

POST_PROCESSING = """
  tables: [clients, lists, list_stats]
  warehouse: {database: %s, schema: stored_here}
post_processing:
  assets:
    - target: "*"
      operation: replace
      attributes: {metadata: {wiki: here}, tags: {domain: crm}, kinds: [duckdb]}
    - target: key:"campaign_monitor/lists"
      attributes:
        group_name: sources
        owners: [team:crm]
        automation_condition: "{{ dg.AutomationCondition.eager() }}"
"""


DOCUMENTED = re.findall(
    r"^```yaml\n(type: .*?)^```$",
    (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8"),
    re.DOTALL | re.MULTILINE,
)


def _definitions(folder: Path, attributes: str, monkeypatch: pytest.MonkeyPatch) -> dg.Definitions:
    other_project(folder, attributes)
    monkeypatch.syspath_prepend(folder)
    for module in ("elsewhere", "elsewhere.defs"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return dg.load_from_defs_folder(path_within_project=folder)


def test_post_processing_changes_what_is_said_of_assets_and_nothing_else(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Groups, owners, tags, kinds and conditions are as said; rows go where they always go."""
    monkeypatch.setenv("CAMPAIGN_MONITOR_API_KEY", box.key)
    monkeypatch.setenv("CAMPAIGN_MONITOR_BASE_URL", box.url)
    database = tmp_path / "account.duckdb"
    definitions = _definitions(tmp_path, POST_PROCESSING % database, monkeypatch)
    specs = {spec.key.path[-1]: spec for spec in definitions.resolve_all_asset_specs()}
    assert specs["lists"].group_name == "sources"
    assert specs["lists"].owners == ["team:crm"]
    assert specs["lists"].automation_condition == dg.AutomationCondition.eager()
    assert all(spec.tags["domain"] == "crm" for spec in specs.values())
    assert all(spec.metadata["wiki"] == "here" for spec in specs.values())

    assert definitions.resolve_job_def("campaign_monitor_all").execute_in_process().success
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute(
            "select schema_name, table_name from duckdb_tables() where table_name = 'list_stats'"
        ).fetchall()
    assert found == [("stored_here", "list_stats")]


def test_translation_is_what_other_components_of_dagster_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Templates know name and group of a table or view, and the asset as it would be."""
    attributes = """
  tables: [clients, lists]
  tags: {team: crm}
  translation:
    group_name: "crm_{{ group }}"
    description: "{{ spec.description }} See the wiki, {{ name }}."
    tags: {table: "{{ name }}"}
    kinds: [mail]
"""
    definitions = _definitions(tmp_path, attributes, monkeypatch)
    specs = {spec.key.path[-1]: spec for spec in definitions.resolve_all_asset_specs()}
    assert specs["lists"].group_name == "crm_lists"
    assert specs["time_zones"].group_name == "crm_analytics"
    assert str(specs["clients"].description).endswith(". See the wiki, clients.")
    assert specs["lists"].tags.items() >= {"team": "crm", "table": "lists"}.items()
    assert specs["lists"].kinds == {"mail"}
    assert specs["lists"].metadata["schema"] == "campaign_monitor"
    job = definitions.resolve_job_def("campaign_monitor_group_lists")
    assert dg.AssetKey(["campaign_monitor", "lists"]) in job.asset_layer.executable_asset_keys


def test_a_translation_keeps_the_keys() -> None:
    """Another key is refused, with what to set instead; an attribute that is none is told."""
    component = CampaignMonitorComponent.resolve_from_yaml("translation: {key_prefix: crm}")
    with pytest.raises(AttributeRefusedError, match=r"would become crm/.* Set `key_prefix`"):
        dg.build_defs_for_component(component)
    with pytest.raises(ValidationError, match="Did you mean `group_name`") as told:
        CampaignMonitorComponent.resolve_from_yaml("translation: {groupname: crm}")
    assert told.value.error_count() == 1


def test_the_documented_examples_do_what_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The documentation's translation and post_processing, together, change what they name."""
    found = [block.partition("attributes:")[2] for block in DOCUMENTED]
    [translation] = [each for each in found if "translation:" in each]
    [post_processing] = [each for each in found if "post_processing:" in each]
    both = translation + post_processing[post_processing.index("post_processing:") :]
    definitions = _definitions(tmp_path, both, monkeypatch)
    specs = {spec.key.path[-1]: spec for spec in definitions.resolve_all_asset_specs()}
    assert specs["lists"].group_name == "crm_lists"
    assert specs["lists"].metadata["runbook"] == "https://wiki.example.com/lists"
    assert specs["lists"].owners == ["team:crm"]
    assert "sensitivity" not in specs["lists"].tags
    assert specs["suppression_list"].tags["sensitivity"] == "personal"
    assert specs["suppression_list"].automation_condition is not None
