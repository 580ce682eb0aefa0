"""What increments start from and what proves them, each in a short look into the file."""

from collections.abc import Callable

from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.staging.records import Merge, Staged, StoredCollection, StoredTable
from campaign_monitor_assets.warehouse.bookkeeping import SYNC_LOG_PARENTS
from campaign_monitor_assets.warehouse.kept import find_kept
from campaign_monitor_assets.warehouse.load import load
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.privacy import KEEP_ALL, Privacy
from campaign_monitor_assets.warehouse.quoting import identifier, literal
from campaign_monitor_assets.warehouse.sync_log import last_snapshot
from campaign_monitor_assets.warehouse.target import Database

_LATEST_ZONE = 15
_EARLIEST_ZONE = 12
"""Hours that a client's clock is ahead of UTC or behind it, at the most."""


def stored_table(
    database: Database,
    name: TableName,
    table: Table,
    *,
    form: str,
    overlap_hours: float,
    warn: Callable[[str], None] = lambda _: None,
) -> StoredTable:
    """What the last snapshot holds that increments can be added to.

    A collection is left out where the log says nothing of it or another number of rows, where it
    was not consistent, or where its rows are of another form.

    Args:
        database: The file, whose bookkeeping is of the present format.
        name: Where the snapshot is.
        table: The catalogue's entry.
        form: What rows that are read now depend on.
        overlap_hours: Hours before the newest record from which on records are asked for again.
        warn: Told of a wait for the file.
    """
    assert table.increments is not None
    assert table.parent_key is not None
    with database.connect(read_only=True, warn=warn) as connection:
        last = last_snapshot(connection, name)
        if last is None:
            return StoredTable()
        parent, time = identifier(table.parent_key), identifier(table.increments.column)
        # A record of the future would hide all that come before it: then the clock has to do.
        newest = (
            f"case when newest > synced_at + to_hours({_LATEST_ZONE}) or newest is null"
            f" then synced_at - to_hours({_EARLIEST_ZONE}) else newest end"
        )
        rows = connection.execute(
            f"with counted as (select {parent} as parent, count(*) as rows, max({time}) as newest"
            f" from {name.quoted} group by all),"
            " known as (select log.parent, log.rows, log.merged, log.full_at, date_trunc('minute',"
            f" {newest} - to_seconds({overlap_hours * 3600})) as since"
            f" from {name.beside(SYNC_LOG_PARENTS).quoted} log left join counted using (parent)"
            f" where log.table_name = {literal(name.table)} and settled"
            f" and form = {literal(form)} and full_at is not null"
            " and log.rows = coalesce(counted.rows, 0)),"
            f" newer as (select known.parent, count(*) as rows from {name.quoted} stored"
            f" join known on stored.{parent} = known.parent where stored.{time} >= known.since"
            " group by all)"
            " select known.parent, known.rows, known.since, "
            " known.rows - coalesce(newer.rows, 0), known.full_at, known.merged"
            " from known left join newer using (parent)"
        ).fetchall()
    return StoredTable(
        last.number, {parent: StoredCollection(*figures) for parent, *figures in rows}
    )


def prove(
    database: Database,
    staged: Staged,
    name: TableName,
    privacy: Privacy = KEEP_ALL,
    warn: Callable[[str], None] = lambda _: None,
) -> tuple[Merge, ...]:
    """Counts what merging would give, collection by collection, as publishing will merge it.

    Args:
        database: The file, which is not written.
        staged: Increments, and nothing else.
        name: Where the last snapshot is.
        privacy: What becomes of personal data.
        warn: Told of a wait for the file.
    """
    with database.connect(read_only=True, warn=warn, alone=True) as connection:
        load(connection, staged, privacy)
        return find_kept(connection, staged, name, privacy).merges
