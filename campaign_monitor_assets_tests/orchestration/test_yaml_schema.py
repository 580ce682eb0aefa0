"""What `dg check yaml` finds is what the definitions find as they load, and nothing more."""

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from croniter import croniter
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter, ValidationError

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.errors import AttributeRefusedError, ConfigurationError
from campaign_monitor_assets.orchestration.attributes import BLOCKS, shown_name
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets_tests.orchestration.deployment import other_project

MODEL = CampaignMonitorComponent.model()
SCHEMA = Draft202012Validator(MODEL.model_json_schema())

WRONG = {
    "tables: all_of_them": ["tables", "'all_of_them'", "default, all, a list of tables"],
    "tables: [clients, subscribers]": ["tables.1", "Did you mean 'active_subscribers'?"],
    "tables: []": ["tables", "[] is empty"],
    "tables: 3": ["tables", "3 is not accepted", "preset: default"],
    "tables: {preset: most}": ["tables.preset", "'most'", "default, all"],
    "tables: {add: [journey]}": ["tables.add.0", "Did you mean 'journeys'?"],
    "frequencies: {lists: sometimes}": ["frequencies.lists", "'sometimes'", "every 5 minutes"],
    "frequencies: {lists: dayly}": ["frequencies.lists", "Did you mean 'daily'?"],
    "frequencies: {lists: 99 * * * *}": ["frequencies.lists", "'99 * * * *'", "cron string"],
    "frequencies: {lists: 0 0 31 4 *}": ["frequencies.lists", "'0 0 31 4 *'", "is in its month"],
    "frequencies: {list: daily}": ["frequencies.list", "Did you mean 'lists'?"],
    "frequencies: dayly": ["frequencies", "Did you mean 'daily'?"],
    "frequencies: 6": ["frequencies", "6 is not accepted", "one for each"],
    "timezone: Europe/Belrin": ["timezone", "Did you mean 'Europe/Berlin'?", "IANA"],
    "timezone: Berlin": ["timezone", "Did you mean 'Europe/Berlin'?"],
    "timezone: Mars/Base": ["timezone", "'Mars/Base'"],
    "timezone: ''": ["timezone", "''"],
    "schedules_running: maybe": ["schedules_running", "'maybe'", "true or false"],
    "clients: 42": ["clients", "42 is not accepted", "a list"],
    "report_windows: {campaign_opens: 0}": ["report_windows.campaign_opens", "1 or more"],
    "report_windows: {lists: 7}": ["report_windows.lists", "campaign_opens"],
    "sync_methods: {lists: incremental}": ["sync_methods.lists", "Allowed: full_refresh."],
    "sync_methods: {active_subscribers: partial}": ["active_subscribers", "incremental"],
    "full_refresh_days: 0.5": ["full_refresh_days", "0.5", "1 or more"],
    "group_names: {lists: my lists}": ["group_names.lists", "'my lists'", "letters"],
    "owners: [crm]": ["owners.0", "'crm'", "team:name"],
    "tags: {team: c r m}": ["tags.team", "'c r m'", "letters"],
    "pool: a b": ["pool", "'a b'", "without blanks"],
    "executor: multiprocess": ["executor", "in_process, project"],
    "key_prefix: a-b": ["key_prefix", "'a-b'", "letters"],
    "api: {base_url: createsend.com}": ["api.base_url", "https URL"],
    "api: {connections: 0}": ["api.connections", "from 1 to 100"],
    "api: {backoff: 0}": ["api.backoff", "above 0"],
    "api: {retry_delays: [60, -1]}": ["api.retry_delays.1", "0 or more"],
    "api: fast": ["api", "'fast'", "attributes of its own"],
    "extract: {page_size: 5000}": ["extract.page_size", "5000", "from 10 to 1000"],
    "extract: {page_size: many}": ["extract.page_size", "'many'", "from 10 to 1000"],
    "memory_limit: lots": ["memory_limit", "'lots'", "192MB"],
    "page_size: 5000": ["page_size", "5000", "from 10 to 1000"],
    "extract: {overlap_hours: [1]}": ["extract.overlap_hours", "[1]", "a number, 1 or more"],
    "warehouse: {memory_limit: lots}": ["warehouse.memory_limit", "'lots'", "192MB"],
    "warehouse: {memory_limit: '100'}": ["warehouse.memory_limit", "'100'", "a unit"],
    "warehouse: {database: ''}": ["warehouse.database", "''", "the path of a file"],
    "warehouse: {database: 'md:crm'}": ["warehouse.database", "'md:crm'", "no other address"],
    "warehouse: {publish_copy: ''}": ["publish_copy", "'' is empty", "that is not empty"],
    "warehouse: {storage_version: new}": ["warehouse.storage_version", "v1.4.0"],
    "warehouse: {write_strategy: fast}": ["warehouse.write_strategy", "merge, replace"],
    "warehouse: {write_strategies: {list: merge}}": ["write_strategies.list", "'lists'"],
    "warehouse: {history: [lists, emails]}": ["warehouse.history.1", "'emails'"],
    "warehouse: {refuse_drop_percent: 101}": ["refuse_drop_percent", "from 0 to 100"],
    "privacy: anonymous": ["privacy", "Did you mean 'pseudonymous'?"],
    "privacy: {columns: {Nmae: drop}}": ["privacy.columns.Nmae", "Did you mean 'Name'?"],
    "privacy: {columns: {Name: hide}}": ["privacy.columns.Name", "keep, hash, drop"],
    "tabels: all": ["tabels", "Did you mean `tables`?"],
    "warehouse: {shema: x}": ["warehouse.shema", "Did you mean `schema`?"],
}  # fmt: skip
"""One mistake each, and what is said of it as it loads."""

