"""What a sync will cost, told before it is run."""

from dataclasses import replace

import pytest

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.errors import ApiError
from campaign_monitor_assets.extract.forecast import check_account
from campaign_monitor_assets.orchestration.resource import CampaignMonitorResource
from campaign_monitor_assets_tests.project import at_once

TABLES = [CATALOGUE[name] for name in ("clients", "lists", "active_subscribers")]


def test_an_incremental_sync_is_forecast_beside_the_full_one() -> None:
    """Large lists cost an increment's seven requests later, small ones what they always do."""
    with sandbox.start("--lists", "2", "--subscribers", "260", "--clients", "1") as box:
        small = box.account("lists")["lists"]
        [lists] = small.values()
        active = "active_subscribers"
        box.mutate(active, lists[1]["ListID"], box.account(active)[active][lists[1]["ListID"]][:50])
        api = CampaignMonitorResource(api_key=box.key, base_url=box.url)
        with api.client() as client:
            found, in_full = (
                check_account(
                    client,
                    tables=TABLES,
                    wanted=[],
                    page_size=20,
                    connections=10,
                    incremental=incremental,
                )
                for incremental in ([active], [])
            )
    assert found.requests == in_full.requests == 1 + 1 + 13 + 3
    assert found.later == 1 + 1 + 7 + 3
    assert in_full.later is None
    [told] = [line for line in found.lines() if "incremental" in line]
    assert f"about {found.later} " in told
    assert not [line for line in in_full.lines() if "incremental" in line]


def test_the_questions_are_asked_concurrently() -> None:
    """As many at a time as there are connections, and no more; the answers tell the same."""
    with sandbox.start("--lists", "8", "--clients", "6", "--latency", "0.05") as box:
        found, most = {}, {}
        for connections in (1, 4):
            box.reset()
            api = CampaignMonitorResource(
                api_key=box.key, base_url=box.url, connections=connections
            )
            with api.client() as client:
                found[connections] = check_account(
                    client, tables=TABLES, wanted=[], page_size=20, connections=connections
                )
            most[connections] = at_once(box.requests()["requests"])
    assert most == {1: 1, 4: 4}
    assert replace(found[1], seconds=0) == replace(found[4], seconds=0)


def test_an_error_in_the_middle_ends_the_check() -> None:
    """A refusal that no retry mends is raised as it is, and the other questions are let be."""
    with sandbox.start("--lists", "20", "--clients", "12", "--latency", "0.05") as box:
        box.faults([{"what": "error", "path": "/stats", "status": 400, "times": None}])
        api = CampaignMonitorResource(api_key=box.key, base_url=box.url, connections=2)
        with api.client() as client, pytest.raises(ApiError, match="asked for"):
            check_account(client, tables=TABLES, wanted=[], page_size=20, connections=2)
        asked = [each["path"] for each in box.requests()["requests"]]
    assert len([path for path in asked if path.endswith("stats.json")]) < 20
