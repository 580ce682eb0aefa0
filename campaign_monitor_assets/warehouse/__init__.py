"""Where rows go: the DuckDB file, the load, the write, the sync log, the checks as functions.

Rows come from `staging` alone; neither the API nor Dagster is known here.
"""
