"""What a sync will cost, told before it is run."""

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.extract.forecast import check_account
from campaign_monitor_assets.orchestration.resource import CampaignMonitorResource

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
