"""This project's reader, as a user would run it: the component in a Dagster run of one process.

With `--without-checks` the tables' asset checks are left out, which no peer has; with
`--with-history` every version of a subscriber is kept; with `--incremental` they are read
incrementally.
"""

import os
import sys

import dagster as dg

from campaign_monitor_assets.orchestration.attributes import WarehouseAttributes
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent

component = CampaignMonitorComponent(
    tables=["clients", "lists", "active_subscribers"],
    analytics=False,
    sync_methods={"active_subscribers": "incremental"} if "--incremental" in sys.argv else {},
    warehouse=WarehouseAttributes(
        database=os.environ["BENCHMARK_DATABASE"],
        history=["active_subscribers"] if "--with-history" in sys.argv else [],
    ),
)

unchecked = dg.define_asset_job(
    "unchecked", dg.AssetSelection.all() - dg.AssetSelection.all_asset_checks()
)

if __name__ == "__main__":
    defs = dg.Definitions.merge(
        dg.build_defs_for_component(component),
        dg.Definitions(jobs=[unchecked], executor=dg.in_process_executor),
    )
    name = unchecked.name if "--without-checks" in sys.argv else "campaign_monitor_all"
    with dg.DagsterInstance.get() as instance:
        defs.resolve_job_def(name).execute_in_process(instance=instance)
