"""A Campaign Monitor account as Dagster assets in DuckDB.

The public names are loaded on first use, so that `python -m campaign_monitor_assets.sandbox`
starts without importing Dagster, or anything else of the project.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
    from campaign_monitor_assets.orchestration.io_manager import SnapshotIOManager
    from campaign_monitor_assets.orchestration.resource import CampaignMonitorResource
    from campaign_monitor_assets.orchestration.warehouse import WarehouseResource

__version__ = "0.1.0"

_HOME = {
    "CampaignMonitorComponent": "campaign_monitor_assets.orchestration.component",
    "CampaignMonitorResource": "campaign_monitor_assets.orchestration.resource",
    "SnapshotIOManager": "campaign_monitor_assets.orchestration.io_manager",
    "WarehouseResource": "campaign_monitor_assets.orchestration.warehouse",
}
__all__ = [
    "CampaignMonitorComponent",
    "CampaignMonitorResource",
    "SnapshotIOManager",
    "WarehouseResource",
    "__version__",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
