"""All of Dagster: component, resource, IO manager, assets, checks, jobs, schedules and metadata.

Each of them is thin over the layers below; no HTTP and no SQL belongs here.
"""
