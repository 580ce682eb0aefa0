"""What users write in YAML, and the definitions that come of it."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from croniter import croniter
from pydantic import ValidationError

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets.orchestration.resource import CampaignMonitorResource
from campaign_monitor_assets.orchestration.schedules import FREQUENCIES
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.orchestration.deployment import other_project

DEFAULT_TABLES = {
    "clients", "campaigns", "scheduled_campaigns", "draft_campaigns", "lists", "segments",
    "templates", "suppression_list", "active_subscribers", "unsubscribed_subscribers",
    "bounced_subscribers", "list_stats", "list_custom_fields", "campaign_summary",
}  # fmt: skip
DAILY = {
    "suppression_list", "active_subscribers", "unsubscribed_subscribers", "bounced_subscribers",
    "campaign_summary",
}  # fmt: skip


def _build(yaml: str) -> dg.Definitions:
    return dg.build_defs_for_component(CampaignMonitorComponent.resolve_from_yaml(yaml))


def _tables(definitions: dg.Definitions, prefix: str = "campaign_monitor") -> set[str]:
    keys = definitions.resolve_asset_graph().get_all_asset_keys()
    return {key.path[-1] for key in keys if key.path[:-1] == [prefix]}


def _schedules(definitions: dg.Definitions) -> dict[str, tuple[Any, str | None, set[str]]]:
    """For each schedule its cron string, time zone and the tables it reads."""
    found = {}
    for schedule in definitions.schedules or ():
        assert isinstance(schedule, dg.ScheduleDefinition)
        job = definitions.resolve_job_def(schedule.job_name)
        tables = {
            key.path[-1]
            for key in job.asset_layer.executable_asset_keys
            if not key.path[0].endswith("analytics")
        }
        found[schedule.name] = (schedule.cron_schedule, schedule.execution_timezone, tables)
    return found


def _checks(definitions: dg.Definitions) -> set[tuple[str, str]]:
    keys = definitions.resolve_asset_graph().asset_check_keys
    return {(key.asset_key.path[-1], key.name) for key in keys}


def test_an_empty_file_reads_fourteen_tables_hourly_or_daily() -> None:
    """The defaults: light tables hourly, heavy ones daily, in UTC, with what they depend on."""
    definitions = _build("timezone: UTC")
    assert _tables(definitions) == DEFAULT_TABLES
    assert _schedules(definitions) == {
        "campaign_monitor_hourly": ("7 * * * *", "UTC", DEFAULT_TABLES - DAILY),
        "campaign_monitor_daily": (
            "24 1 * * *", "UTC", DAILY | {"clients", "lists", "campaigns"},
        ),
    }  # fmt: skip


def test_each_table_has_the_checks_that_fit_it() -> None:
    """Row counts for all, keys where there are some, parents and stats where there are any."""
    checks = _checks(_build(f"tables: {list(CATALOGUE)}"))
    for name, table in CATALOGUE.items():
        expected = {"row_count_matches_source", "row_count_not_dropped"}
        expected |= {"primary_key_unique"} if table.key else set()
        expected |= {"parents_exist"} if table.parent else set()
        expected |= {"subscribers_agree_with_list_stats"} if table.stat else set()
        assert {check for asset, check in checks if asset == name} == expected
    assert ("campaign_opens", "primary_key_unique") not in checks


def test_ticked_tables_frequencies_and_a_time_zone() -> None:
    """Only the ticked tables are read, each at its frequency, with all that is upstream."""
    definitions = _build("""
        tables: [clients, lists, active_subscribers, campaigns]
        frequencies: {active_subscribers: every 6 hours, campaigns: "15 4 * * 1-5", lists: manual}
        timezone: Europe/Berlin
    """)
    assert _schedules(definitions) == {
        "campaign_monitor_hourly": ("7 * * * *", "Europe/Berlin", {"clients"}),
        "campaign_monitor_every_6_hours": (
            "13 */6 * * *", "Europe/Berlin", {"clients", "lists", "active_subscribers"},
        ),
        "campaign_monitor_at_04_15_monday_through_friday": (
            "15 4 * * 1-5", "Europe/Berlin", {"clients", "campaigns"},
        ),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("frequency", "name", "cron"),
    [
        ("every 5 minutes", "every_5_minutes", "*/5 * * * *"),
        ("Every 30 Minutes", "every_30_minutes", "2,32 * * * *"),
        ("hourly", "hourly", "7 * * * *"),
        ("every 6 hours", "every_6_hours", "13 */6 * * *"),
        ("every 12 hours", "every_12_hours", "18 */12 * * *"),
        ("daily", "daily", "24 1 * * *"),
        ("weekly", "weekly", "41 1 * * 1"),
        ("monthly", "monthly", "53 1 1 * *"),
    ],
)
def test_a_frequency_in_plain_words_is_a_schedule(frequency: str, name: str, cron: str) -> None:
    """Each of the words makes a schedule that is named for it."""
    definitions = _build(f"{{tables: [clients], frequencies: {{clients: {frequency}}}}}")
    assert _schedules(definitions) == {f"campaign_monitor_{name}": (cron, "UTC", {"clients"})}


@pytest.mark.parametrize(
    ("cron", "name"),
    [
        ("*/2 * * * *", "every_2_minutes"),
        ("30 5 * * *", "daily_at_05_30"),
        ("@daily", "daily_at_00_00"),
        ("0 6 1,15 * *", "at_06_00_on_day_1_and_15_of_the_month"),
        ("0 0 * * mon-fri", "at_00_00_monday_through_friday"),
        ("0 0 L * *", "at_00_00_on_the_last_day_of_the_month"),
        ("0 */6 * * *", "every_6_hours_by_cron"),
        ("13 */6 * * *", "every_6_hours"),
    ],
)
def test_a_cron_string_is_a_schedule_named_in_words(cron: str, name: str) -> None:
    """Who looks at the list of schedules or runs reads when they come, without knowing cron."""
    definitions = _build(f"{{tables: [clients], frequencies: '{cron}'}}")
    assert _schedules(definitions) == {f"campaign_monitor_{name}": (cron, "UTC", {"clients"})}
    assert definitions.resolve_job_def(f"campaign_monitor_{name}_job")


def test_cron_strings_that_differ_are_two_schedules() -> None:
    """Monday to Friday is not Monday and Friday; Sunday as 0 and as 7 gets two names."""
    for one, other, names in (
        ("1-5", "1,5", {"monday_through_friday", "only_on_monday_and_friday"}),
        ("0", "7", {"only_on_sunday", "only_on_sunday_2"}),
    ):
        definitions = _build(
            f"{{tables: [clients, lists], frequencies: {{clients: 0 0 * * {one},"
            f" lists: '0 0 * * {other}'}}}}"
        )
        assert set(_schedules(definitions)) == {f"campaign_monitor_at_00_00_{x}" for x in names}


def test_frequencies_never_fire_in_the_same_minute() -> None:
    """No two schedules of plain words start a run at once, so no table is read twice at once."""
    end = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=35)
    fired: dict[datetime, str] = {}
    for name, frequency in FREQUENCIES.items():
        ticks = croniter(frequency.cron, datetime(2026, 1, 1, tzinfo=UTC), ret_type=datetime)
        while (tick := next(ticks)) < end:
            assert tick not in fired, (name, fired.get(tick), tick)
            fired[tick] = name


def test_schedules_are_off_until_someone_switches_them_on() -> None:
    """A fresh checkout must not start calling an API; a setting ships them on."""
    for yaml, status in (
        ("timezone: UTC", dg.DefaultScheduleStatus.STOPPED),
        ("schedules_running: true", dg.DefaultScheduleStatus.RUNNING),
    ):
        for schedule in _build(yaml).schedules or ():
            assert isinstance(schedule, dg.ScheduleDefinition)
            assert schedule.default_status is status


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("tables: [clients, subscribers]", ["tables", "'subscribers'", "active_subscribers"]),
        ("tables: [clients, active_subscribers]", ["tables", "'active_subscribers'", "'lists'"]),
        (
            "frequencies: {lists: sometimes}",
            ["frequencies.lists", "'sometimes'", "every 5 minutes", "manual", "cron"],
        ),
        ("frequencies: {list: daily}", ["frequencies", "'list'", "lists"]),
        ("group_names: {reports: x}", ["group_names", "'reports'", "campaign_reports"]),
        ("report_windows: {lists: 7}", ["report_windows", "'lists'", "campaign_opens"]),
        ("timezone: Mars/Base", ["timezone", "'Mars/Base'"]),
        ("tables: []", ["tables", "[] is empty", "a list of tables"]),
        ("key_prefix: a-b", ["key_prefix", "'a-b'", "letters"]),
        ("group_names: {lists: analytics}", ["group_names", "'analytics'"]),
        ("frequencies: {lists: 0 0 30 2 *}", ["frequencies.lists", "'0 0 30 2 *'", "day is in"]),
        ("frequencies: {lists: 0 0 30 2 */1}", ["frequencies.lists", "'0 0 30 2 */1'", "never"]),
        (
            "{tables: [clients, campaigns, campaign_opens], report_windows: {campaign_opens: 0}}",
            ["report_windows.campaign_opens", "0", "1 or more"],
        ),
        ("privacy: {columns: {Nmae: drop}}", ["privacy.columns", "'Nmae'", "Did you mean 'Name'"]),
        ("privacy: {columns: {EmailAddress: drop}}", ["part of the key", "keep or hash"]),
        ("privacy: pseudonymous", ["CAMPAIGN_MONITOR_HASH_KEY is not set", "32 characters"]),
    ],
)
def test_a_wrong_setting_fails_as_the_definitions_load(yaml: str, said: list[str]) -> None:
    """The error names the key, what was given and what is allowed."""
    with pytest.raises((ConfigurationError, ValidationError)) as raised:
        _build(yaml)
    for part in said:
        assert part in str(raised.value)


def test_personal_columns_have_a_tag_and_say_what_becomes_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Dagster's column schema tells what is personal, and what of it is hashed or left out."""
    monkeypatch.setenv("CAMPAIGN_MONITOR_HASH_KEY", "a key that is long enough 0123456789")
    for yaml, is_masked in (("{}", False), ("privacy: pseudonymous", True)):
        asset = _build(yaml).get_assets_def(dg.AssetKey(["campaign_monitor", "active_subscribers"]))
        [metadata] = asset.metadata_by_key.values()
        columns = {each.name: each for each in metadata["dagster/column_schema"].columns}
        personal = {each for each, column in columns.items() if "personal" in column.tags}
        assert personal == {"EmailAddress", "Name", "CustomFields", "MobileNumber"}
        said = {name: str(column.description) for name, column in columns.items()}
        assert ("Hashed, by the setting privacy" in said["EmailAddress"]) is is_masked
        assert ("Left out, by the setting privacy" in said["Name"]) is is_masked
        assert "by the setting" not in said["State"]


