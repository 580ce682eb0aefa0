"""The project's definitions: the YAML file beside this one, and what the environment says."""

import os

import dagster as dg

from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent, load_component


def _component() -> CampaignMonitorComponent:
    component = load_component()
    from_environment: dict[str, object] = {}
    if database := os.environ.get("CAMPAIGN_MONITOR_DUCKDB"):
        settings = component.warehouse.model_copy(update={"database": database})
        from_environment["warehouse"] = settings
    if clients := os.environ.get("CAMPAIGN_MONITOR_CLIENT_ID"):
        from_environment["clients"] = [part.strip() for part in clients.split(",") if part.strip()]
    return component.model_copy(update=from_environment)


component = _component()

defs = dg.Definitions.merge(
    dg.build_defs_for_component(component),
    # Threads inside an asset do the waiting; a process for each asset would cost seconds each.
    dg.Definitions(executor=dg.in_process_executor),
)
