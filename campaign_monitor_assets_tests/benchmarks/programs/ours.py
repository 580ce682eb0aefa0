"""This project's reader, as a user would run it: the component in a Dagster run of one process."""

import os

import dagster as dg

from campaign_monitor_assets.component import CampaignMonitorComponent

component = CampaignMonitorComponent(
    tables=["clients", "lists", "active_subscribers"],
    analytics=False,
    database=os.environ["BENCHMARK_DATABASE"],
)

if __name__ == "__main__":
    defs = dg.Definitions.merge(
        dg.build_defs_for_component(component),
        dg.Definitions(executor=dg.in_process_executor),
    )
    with dg.DagsterInstance.get() as instance:
        defs.resolve_job_def("campaign_monitor_all").execute_in_process(instance=instance)
