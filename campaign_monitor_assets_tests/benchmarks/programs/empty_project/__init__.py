"""A Dagster project of one asset that does nothing: what every run of a project costs.

It is made and run as this package's own is: definitions from a folder, executed in a fresh process,
with the history in a home of its own.
"""
