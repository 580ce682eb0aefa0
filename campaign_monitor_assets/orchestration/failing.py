"""What Dagster is told of what failed: what went wrong and what to do on top, figures beside it.

An error that this package foresaw says all that there is to say, so it needs no stack trace; any
other is a defect, and keeps its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import dagster as dg

from campaign_monitor_assets.errors import CampaignMonitorError
from campaign_monitor_assets.warehouse.interrupts import was_interrupted

ERROR: Final = "error"
"""The figure that says which kind of error it was; what has it was foreseen."""
TABLES: Final = "tables"
"""The figure that names what failed."""
WHAT_TO_DO: Final = "what_to_do"
"""The figure that says what to do, where the error does."""


@contextmanager
def telling_dagster(tables: str) -> Iterator[None]:
    """Raises a Failure in the place of an error that this package foresaw, and what stops a run.

    A retry policy of the user's holds as ever, unless the same would happen again.

    Args:
        tables: What fails then: names of tables, or of a view or job.

    Raises:
        dagster.Failure: The error with its figures.
        dagster.DagsterExecutionInterruptedError: DuckDB was interrupted, so the run is.
    """
    try:
        yield
    except CampaignMonitorError as error:
        raise failure_of(error, tables) from None
    except RuntimeError as error:
        if was_interrupted(error):
            raise dg.DagsterExecutionInterruptedError from None
        raise


def failure_of(error: CampaignMonitorError, tables: str) -> dg.Failure:
    """An error as Dagster shows it."""
    figures: dict[str, Any] = {TABLES: tables, ERROR: type(error).__name__, **error.figures}
    if error.what_to_do:
        figures[WHAT_TO_DO] = error.what_to_do
    return dg.Failure(str(error), figures, allow_retries=not error.is_final)