RIGHT = [
    "{}",
    "{api: , warehouse: , extract: , privacy: , tables: , pool: }",
    "{extract: {page_size: '500'}, schedules_running: 'yes', full_refresh_days: '3.5'}",
    "{frequencies: {lists: Every 30  Minutes, clients: '@daily', campaigns: 0 4 1 jan *}}",
    "{warehouse: {memory_limit: 1.5 GiB, history: true, connection_config: {threads: 2}}}",
    "{tables: [clients, lists], owners: [team:crm, someone@example.com], tags: {a: b}}",
    "{timezone: America/Argentina/Buenos_Aires, key_prefix: agency/north, analytics: no}",
    "{privacy: {columns: {campaigns.FromName: keep, CountryCode: keep}}}",
    "{clients: \"{{ 'a,b'.split(',') }}\", api: {max_attempts: \"{{ 1 + 1 }}\"}}",
    "{tables: ['{{ \"clients\" }}'], timezone: '{{ \"UTC\" }}', full_refresh_days: '{{ 2 }}'}",
]


def _load(text: str) -> CampaignMonitorComponent:
    component: CampaignMonitorComponent = CampaignMonitorComponent.resolve_from_yaml(text)
    return component


@pytest.mark.parametrize("wrong", WRONG)
def test_a_mistake_is_found_by_the_schema_and_told_in_a_sentence(wrong: str) -> None:
    """Each is one error of `dg check yaml`, and one that says what is allowed as it loads."""
    assert len(list(SCHEMA.iter_errors(yaml.safe_load(wrong)))) == 1
    with pytest.raises(ValidationError) as raised:
        _load(wrong)
    assert raised.value.error_count() == 1
    for part in WRONG[wrong]:
        assert part in str(raised.value)


@pytest.mark.parametrize("right", RIGHT)
def test_what_is_right_passes(right: str) -> None:
    """Templates, empty blocks, quoted numbers and words in other letters load, and are checked."""
    assert list(SCHEMA.iter_errors(yaml.safe_load(right))) == []
    _load(right)


def _attributes() -> Iterator[tuple[str, type[BaseModel], str]]:
    for name in CampaignMonitorComponent.model_fields:
        yield name, CampaignMonitorComponent, name
        for inner in BLOCKS[name].model_fields if name in BLOCKS else ():
            yield name, BLOCKS[name], inner


