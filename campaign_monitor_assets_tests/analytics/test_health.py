"""A view that breaks says which table to read again; what reads tables remakes their views."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import pytest

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets.orchestration.views import chosen_views
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.project import Project, failures, key
from campaign_monitor_assets_tests.small_account import NOWHERE, fill

SCHEMA = "campaign_monitor_analytics"
TABLES = ("clients", "lists", "campaigns", "campaign_summary")
OF_VIEWS = (
    *TABLES,
    "client_details",
    "list_custom_fields",
    "active_subscribers",
    "unsubscribed_subscribers",
    "bounced_subscribers",
    "suppression_list",
)
BY_LIST = "subscribers_by_list"
VIEW = dg.AssetKey([SCHEMA, "campaign_performance"])


@pytest.fixture(scope="module")
def made(running: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Project:
    running.reset()
    fill(running)
    project = Project(running, tmp_path_factory.mktemp("health") / "account.duckdb")
    result = run(project, *map(key, TABLES), VIEW)
    assert result.success, failures(result)
    running.reset()
    return project


@pytest.fixture
def own(made: Project, box: Sandbox, tmp_path: Path) -> Project:
    fill(box)
    return made.copy_to(tmp_path / "account.duckdb")


def run(project: Project, *selection: dg.AssetKey) -> dg.ExecuteInProcessResult:
    job = project.definitions().resolve_implicit_global_asset_job_def()
    return job.execute_in_process(asset_selection=list(selection), raise_on_error=False)


def job(
    project: Project,
    name: str,
    tables: Sequence[str] = TABLES,
    instance: dg.DagsterInstance | None = None,
) -> dg.ExecuteInProcessResult:
    """Runs one of the component's own jobs."""
    made = dg.build_defs_for_component(CampaignMonitorComponent(tables=list(tables)))
    found = dg.Definitions.merge(
        dg.Definitions(assets=made.assets, asset_checks=made.asset_checks, jobs=made.jobs),
        dg.Definitions(schedules=made.schedules),
        dg.Definitions(resources=project.definitions().resources, executor=dg.in_process_executor),
    )
    return found.resolve_job_def(name).execute_in_process(instance=instance, raise_on_error=False)


def problem(project: Project) -> str | None:
    """What the view's check says; None where it passes."""
    found = project.definitions()
    selected = dg.AssetSelection.checks_for_assets(VIEW)
    checked = dg.Definitions(
        assets=found.assets,
        asset_checks=found.asset_checks,
        resources=found.resources,
        executor=found.executor,
        jobs=[dg.define_asset_job("checks", selected)],
    ).resolve_job_def("checks")
    result = checked.execute_in_process(raise_on_error=False)
    [evaluation] = result.get_asset_check_evaluations()
    assert evaluation.passed is (evaluation.description is None)
    return evaluation.description


def test_a_view_that_works(own: Project) -> None:
    """Each view has a check, which runs it."""
    assert problem(own) is None


def test_a_table_of_an_older_version(own: Project) -> None:
    """A table without a column that a view needs is named, with what to do, and no raw error."""
    own.change("alter table campaigns drop column TotalRecipients")
    said = problem(own)
    assert said is not None
    assert "campaign_monitor.campaigns has no TotalRecipients" in said
    assert "Materialize campaigns again" in said
    result = run(own, VIEW)
    [text] = failures(result).values()
    assert "campaign_monitor.campaigns has no TotalRecipients" in text
    assert "Binder" not in text
    assert run(own, key("campaigns"), VIEW).success
    assert problem(own) is None


def test_a_view_of_an_older_version(own: Project) -> None:
    """A view that was made for a column's old name is found, and remade with its tables."""
    own.change("alter table campaigns rename column Subject to SubjectLine")
    own.change(
        f"create or replace view {SCHEMA}.campaign_performance as"
        " select CampaignID, SubjectLine from campaign_monitor.campaigns"
    )
    assert problem(own) is None
    assert run(own, key("campaigns")).success
    assert problem(own) == (
        f"{SCHEMA}.campaign_performance can't be queried. Another version of this package made it."
        " Materialize campaign_performance again."
    )
    result = job(own, "campaign_monitor_hourly_job")
    assert result.success, failures(result)
    assert problem(own) is None
    assert own.query(f"select count(Subject) > 0 from {SCHEMA}.campaign_performance") == [(True,)]


