"""A view whose figures would be wrong without what `privacy` leaves out isn't there."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from campaign_monitor_assets.analytics import ALL_VIEWS
from campaign_monitor_assets.analytics.absent import why_absent
from campaign_monitor_assets.analytics.create import drop_absent
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.orchestration.attributes import PrivacyAttributes
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.analytics.handmade import create_table, make, place

KEY = {"CAMPAIGN_MONITOR_HASH_KEY": "a key of the tests, which is long enough"}


def lost(**privacy: Any) -> set[str]:
    """The views that there can't be with this privacy."""
    rules = PrivacyAttributes(**privacy).resolve(KEY)
    return {name for name, view in ALL_VIEWS.items() if why_absent(view, rules) is not None}


DROPPED_DATE = {"campaign_clicks.Date": "drop"}
ONE_HASHED = {"campaign_opens.EmailAddress": "hash"}
CLEAR_OPENS = {"campaign_opens.EmailAddress": "keep"}


@pytest.mark.parametrize(
    ("privacy", "expected"),
    [
        ({}, set()),
        ({"preset": "pseudonymous"}, {"link_performance", "domain_performance"}),
        ({"preset": "pseudonymous", "email_domain": True}, {"link_performance"}),
        (
            {"preset": "pseudonymous", "columns": {"URL": "keep"}},
            {"domain_performance"},
        ),
        ({"columns": DROPPED_DATE}, {"inactive_subscribers"}),
        ({"columns": ONE_HASHED}, {"inactive_subscribers"}),
        (
            {"preset": "pseudonymous", "email_domain": True, "columns": CLEAR_OPENS},
            {"link_performance", "inactive_subscribers"},
        ),
    ],
)
def test_what_views_need(privacy: dict[str, Any], expected: set[str]) -> None:
    """Dropped columns, domains that are hashed away, and addresses that are no longer alike."""
    assert lost(**privacy) == expected


def test_reasons_say_what_to_do() -> None:
    """The reason names the view, the columns and the setting."""
    rules = PrivacyAttributes(columns={"campaign_opens.EmailAddress": "hash"}).resolve(KEY)
    said = why_absent(ALL_VIEWS["inactive_subscribers"], rules)
    assert said is not None
    assert "inactive_subscribers" in said
    assert "hashes those of campaign_opens, but not those of active_subscribers" in said
    assert "hash them all, or none" in said


def test_the_component_leaves_them_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a view is no asset."""
    monkeypatch.setenv("CAMPAIGN_MONITOR_HASH_KEY", KEY["CAMPAIGN_MONITOR_HASH_KEY"])
    found = {}
    for preset in ("keep", "pseudonymous"):
        component = CampaignMonitorComponent(
            tables=list(CATALOGUE), privacy=PrivacyAttributes(preset=preset)
        )
        graph = dg.build_defs_for_component(component).resolve_asset_graph()
        found[preset] = {key.path[-1] for key in graph.get_all_asset_keys()}
    assert found["keep"] - found["pseudonymous"] == {"link_performance", "domain_performance"}


def test_one_that_was_made_before_is_dropped(tmp_path: Path) -> None:
    """A view from before `privacy` was changed goes, with its reason; the others stay."""
    warned: list[str] = []
    with warehouses.opened(tmp_path / "account.duckdb") as connection:
        for table in ("clients", "campaigns", "campaign_summary", "campaign_clicks"):
            create_table(connection, table, [])
        make(connection, "link_performance")
        rules = PrivacyAttributes(preset="pseudonymous").resolve(KEY)
        drop_absent(place(connection), rules, warned.append)
        left = connection.execute(
            "select view_name from duckdb_views() where not internal"
        ).fetchall()
    assert left == [("campaign_performance",)]
    [said] = warned
    assert said.startswith("The view campaign_monitor_analytics.link_performance was dropped.")
    assert "campaign_clicks.URL" in said
