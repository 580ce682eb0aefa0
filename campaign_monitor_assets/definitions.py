"""The project's definitions: what its `defs` folder configures."""

import dagster as dg

from campaign_monitor_assets.orchestration.project import load_component, load_definitions

component = load_component()

defs = dg.Definitions.merge(
    load_definitions(),
    # Threads inside an asset do the waiting; a process for each asset would cost seconds each. The
    # jobs bring it themselves; this is for assets that are materialized without one.
    dg.Definitions(executor=dg.in_process_executor),
)
