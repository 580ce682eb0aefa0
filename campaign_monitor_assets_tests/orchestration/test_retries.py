"""A table is read again, minutes later, where that could help, and only there."""

import dagster as dg
import pytest

from campaign_monitor_assets.orchestration.resource import CampaignMonitorResource
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.project import Project, failures

ATTEMPTS = 3
"""How often the project of the tests sends a request."""


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
