"""What a schedule does at a tick."""

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent

SCHEDULE = "campaign_monitor_hourly"


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    component = CampaignMonitorComponent(tables=["clients"], tags={"team": "crm"})
    return dg.build_defs_for_component(component)


@pytest.fixture(scope="module")
def _opened() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp() as opened:
        yield opened


@pytest.fixture
def instance(_opened: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    """An instance without runs."""
    yield _opened
    for run in _opened.get_runs():
        _opened.delete_run(run.run_id)


def _tick(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> dg.RunRequest | dg.SkipReason | None:
    schedule = definitions.resolve_schedule_def(SCHEDULE)
    with dg.build_schedule_context(
        instance=instance, repository_def=definitions.get_repository_def()
    ) as context:
        tick = schedule.evaluate_tick(context)
    if tick.run_requests:
        [request] = tick.run_requests
        return request
    return dg.SkipReason(tick.skip_message)


def _earlier_run(
    definitions: dg.Definitions, instance: dg.DagsterInstance, status: str, schedule: str
) -> str:
    job = definitions.resolve_job_def("campaign_monitor_hourly_job")
    location = RegisteredCodeLocationOrigin("campaign_monitor")
    run = instance.create_run_for_job(
        job,
        remote_job_origin=RemoteJobOrigin(
            RemoteRepositoryOrigin(location, "__repository__"), job.name
        ),
        tags={"dagster/schedule_name": schedule},
        status=dg.DagsterRunStatus[status],
    )
    return run.run_id


@pytest.mark.parametrize("status", ["QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING"])
def test_a_tick_is_skipped_while_an_earlier_run_is_unfinished(
    definitions: dg.Definitions, instance: dg.DagsterInstance, status: str
) -> None:
    """Runs of a schedule don't queue up behind one that waits or runs; the reason names it."""
    earlier = _earlier_run(definitions, instance, status, SCHEDULE)
    skipped = _tick(definitions, instance)
    assert isinstance(skipped, dg.SkipReason)
    assert earlier in str(skipped.skip_message)
    assert status in str(skipped.skip_message)


@pytest.mark.parametrize("status", ["SUCCESS", "FAILURE", "CANCELED"])
def test_a_tick_starts_a_run_after_the_earlier_one_has_ended(
    definitions: dg.Definitions, instance: dg.DagsterInstance, status: str
) -> None:
    """However the earlier run ended, the next tick runs, with the component's tags."""
    _earlier_run(definitions, instance, status, SCHEDULE)
    requested = _tick(definitions, instance)
    assert isinstance(requested, dg.RunRequest)
    assert requested.tags["team"] == "crm"
    assert requested.tags["campaign_monitor/frequency"] == "hourly"


def test_another_schedules_run_skips_nothing(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    """The daily run may last for hours; the hourly one is started all the same."""
    _earlier_run(definitions, instance, "STARTED", "campaign_monitor_daily")
    assert isinstance(_tick(definitions, instance), dg.RunRequest)
