from pathlib import Path

import dagster as dg

from campaign_monitor_assets_tests.benchmarks.programs.empty_project import defs

if __name__ == "__main__":
    loaded = dg.Definitions.merge(
        dg.ComponentTree.from_module(defs, Path(__file__).parents[4]).build_defs(),
        dg.Definitions(executor=dg.in_process_executor),
    )
    with dg.DagsterInstance.get() as instance:
        loaded.resolve_job_def("everything").execute_in_process(instance=instance)