def test_an_unknown_attribute_is_refused() -> None:
    """A misspelt key is not passed over."""
    with pytest.raises(Exception, match="tabels"):
        _build("tabels: [clients]")


def test_two_accounts_stand_in_one_code_location(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two instances with keys, prefixes and schemas of their own don't collide."""
    database = tmp_path / "both.duckdb"
    for name, value in {"NORTH_KEY": box.key, "SOUTH_KEY": box.key, "CM_URL": box.url}.items():
        monkeypatch.setenv(name, value)
    both = dg.Definitions.merge(
        *(
            _build(
                f"{{key_prefix: {name}, warehouse: {{database: {database}}},"
                f" api: {{api_key_variable: {name.upper()}_KEY, base_url_variable: CM_URL}},"
                " tables: [clients, lists]}"
            )
            for name in ("north", "south")
        )
    )
    assert _tables(both, "north") == _tables(both, "south") == {"clients", "lists"}
    for name in ("north", "south"):
        assert both.resolve_job_def(f"{name}_all").execute_in_process().success
    with duckdb.connect(str(database)) as connection:
        counts = [
            connection.execute(f"select count(*) from {name}.lists").fetchone()
            for name in ("north", "south")
        ]
    assert counts == [(10,), (10,)]


def test_the_key_reaches_the_resource_by_the_variables_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The definitions hold the variable's name, as the UI then shows, and never its value."""
    monkeypatch.setenv("MY_KEY", "a-very-secret-key")
    definitions = _build("api: {api_key_variable: MY_KEY}")
    resource = (definitions.resources or {})["campaign_monitor_api"]
    assert "a-very-secret-key" not in repr(resource)
    assert isinstance(resource, CampaignMonitorResource)
    assert isinstance(resource.api_key, dg.EnvVar)
    assert resource.api_key.env_var_name == "MY_KEY"


def test_a_schedules_tick_is_a_run_that_succeeds(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tick of the hourly schedule asks for a run, whose job reads the account."""
    monkeypatch.setenv("CAMPAIGN_MONITOR_API_KEY", box.key)
    monkeypatch.setenv("CAMPAIGN_MONITOR_BASE_URL", box.url)
    definitions = _build(
        "tables: [clients, lists, active_subscribers]\nanalytics: false\n"
        "frequencies: {clients: hourly, lists: hourly, active_subscribers: daily}\n"
        f"warehouse: {{database: {tmp_path}/account.duckdb}}"
    )
    schedule = definitions.resolve_schedule_def("campaign_monitor_hourly")
    with (
        dg.DagsterInstance.local_temp() as instance,
        dg.build_schedule_context(instance=instance) as context,
    ):
        tick = schedule.evaluate_tick(context)
        [request] = tick.run_requests or ()
        assert request.tags["campaign_monitor/frequency"] == "hourly"
        result = definitions.resolve_job_def(schedule.job_name).execute_in_process(
            instance=instance, tags=request.tags
        )
    assert result.success
    read = {event.asset_key.path[-1] for event in result.get_asset_materialization_events()}  # type: ignore[union-attr]
    assert read == {"clients", "lists"}


def test_jobs_for_everything_for_each_group_and_for_the_credentials() -> None:
    """There is a job for everything, one per group, and one that checks the credentials."""
    definitions = _build("tags: {team: crm}")
    names = {job.name for job in definitions.jobs or ()}
    assert {
        "campaign_monitor_all",
        "campaign_monitor_group_account",
        "campaign_monitor_group_campaigns",
        "campaign_monitor_group_lists",
        "campaign_monitor_group_subscribers",
        "campaign_monitor_group_analytics",
        "campaign_monitor_check_credentials",
        "campaign_monitor_forget",
    } <= names
    job = definitions.resolve_job_def("campaign_monitor_group_subscribers")
    assert job.run_tags["team"] == "crm"
    assert {key.path[-1] for key in job.asset_layer.executable_asset_keys} >= {
        "clients", "lists", "active_subscribers",
    }  # fmt: skip


def test_every_table_has_a_freshness_policy_of_its_cadence() -> None:
    """A table is late after a missed read; one that is read by hand is never late."""
    definitions = _build("frequencies: {templates: manual}")
    for spec in definitions.resolve_all_asset_specs():
        if spec.key.path[0] == "campaign_monitor":
            assert (spec.freshness_policy is None) == (spec.key.path[-1] == "templates"), spec.key


def test_another_project_uses_the_component_by_its_name(tmp_path: Path) -> None:
    """A defs.yaml elsewhere names campaign_monitor_assets.CampaignMonitorComponent."""
    other_project(tmp_path, "{key_prefix: crm, tables: [clients, lists]}")
    found = subprocess.run(
        [Path(sys.executable).with_name("dg"), "list", "defs", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert "crm/lists" in found.stdout
    assert "crm_hourly" in found.stdout


@pytest.mark.parametrize("field", ["api_key", "access_token", "refresh_token", "base_url"])
@pytest.mark.parametrize(
    "secret",
    [
        "3a8d7f6e5c4b3a291827364554637281",
        "AAAAB3NzaC1yc2EAAAADAQABAAABgQ==",
        "bearer-like.token.with.dots",
        "x_3a8d7f6e5c4b3a2918",
        "",
    ],
)
def test_a_secret_in_place_of_a_variables_name(field: str, secret: str) -> None:
    """Who writes the key itself where its variable is named is told so, and not shown it again."""
    with pytest.raises(ConfigurationError) as raised:
        _build(f"api: {{{field}_variable: '{secret}'}}")
    assert f"api.{field}_variable" in str(raised.value)
    assert not secret or secret not in str(raised.value)


@pytest.mark.parametrize("where", ["tables: [{}]", "timezone: {}", "key_prefix: {}-"])
def test_a_secret_in_a_wrong_place_is_not_repeated(where: str) -> None:
    """An error about a value that looks like a key tells its length only."""
    secret = "3a8d7f6e5c4b3a291827364554637281"
    with pytest.raises(ValidationError) as raised:
        _build(where.format(secret))
    assert secret not in str(raised.value)


def test_jobs_bring_an_executor_that_suits_them() -> None:
    """Jobs and schedules run in one process in any project, unless that is not wanted."""
    for yaml, expected in (("timezone: UTC", "in_process"), ("executor: project", "multiprocess")):
        theirs = dg.Definitions(executor=dg.multiprocess_executor)
        definitions = dg.Definitions.merge(_build(yaml), theirs)
        for job in definitions.jobs or ():
            found = definitions.resolve_job_def(job.name)
            assert found.executor_def.name == expected, job.name
        for schedule in definitions.schedules or ():
            assert isinstance(schedule, dg.ScheduleDefinition)
            found = definitions.resolve_job_def(schedule.job_name)
            assert found.executor_def.name == expected, schedule.name


def test_the_groups_of_two_accounts_are_told_apart() -> None:
    """An account with a prefix of its own has groups of its own; names that are chosen stay."""

    def groups(yaml: str) -> set[str | None]:
        return {spec.group_name for spec in _build(yaml).resolve_all_asset_specs()}

    assert groups("timezone: UTC") >= {"lists", "subscribers", "analytics"}
    north = groups("{key_prefix: agency/north, group_names: {lists: my_lists}}")
    assert north >= {"my_lists", "agency_north_subscribers", "agency_north_analytics"}
    assert all(name and name.startswith(("agency_north_", "my_")) for name in north)


def _project_of_two(folder: Path, *attributes: str) -> dg.Definitions:
    """A project with a `defs.yaml` for each of the attributes."""
    package = folder / f"two_{folder.name}"
    for name, said in zip(("north", "south"), attributes, strict=True):
        (package / "defs" / name).mkdir(parents=True)
        (package / "defs" / name / "defs.yaml").write_text(
            f"type: campaign_monitor_assets.CampaignMonitorComponent\nattributes: {said}\n"
        )
    (package / "__init__.py").touch()
    (package / "defs" / "__init__.py").touch()
    (folder / "pyproject.toml").write_text(
        f'[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "{package.name}"'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        return dg.load_from_defs_folder(path_within_project=folder)


@pytest.mark.parametrize(
    ("north", "south"),
    [
        ("{key_prefix: Northwind}", "{key_prefix: northwind}"),
        ("{key_prefix: a/b}", "{key_prefix: c, warehouse: {schema: A_B}}"),
        ("{key_prefix: north}", "{key_prefix: south, warehouse: {analytics_schema: NORTH}}"),
        (
            "{key_prefix: north, database_schema: both}",
            "{key_prefix: south, database_schema: both, database: ./data/../data/account.duckdb}",
        ),
    ],
)
def test_two_accounts_in_one_schema_are_refused(tmp_path: Path, north: str, south: str) -> None:
    """Two accounts of a project that would overwrite each other don't load, in any letters."""
    with pytest.raises(Exception, match="north") as raised:
        _project_of_two(tmp_path, north, south)
    causes: list[BaseException] = [raised.value]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    assert any("would overwrite each other in the schema" in str(cause) for cause in causes)


def test_two_accounts_with_prefixes_alone_load(tmp_path: Path) -> None:
    """The schema follows the prefix, so that two prefixes suffice for two accounts."""
    definitions = _project_of_two(tmp_path, "{key_prefix: north}", "{key_prefix: south}")
    schemas = {
        spec.metadata["schema"]
        for spec in definitions.resolve_all_asset_specs()
        if "schema" in spec.metadata
    }
    assert schemas == {"north", "south"}


def test_an_account_that_was_in_the_schema_of_earlier_versions(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who set only a prefix is told that the tables move, and how to keep them where they were."""
    database = tmp_path / "account.duckdb"
    monkeypatch.setenv("CAMPAIGN_MONITOR_API_KEY", box.key)
    monkeypatch.setenv("CAMPAIGN_MONITOR_BASE_URL", box.url)

    def told(attributes: str) -> list[str]:
        definitions = _build(
            f"{{tables: [clients], analytics: false, {attributes}}}".replace(
                "warehouse: {", f"warehouse: {{database: {database}, "
            )
        )
        found: list[str] = []
        name = next(iter(definitions.jobs or ())).name
        with dg.DagsterInstance.ephemeral() as instance:
            result = definitions.resolve_job_def(name).execute_in_process(instance=instance)
            assert result.success
            found = [entry.user_message for entry in instance.all_logs(result.run_id)]
        return [line for line in found if "earlier versions" in line]

    assert not told("key_prefix: north, warehouse: {schema: campaign_monitor}")
    [line] = told("key_prefix: north, warehouse: {}")
    assert "goes to the schema north" in line
    assert "`warehouse: {schema: campaign_monitor}`" in line
    assert not told("key_prefix: north, warehouse: {}")