@pytest.mark.parametrize(
    ("top", "model", "name"), [pytest.param(*each, id=each[-1]) for each in _attributes()]
)
def test_each_example_is_accepted(
    top: str, model: type[BaseModel], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Dagster's Components page shows as an attribute's example can be copied."""
    monkeypatch.setenv("CAMPAIGN_MONITOR_HASH_KEY", "k" * 32)
    examples = model.model_fields[name].examples
    assert examples
    for example in examples:
        said: dict[str, Any] = {shown_name(model, name): example}
        said = said if model is CampaignMonitorComponent else {top: said}
        if name == "keep_custom_fields":
            said["privacy"]["preset"] = "pseudonymous"
        if name == "data_path":
            said["warehouse"]["database"] = "ducklake:account.ducklake"
        if name == "report_windows":
            said["tables"] = "all"
        assert list(SCHEMA.iter_errors(said)) == []
        _load(json.dumps(said))


def test_the_schema_is_one_that_editors_understand() -> None:
    """It is JSON Schema by the book, alone and as `dg` puts it beside those of other components."""
    Draft202012Validator.check_schema(MODEL.model_json_schema())
    beside: Any = TypeAdapter(list[MODEL]).json_schema()  # type: ignore[valid-type]
    Draft202012Validator.check_schema(beside)
    wrong = [{"extract": {"page_size": 5000}, "tables": ["list"]}]
    assert len(list(Draft202012Validator(beside).iter_errors(wrong))) == 2


def test_the_example_of_the_whole_is_accepted() -> None:
    """The page's example of a defs.yaml loads, and shows no attribute of earlier versions."""
    [example] = MODEL.model_json_schema()["examples"]
    assert list(SCHEMA.iter_errors(example)) == []
    _load(json.dumps(example))
    assert example.keys() <= CampaignMonitorComponent.model_fields.keys()


def test_the_schema_knows_which_cron_strings_there_are() -> None:
    """Of five fields in many combinations it lets those pass that a schedule takes."""
    values = {
        "minute": ("*", "*/7", "0-59", "5,10", "60", "*/0", "x"),
        "hour": ("*", "23", "1-5/2", "24"),
        "day": ("*", "31", "l", "0", "32"),
        "month": ("*", "jan-mar", "12", "13"),
        "weekday": ("*", "mon-fri", "7", "sun#1", "8"),
    }
    for fields in itertools.product(*values.values()):
        cron = " ".join(fields)
        errors = list(SCHEMA.iter_errors({"frequencies": {"lists": cron}}))
        assert (not errors) == croniter.is_valid(cron), cron


@pytest.mark.parametrize(
    ("tables", "more", "fewer"),
    [
        ("default", set(), set()),
        ("{preset: default, add: [journeys]}", {"journeys"}, set()),
        ("{add: [journeys], without: [list_stats]}", {"journeys"}, {"list_stats"}),
    ],
)
def test_a_preset_with_more_tables_and_fewer(tables: str, more: set[str], fewer: set[str]) -> None:
    """`default` stands for the fourteen, to which some are added and from which some are taken."""
    default = {table.name for table in CATALOGUE.values() if table.default}
    assert set(_load(f"tables: {tables}").tables or ()) == default - fewer | more


def test_all_tables() -> None:
    """`all` stands for every table; whose parent is left out is an error that names it."""
    assert _load("tables: all").tables == list(CATALOGUE)
    with pytest.raises(AttributeRefusedError, match="'list_details' needs its parent 'lists'"):
        _load("tables: {preset: all, without: [lists]}")


def test_a_table_that_is_not_read_is_not_unknown() -> None:
    """Who sets the frequency of a table that isn't selected is told to select it."""
    with pytest.raises(
        ConfigurationError, match="'journeys' is not among the tables that are read"
    ):
        _load("frequencies: {journeys: daily}")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ('  extract: {page_size: "{{ env.SIZE }}"}', "extract.page_size: 'many' is not accepted"),
        ('  timezone: "{{ env.SIZE }}"', "timezone: 'many' is not accepted"),
        ("  frequencies: {journeys: daily}", "frequencies: 'journeys' is not among the tables"),
    ],
)  # fmt: skip
def test_what_is_wrong_only_as_it_loads_has_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str, said: str
) -> None:
    """What a template becomes, and what doesn't go together, is told with file and line, too."""
    monkeypatch.setenv("SIZE", "many")
    other_project(tmp_path, f"\n  analytics: false\n{template}")
    monkeypatch.syspath_prepend(tmp_path)
    for module in ("elsewhere", "elsewhere.defs"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(Exception, match="crm") as raised:
        dg.load_from_defs_folder(path_within_project=tmp_path)
    refused = raised.value.__cause__
    assert isinstance(refused, AttributeRefusedError)
    file = tmp_path / "elsewhere" / "defs" / "crm" / "defs.yaml"
    assert str(refused).startswith(f"{file}:4: {said}")


def test_dg_tells_file_and_line_of_each_mistake(tmp_path: Path) -> None:
    """`dg check yaml` in another project finds all mistakes of a file at their own lines."""
    lines = [f"  {each}" for each in WRONG if each.startswith(("timezone: M", "extract: {page_s"))]
    other_project(tmp_path, "\n" + "\n".join([*lines[1:3], "  owners: [crm]"]))
    done = subprocess.run(
        [Path(sys.executable).with_name("dg"), "check", "yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    file = tmp_path / "elsewhere" / "defs" / "crm" / "defs.yaml"
    for line, name in (("4", "extract.page_size"), ("5", "owners.0")):
        assert f"{file}:{line} - " in done.stdout
        assert f"attributes.{name} '" in done.stdout
