"""However many rows change, they are written in the memory that there is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.staging.records import Staged
from campaign_monitor_assets.warehouse.history import update_history
from campaign_monitor_assets.warehouse.kept import Kept
from campaign_monitor_assets.warehouse.load import Loaded
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.settings import Strategy
from campaign_monitor_assets.warehouse.write import Written, write

ROWS = 500_000
MEMORY = "32MB"
"""Less than half a million rows' hashes and what is noted of their removal take together; a thread
takes some of it whatever the number of rows."""

TABLE = CATALOGUE["active_subscribers"]
NAME = TableName("account", TABLE.name)
DAYS = datetime(2026, 1, 1), datetime(2026, 1, 2)  # noqa: DTZ001 (times in DuckDB are UTC)

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Change:
    """What becomes of a table's rows from the first day to the second.

    Attributes:
        percent: How many of them change.
        of_keys: Whether their keys do, so that they are other rows.
        is_keyed: Whether there is a key; events have none, and each comes twice here.
    """

    percent: int
    of_keys: bool = False
    is_keyed: bool = True

    def rows(self, day: int) -> str:
        """The rows of a day, with the time that each has from then on, as SQL."""
        number = "n" if self.is_keyed else "(n // 2)"
        changed = f"{day} = 1 and {number} % 100 < {self.percent}"
        person = f"{number} || if({changed} and {self.of_keys}, '@new.example', '@example.com')"
        return (
            f"select 'list' as ListID, {person} as EmailAddress,"
            f" 'Person ' || {number} || if({changed}, ' Smith', '') as Name,"
            f" if({changed}, {_time(1)}, {_time(0)}) as _synced_at from range({ROWS}) rows(n)"
        )


CHANGES = {
    "a tenth": Change(10),
    "half": Change(50),
    "all": Change(100),
    "all but some": Change(99),
    "other rows": Change(100, of_keys=True),
    "half of the events": Change(50, is_keyed=False),
    "all events": Change(100, is_keyed=False),
}


def _time(day: int) -> str:
    return f"timestamp '{DAYS[day]}'"


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(tmp_path / "a.duckdb")) as opened:
        opened.execute("set threads = 1")
        opened.execute("set preserve_insertion_order = false")
        opened.execute("create schema account")
        yield opened


def _publish(
    connection: duckdb.DuckDBPyConnection,
    change: Change,
    day: int,
    strategy: Strategy,
    *,
    history: bool,
) -> Written:
    """Writes a day's rows as `publish` does, once they are loaded."""
    connection.execute(
        f"create or replace temp table loaded as select * replace ({_time(day)} as _synced_at)"
        f" from ({change.rows(day)})"
    )
    staged = Staged(
        table=TABLE if change.is_keyed else replace(TABLE, key=()),
        synced_at=DAYS[day],
        reading=day + 1,
        rows_path=Path("none"),
        reads_path=Path("none"),
        reported=ROWS,
        rows=ROWS,
    )
    there = ("ListID", "EmailAddress", "Name", "_synced_at")
    columns = tuple(column for column in TABLE.columns if column.name in there)
    loaded = Loaded(ROWS, columns, malformed={}, extra_columns=())
    connection.begin()
    written = write(
        connection, staged, loaded, NAME, kept=Kept(), strategy=strategy, compared=history
    )
    if history:
        update_history(
            connection,
            NAME,
            synced_at=staged.synced_at,
            difference=written.difference,
        )
    connection.commit()
    return written


@pytest.mark.parametrize(
    ("strategy", "history", "what"),
    [
        *((Strategy.MERGE, True, what) for what in CHANGES),
        # What differs from that: how the table is written, and that there is no history to write.
        *((Strategy.REPLACE, True, what) for what in ("half", "other rows", "all events")),
        *((Strategy.MERGE, False, what) for what in ("all", "half of the events")),
    ],
)
def test_many_changes(
    connection: duckdb.DuckDBPyConnection, strategy: Strategy, *, history: bool, what: str
) -> None:
    """Any share of rows that changed is written; each row is what it should be."""
    change = CHANGES[what]
    _publish(connection, change, 0, strategy, history=history)
    connection.execute(f"set memory_limit = '{MEMORY}'")
    _publish(connection, change, 1, strategy, history=history)
    connection.execute("set memory_limit = '1GB'")
    replaces = strategy is Strategy.REPLACE
    time = _time(1) if replaces else "_synced_at"
    _require_alike(
        connection,
        f"from {NAME.quoted}",
        f"select * replace ({time} as _synced_at) from ({change.rows(1)})",
    )
    if history:
        # A version that ended has another time on the second day, which its row there tells.
        both = f"({change.rows(0)}) before positional join ({change.rows(1)}) after"
        is_other = f"after._synced_at = {_time(1)}"
        _require_alike(
            connection,
            "from account_history.active_subscribers",
            f"select before.*, {_time(0)} as _valid_from, if({is_other}, {_time(1)}, null)"
            f" as _valid_to from {both} union all"
            f" select after.*, {_time(1)}, null from {both} where {is_other}",
        )


def _require_alike(connection: duckdb.DuckDBPyConnection, found: str, expected: str) -> None:
    """Compares all rows, of which each may come several times."""
    for one, other in ((found, expected), (expected, found)):
        assert connection.execute(f"({one}) except all ({other}) limit 1").fetchall() == []
