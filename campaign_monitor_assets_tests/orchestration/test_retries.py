"""A table is read again, minutes later, where that could help, and only there."""

from typing import Any

import dagster as dg
import pandas as pd
import pytest

from campaign_monitor_assets.orchestration.resource import CampaignMonitorResource
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.project import PREFIX, Project, failures, key

ATTEMPTS = 3
"""How often the project of the tests sends a request."""
IO = f"{PREFIX}_io_manager"


def _waits(result: dg.ExecuteInProcessResult) -> list[float | None]:
    """The seconds that were waited before each retry of a step."""
    return [
        event.step_retry_data.seconds_to_wait
        for event in result.all_events
        if event.is_step_up_for_retry
    ]


@pytest.mark.parametrize("what", ["reset", "503", "429", "html200"])
def test_an_outage_longer_than_all_attempts_is_survived(
    box: Sandbox, project: Project, what: str
) -> None:
    """Two whole readings fail, the third one brings the table; its children follow."""
    box.faults([{"what": what, "path": "^/clients.json", "times": 2 * ATTEMPTS}])
    result = project.materialize("clients", "lists", retry_delays=[0.1, 0.2])
    assert result.success, failures(result)
    assert _waits(result) == [0.1, 0.2]
    assert project.count("lists") == 10


def test_an_outage_that_lasts_fails_with_what_was_met(box: Sandbox, project: Project) -> None:
    """After the last retry the step fails; other tables were read meanwhile."""
    assert project.materialize("clients").success
    box.faults([{"what": "reset", "path": "/templates", "times": None}])
    result = project.materialize("templates", "lists", retry_delays=[0.1, 0.1])
    assert list(failures(result)) == ["templates"]
    assert "Gave up on GET /clients/" in failures(result)["templates"]
    assert len(_waits(result)) == 2
    assert project.count("lists") == 10


@pytest.mark.parametrize(
    ("status", "code"), [(401, 100), (401, 50), (401, 102), (403, 403), (400, 7), (404, 404)]
)
def test_a_refusal_is_not_retried(box: Sandbox, project: Project, status: int, code: int) -> None:
    """Bad credentials fail at once, however long the delays are."""
    box.faults(
        [{"what": "error", "path": "^/clients.json", "status": status, "code": code, "times": None}]
    )
    result = project.materialize("clients", retry_delays=[600, 600])
    assert not result.success
    assert not _waits(result)
    paths = [entry["path"] for entry in box.requests()["requests"]]
    # Whether the key is valid at all may be asked, too.
    assert paths.count("/clients.json") == 1
    assert set(paths) <= {"/clients.json", "/systemdate.json"}


def test_minutes_are_waited_by_default() -> None:
    """Without a setting the first retry comes a minute later, and the last many minutes later."""
    first, *_, last = CampaignMonitorResource().retry_delays
    assert first >= 60
    assert last >= 600


def _with_policy(project: Project, policy: dg.RetryPolicy) -> dg.Definitions:
    """The project's definitions with a job of two tables that are retried as its user says."""
    found = project.definitions()
    job = dg.define_asset_job(
        "with_policy",
        dg.AssetSelection.assets(key("clients"), key("lists")),
        op_retry_policy=policy,
    )
    return dg.Definitions.merge(found, dg.Definitions(jobs=[job]))


def _run_with_policy(project: Project) -> dg.ExecuteInProcessResult:
    job = _with_policy(project, dg.RetryPolicy(max_retries=2, delay=0.1))
    return job.resolve_job_def("with_policy").execute_in_process(raise_on_error=False)


def test_a_users_retry_policy_brings_a_table_in_the_end(box: Sandbox, project: Project) -> None:
    """A policy of the project's own goes on where the table's own retries end."""
    box.faults([{"what": "503", "path": "^/clients.json", "times": 2 * ATTEMPTS}])
    result = _run_with_policy(project)
    assert result.success, failures(result)
    assert _waits(result) == [0.1, 0.1]
    assert project.count("lists") == 10


def test_a_users_retry_policy_is_spared_what_cannot_help(box: Sandbox, project: Project) -> None:
    """A token that is refused is refused again, so the policy isn't used; the figures say why."""
    box.faults(
        [{"what": "error", "path": "^/clients.json", "status": 401, "code": 120, "times": None}]
    )
    result = _run_with_policy(project)
    assert not _waits(result)
    assert _figures(result)["api_code"] == 120


def test_a_failed_table_is_told_by_figures(box: Sandbox, project: Project) -> None:
    """What failed, which request, the status, how far it came and what to do stand apart."""
    assert project.materialize("clients", "lists").success
    lists = [row[0] for row in project.query("select ListID from lists order by all")]
    box.faults([{"what": "503", "path": f"/lists/{lists[-1]}/stats", "times": None}])
    result = project.materialize("list_stats", retry_delays=[0.1], connections=1)
    figures = _figures(result)
    assert figures["tables"] == "list_stats"
    assert figures["error"] == "RetriesExhaustedError"
    assert figures["request"] == f"GET /lists/{lists[-1]}/stats"
    assert (figures["http_status"], figures["attempts"], figures["readings"]) == (503, ATTEMPTS, 2)
    assert figures["requests_needed"] == len(lists)
    assert 0 < figures["requests_answered"] == figures["rows_read"] < len(lists)
    assert figures["what_to_do"].startswith("run it again later")


def test_a_failed_table_is_no_stack_trace(box: Sandbox, project: Project) -> None:
    """The good message is the first that Dagster shows, and no other error hangs below it."""
    box.faults(
        [{"what": "error", "path": "^/clients.json", "status": 401, "code": 50, "times": None}]
    )
    [failed] = [
        event for event in project.materialize("clients").all_events if event.is_step_failure
    ]
    data = failed.step_failure_data
    assert data.user_failure_data is not None
    assert str(data.user_failure_data.description).startswith("Campaign Monitor refused GET")
    assert data.error is not None
    assert (data.error.cause, data.error.context) == (None, None)


def test_what_was_not_foreseen_keeps_its_stack_trace(project: Project) -> None:
    """An error of another kind is a defect: its own text and place are what helps."""

    @dg.asset(key_prefix="marts", ins={"lists": dg.AssetIn(key("lists"))}, io_manager_key=IO)
    def broken(lists: pd.DataFrame) -> pd.DataFrame:
        return lists[["NoSuchColumn"]]

    result = project.materialize("clients", "lists", more=[broken])
    [failed] = [event for event in result.all_events if event.is_step_failure]
    assert failed.step_failure_data.user_failure_data is None
    assert failed.step_failure_data.error is not None
    assert "NoSuchColumn" in str(failed.step_failure_data.error.cause)


def _figures(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """The figures of the one step that failed."""
    [failed] = [event for event in result.all_events if event.is_step_failure]
    data = failed.step_failure_data.user_failure_data
    assert data is not None
    return {name: value.value for name, value in data.metadata.items()}
