"""Syncs of a large list with history as a user runs them: Dagster, the API's answers and all."""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from campaign_monitor_assets import sandbox
from campaign_monitor_assets_tests.benchmarks.processes import environment_of, measured
from campaign_monitor_assets_tests.benchmarks.readers import OURS, interpreter
from campaign_monitor_assets_tests.benchmarks.syncs import (
    FIRST,
    LISTS,
    TABLE,
    Figures,
    Measure,
    Way,
)

WHOLE = 0
"""Stands for the number of days where the whole program was measured."""

# The table and its history alike, as if the account had been so at the sync before.
_CHANGE = "update {relation} set Name = 'somebody else' where hash(ListID, EmailAddress) % 100 = 0"


def syncs(folder: Path, rows: int) -> Iterator[Measure]:
    """The first sync, one without changes, and one in which 1 % of the rows are others."""
    folder.mkdir()
    database = folder / "account.duckdb"
    with sandbox.start("--bulk", f"{LISTS}x{rows // LISTS}") as box:
        environment = environment_of(box, folder, database)
        command = [interpreter(OURS.name, OURS.requirements), str(OURS.program), "--with-history"]
        for changed in (FIRST, "0", "1"):
            if changed == "1":
                _change(database)
            usage = measured(command, environment, folder / "log.txt")
            figures = Figures(
                seconds=usage.wall,
                peak=usage.peak,
                written=0,
                spilled=0,
                size=database.stat().st_size,
            )
            yield Measure(rows, changed, Way("merge", history=True), WHOLE, 1, figures)


def _change(database: Path) -> None:
    with duckdb.connect(str(database)) as connection:
        for schema in ("campaign_monitor", "campaign_monitor_history"):
            connection.execute(_CHANGE.format(relation=f"account.{schema}.{TABLE}"))
