"""History as a user switches it on: in the component's YAML, by runs of its job."""

from pathlib import Path

import dagster as dg
import pytest

from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests import warehouses

TABLES = [
    "clients",
    "lists",
    "active_subscribers",
    "unsubscribed_subscribers",
    "bounced_subscribers",
]


def run(box: Sandbox, path: Path, monkeypatch: pytest.MonkeyPatch, **warehouse: object) -> None:
    monkeypatch.setenv("CAMPAIGN_MONITOR_API_KEY", box.key)
    monkeypatch.setenv("CAMPAIGN_MONITOR_BASE_URL", box.url)
    component = CampaignMonitorComponent.resolve_from_dict(
        {"tables": TABLES, "warehouse": {**warehouses.settings(path), **warehouse}}
    )
    definitions = dg.build_defs_for_component(component)
    assert definitions.resolve_job_def("campaign_monitor_all").execute_in_process().success


def test_a_mover_is_one_row(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `history: true` a subscriber who leaves is told as one move between two states."""
    path = tmp_path / "account.duckdb"
    active = box.account("active_subscribers")["active_subscribers"]
    list_id, rows = next((key, rows) for key, rows in active.items() if len(rows) > 1)
    gone = box.account("unsubscribed_subscribers")["unsubscribed_subscribers"][list_id]
    run(box, path, monkeypatch, history=True)
    box.mutate("active_subscribers", list_id, rows[1:])
    box.mutate("unsubscribed_subscribers", list_id, [*gone, rows[0] | {"State": "Unsubscribed"}])
    run(box, path, monkeypatch, history=True)
    with warehouses.opened(path, read_only=True) as connection:
        moves = connection.sql(
            "select EmailAddress, FromState, ToState"
            " from campaign_monitor_analytics.subscriber_state_changes where FromState is not null"
        ).fetchall()
        versions = connection.sql(
            "select count(*), count(_valid_to) from campaign_monitor_history.active_subscribers"
        ).fetchall()
    assert moves == [(rows[0]["EmailAddress"].lower(), "Active", "Unsubscribed")]
    total = sum(len(each) for each in active.values())
    assert versions == [(total, 1)]


@pytest.mark.slow
def test_no_history_where_nobody_asked(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default nothing is kept of what was, and there are no views on it."""
    path = tmp_path / "account.duckdb"
    run(box, path, monkeypatch)
    with warehouses.opened(path, read_only=True) as connection:
        schemas = connection.sql("select schema_name from duckdb_schemas()").fetchall()
    assert ("campaign_monitor_history",) not in schemas
