"""Somebody who looks at the lake all the time, and notes what is there."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from campaign_monitor_assets.cli.cluster.processes import ClusterError
from campaign_monitor_assets.errors import CampaignMonitorError
from campaign_monitor_assets.warehouse.bookkeeping import SYNC_LOG
from campaign_monitor_assets.warehouse.names import schemas_with
from campaign_monitor_assets.warehouse.quoting import identifier, number_of
from campaign_monitor_assets.warehouse.target import Database

_PAUSE: Final = 2
"""Seconds; it should show something, and leave the machine to the others."""


@dataclass
class Seen:
    """What a reader saw.

    Attributes:
        looks: How often it looked at all tables.
        snapshots: Those that it met: schema, table and number.
        mixtures: Tables that did not hold the rows of their snapshot, in words.
        error: What it could not get over.
    """

    looks: int = 0
    snapshots: set[tuple[str, str, int]] = field(default_factory=set)
    mixtures: list[str] = field(default_factory=list)
    error: CampaignMonitorError | None = None

    def require_whole(self) -> None:
        """Looks whether all was as it should be.

        Raises:
            ClusterError: The reader could not read, or saw a table that was no whole snapshot.
        """
        if self.error is not None:
            raise ClusterError(f"The reader was disturbed: {self.error}")
        if self.mixtures:
            raise ClusterError(f"The reader saw a mixture: {'; '.join(self.mixtures)}")


@contextmanager
def reading(database: Database) -> Iterator[Seen]:
    """Looks again and again, in a thread, for as long as the context lasts."""
    seen, ended = Seen(), threading.Event()

    def read() -> None:
        try:
            while not ended.wait(_PAUSE):
                look(database, seen)
        except CampaignMonitorError as error:
            seen.error = error

    thread = threading.Thread(target=read, name="reader")
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def look(database: Database, seen: Seen) -> None:
    """Compares each table's rows with what the log says of its snapshot, all at one moment.

    Raises:
        DatabaseError: The lake can't be read.
    """
    if not database.exists():
        return
    seen.looks += 1
    with database.connect(read_only=True) as connection:
        for schema in schemas_with(connection, SYNC_LOG):
            logged = connection.execute(
                "select table_name, max(snapshot), max_by(rows, snapshot)"
                f" from {identifier(schema)}.{SYNC_LOG} group by all"
            ).fetchall()
            for table, snapshot, rows in logged:
                seen.snapshots.add((schema, table, snapshot))
                name = f"{identifier(schema)}.{identifier(table)}"
                found = number_of(connection, f"select count(*) from {name}")
                if found != rows:
                    said = f"{schema}.{table} held {found} rows, its snapshot {snapshot} has {rows}"
                    seen.mixtures.append(said)