@pytest.mark.parametrize("name", ["hourly_job", "group_campaigns"])
def test_views_whose_other_tables_were_never_read(project: Project, name: str) -> None:
    """A schedule that reads one of a view's tables before another was ever read succeeds."""
    fill(project.box)
    result = job(project, f"campaign_monitor_{name}")
    assert result.success, failures(result)
    assert project.count("campaigns") == 6
    found = project.query("select view_name from duckdb_views() where schema_name = ?", SCHEMA)
    assert found == [("time_zones",)]


def test_every_schedule_makes_the_views_on_its_tables() -> None:
    """Schedules alone keep views and their figures right: no table is read without them."""
    made = dg.build_defs_for_component(CampaignMonitorComponent(tables=list(CATALOGUE)))
    graph = made.resolve_asset_graph()
    views = {each for each in graph.get_all_asset_keys() if each.path[0] == SCHEMA}
    never_changing = dg.AssetKey([SCHEMA, "time_zones"])
    naming = {key("clients"), key("lists"), never_changing}
    remade = set()
    for schedule in made.schedules or ():
        assert isinstance(schedule, dg.ScheduleDefinition)
        selected = set(made.resolve_job_def(schedule.job_name).asset_layer.selected_asset_keys)
        remade |= selected & views
        for view in views & {
            child for table in selected - naming for child in graph.get(table).child_keys
        }:
            assert view in selected, (schedule.name, view)
        assert (key("lists") in selected) is (dg.AssetKey([SCHEMA, BY_LIST]) in selected)
    assert remade == views


@pytest.mark.slow
def test_schedules_alone_make_all_views_and_keep_their_figures(project: Project) -> None:
    """Nobody presses a button: after each scheduled run the rows of each view are those told."""
    fill(project.box)
    with dg.DagsterInstance.ephemeral() as instance:

        def told_after(*frequencies: str) -> dict[str, int]:
            for each in frequencies:
                result = job(project, f"campaign_monitor_{each}_job", OF_VIEWS, instance)
                assert result.success, failures(result)
            return {view: told_rows(instance, view) for view in views}

        views = [view.name for view in chosen_views([CATALOGUE[name] for name in OF_VIEWS])]
        assert {"time_zones", "client_time_zones", BY_LIST} < set(views)
        told_after("hourly", "daily")
        project.change(f"comment on view {SCHEMA}.{BY_LIST} is 'not made again'")
        told = told_after("hourly")
        assert comment(project) == "not made again"
        assert told == {view: rows(project, view) for view in views}
        listed = project.box.account("lists")["lists"][NOWHERE]
        project.box.mutate("lists", NOWHERE, [*listed, {"ListID": "9" * 32, "Name": "New"}])
        later = told_after("hourly")
        assert later[BY_LIST] == told[BY_LIST] + 1
        assert comment(project) != "not made again"
        assert later == {view: rows(project, view) for view in views}


def comment(project: Project) -> str:
    """The comment on a view, which is written when it is made."""
    [[found]] = project.query("select comment from duckdb_views() where view_name = ?", BY_LIST)
    return str(found)


def told_rows(instance: dg.DagsterInstance, view: str) -> int:
    """The rows that a view's page tells; -1 where it was never made."""
    event = instance.get_latest_materialization_event(dg.AssetKey([SCHEMA, view]))
    made = event.asset_materialization if event else None
    return -1 if made is None else int(str(made.metadata["dagster/row_count"].value))


def rows(project: Project, view: str) -> int:
    return int(project.query(f"select count(*) from {SCHEMA}.{view}")[0][0])
