"""A Campaign Monitor account as Dagster assets in DuckDB.

The public names are loaded on first use, so that `python -m campaign_monitor_assets.sandbox`
starts without importing Dagster, or anything else of the project.
"""

from importlib import import_module

_HOME = {
    "CampaignMonitorComponent": "campaign_monitor_assets.orchestration.component",
    "CampaignMonitorResource": "campaign_monitor_assets.orchestration.resource",
    "SnapshotIOManager": "campaign_monitor_assets.orchestration.io_manager",
}
__all__ = ["CampaignMonitorComponent", "CampaignMonitorResource", "SnapshotIOManager"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
