"""Ctrl-C, or Dagster's termination of a run, while DuckDB executes a query."""

from typing import Final

_SAID: Final = "Query interrupted"


def was_interrupted(error: BaseException) -> bool:
    """Whether DuckDB ended a query for a signal, and raises this in the place of what stops it."""
    return type(error) is RuntimeError and str(error) == _SAID
