"""All of Dagster: component, resource, IO manager, assets, checks, jobs, schedules and metadata.

Each of them is thin over the layers below; no HTTP and no SQL belongs here.
"""

from typing import Final

CONFIG_VARIABLE: Final = "CAMPAIGN_MONITOR_CONFIG"
"""Names the `defs.yaml` that the project loads in the place of its own."""
