"""The way of a snapshot: load, verify, write, log, all in the caller's transaction.

The table, its history, its comments and its row in `sync_log` change together or not at all.
"""

from dataclasses import dataclass, replace

import duckdb

from campaign_monitor_assets.errors import SnapshotRefusedError
from campaign_monitor_assets.staging.records import Staged
from campaign_monitor_assets.warehouse.bookkeeping import prepare
from campaign_monitor_assets.warehouse.enforce import enforce
from campaign_monitor_assets.warehouse.history import agrees, remove_old_versions, update_history
from campaign_monitor_assets.warehouse.kept import TEMPORARY, Kept, find_kept
from campaign_monitor_assets.warehouse.load import Loaded, load
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.privacy import Privacy
from campaign_monitor_assets.warehouse.quoting import row_count
from campaign_monitor_assets.warehouse.replacing import take_turn
from campaign_monitor_assets.warehouse.settings import PublishSettings
from campaign_monitor_assets.warehouse.state import (
    bytes_left,
    first_of_table,
    last_forgotten,
    note_removed,
)
from campaign_monitor_assets.warehouse.sync_log import (
    LoggedSnapshot,
    last_snapshot,
    load_parents,
    record,
)
from campaign_monitor_assets.warehouse.verify import Guard, require_same_account, verify
from campaign_monitor_assets.warehouse.write import Written, write

Connection = duckdb.DuckDBPyConnection

_TEMPORARY = ("loaded", "parents", "difference", "ending", *TEMPORARY)


@dataclass(frozen=True)
class Published:
    """What a snapshot holds.

    Attributes:
        previous_rows: Rows in the snapshot before; None where there was none.
        kept: The rows that stayed without being read again.
        bytes_left: Whether bytes of what was removed for good may be left in the file, so that it
            has to be written anew: rows were brought under other rules of privacy, or somebody was
            forgotten, and it has not been written anew since.
        loaded: What was loaded for it.
        written: What became of its rows.
    """

    previous_rows: int | None
    kept: Kept
    bytes_left: bool
    loaded: Loaded
    written: Written


@dataclass(frozen=True)
class Superseded:
    """A snapshot that was not published, since the one that is there was read later.

    Attributes:
        table: The table.
        by: The snapshot that is there.
        rows: Its rows.
    """

    table: TableName
    by: LoggedSnapshot
    rows: int

    @property
    def note(self) -> str:
        """What happened, and what to do."""
        return (
            f"The snapshot of {self.table} was not published: the run {self.by.run_id} began to"
            " read the table later and has published it already. Its snapshot is unchanged. Run"
            " this one again where a newer one is wanted."
        )


def publish(
    connection: Connection,
    staged: Staged,
    table: TableName,
    *,
    run_id: str,
    settings: PublishSettings,
    forced: bool = False,
) -> Published | Superseded:
    """Makes what was staged the table's snapshot and logs it, unless a later one is there.

    Args:
        connection: The transaction.
        staged: What was read.
        table: Where it goes.
        run_id: Dagster's run.
        settings: How it gets there.
        forced: Whether it was asked to be written in any case.

    Raises:
        DatabaseError: The staged rows can't be loaded, not all of them arrived, or their keys are
            not unique and whole; or a newer version of this program made the schema.
        ConfigurationError: The addresses that are there are hashed with another key.
        OtherAccountError: The schema holds the snapshots of another account.
        SnapshotRefusedError: The guard kept the snapshot out; or writing it was forced, and the
            one that is there was read later.
    """
    prepare(connection, table.schema)
    last = last_snapshot(connection, table)
    previous = row_count(connection, table.schema, table.table)
    if last is not None and last.number > staged.reading:
        superseded = Superseded(table, last, previous or 0)
        if forced:
            raise SnapshotRefusedError(superseded.note)
        return superseded
    _require_base(staged, table, last)
    _require_later_than_forgetting(connection, staged, table)
    if enforce(connection, table.schema, settings.privacy):
        note_removed(connection, table.schema)
    loaded = load(connection, staged, settings.privacy)
    load_parents(connection, staged, loaded.merged)
    kept = find_kept(connection, staged, table, settings.privacy)
    loaded = replace(loaded, rows=loaded.rows - kept.early)
    guard = Guard(settings.refuse_drop_percent, forced)
    verify(connection, staged, loaded, kept=kept, previous_rows=previous, guard=guard)
    if staged.table.name == "clients" and not forced:
        require_same_account(connection, table)
    if previous is None:
        first_of_table(connection, table.schema)
    else:
        take_turn(connection, table)
    written = _write(connection, staged, loaded, table, kept, settings, last)
    record(connection, staged, table, written, run_id=run_id)
    for name in _TEMPORARY:
        connection.execute(f"drop table if exists temp.{name}")
    return Published(previous, kept, bytes_left(connection, table.schema), loaded, written)


def publish_trial(
    connection: Connection, staged: Staged, table: TableName, *, run_id: str, privacy: Privacy
) -> Published | Superseded:
    """Publishes a limited reading beside the full snapshot of the table, which stays as it is."""
    settings = PublishSettings(privacy=privacy)
    _require_later_than_forgetting(connection, staged, table)
    return publish(connection, staged, table.of_trial, run_id=run_id, settings=settings)


def _require_base(staged: Staged, table: TableName, last: LoggedSnapshot | None) -> None:
    """Raises SnapshotRefusedError where the snapshot that increments are added to is not there."""
    if not staged.has_increments or staged.incremental is None:
        return
    if last is None or last.number != staged.incremental.base:
        raise SnapshotRefusedError(
            f"The new snapshot of {table} was not published: it adds to the snapshot that was there"
            " when reading began, and another one has taken its place since. What is there is"
            " unchanged. Run it again."
        )


def _require_later_than_forgetting(
    connection: Connection, staged: Staged, table: TableName
) -> None:
    """Raises SnapshotRefusedError where somebody was forgotten since reading began."""
    if staged.reading < last_forgotten(connection, table.schema):
        raise SnapshotRefusedError(
            f"The new snapshot of {table} was not published: somebody was forgotten while it was"
            " read, and may be in it. What is there is unchanged. Run it again."
        )


def _write(
    connection: Connection,
    staged: Staged,
    loaded: Loaded,
    table: TableName,
    kept: Kept,
    settings: PublishSettings,
    last: LoggedSnapshot | None,
) -> Written:
    in_step = settings.history and last is not None and last.has_history
    written = write(
        connection,
        staged,
        loaded,
        table,
        kept=kept,
        strategy=settings.strategy,
        compared=in_step,
    )
    if not settings.history:
        return written
    changes = written.changes
    if not in_step or changes is None or changes.any or not agrees(connection, table):
        update_history(
            connection,
            table,
            synced_at=staged.synced_at,
            difference=written.difference if in_step else None,
        )
    if settings.history_days is not None:
        remove_old_versions(
            connection, table, synced_at=staged.synced_at, days=settings.history_days
        )
    return replace(written, has_history=True)
