"""Not run: mypy checks that the public names are their types, although they are loaded lazily."""

from typing import assert_type

import campaign_monitor_assets
from campaign_monitor_assets import (
    CampaignMonitorComponent,
    CampaignMonitorResource,
    SnapshotIOManager,
    WarehouseResource,
)

component = CampaignMonitorComponent(tables=["clients"], timezone="Europe/Berlin")
assert_type(component.schema_of_tables, str)
assert_type(component.api.connections, int)
resource = CampaignMonitorResource(api_key="key", connections=5)
assert_type(resource.max_attempts, int)
warehouse = WarehouseResource(database="data/account.duckdb")
assert_type(SnapshotIOManager(warehouse=warehouse).warehouse, WarehouseResource)
assert_type(campaign_monitor_assets.__version__, str)
