"""Step 2 of a snapshot: the loaded rows are proved before anything touches the old snapshot."""

from dataclasses import dataclass

import duckdb

from campaign_monitor_assets.errors import DatabaseError, OtherAccountError, SnapshotRefusedError
from campaign_monitor_assets.staging.records import Staged
from campaign_monitor_assets.warehouse.kept import Kept
from campaign_monitor_assets.warehouse.keys import key_faults
from campaign_monitor_assets.warehouse.load import LOADED, Loaded
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import number_of, table_exists

Connection = duckdb.DuckDBPyConnection


@dataclass(frozen=True)
class Guard:
    """Refuses a snapshot whose rows fall too deep.

    Attributes:
        refuse_percent: The deepest fall that is published, in percent; None: any.
        forced: Whether this snapshot is published in any case.
    """

    refuse_percent: float | None = None
    forced: bool = False

    def check(self, table: str, before: int | None, now: int) -> None:
        """Raises SnapshotRefusedError where the fall is too deep."""
        if self.refuse_percent is None or self.forced or not before:
            return
        fall = 100 * (before - now) / before
        if fall > self.refuse_percent:
            raise SnapshotRefusedError(
                f"The new snapshot of {table} was not published: it has {now} rows, the last one"
                f" {before}, a fall by {fall:.1f} % where {self.refuse_percent:g} % are allowed."
                " The old snapshot is unchanged.",
                "if the fall is right, materialize the table with `force: true` in the launchpad's"
                " config.",
                rows_before=before,
                rows_now=now,
            )


def verify(
    connection: Connection,
    staged: Staged,
    loaded: Loaded,
    *,
    kept: Kept,
    previous_rows: int | None,
    guard: Guard,
) -> None:
    """Proves the loaded rows: all arrived, every key once and whole, no fall too deep.

    Args:
        connection: The transaction.
        staged: What was read.
        loaded: What is in the temporary table.
        kept: The rows that stay without being read again.
        previous_rows: Rows of the snapshot before; None where there was none.
        guard: How deep the rows may fall.

    Raises:
        DatabaseError: Rows are missing, or a key comes twice or has a part missing.
        SnapshotRefusedError: The guard keeps the snapshot out.
    """
    name = staged.table.name
    increments = sum(merge.reported for merge in kept.merges)
    arrived = loaded.rows + loaded.merged_rows
    added = sum(merge.added for merge in kept.merges)
    if not staged.inconsistent and not (
        arrived == staged.rows - kept.early and arrived - added == staged.reported - increments
    ):
        raise DatabaseError(
            f"The API reported {staged.reported} rows of {name}, {staged.rows} were staged and"
            f" {arrived} arrived in DuckDB, where {kept.of_increments} stay. The old snapshot"
            " is unchanged. Please report this."
        )
    if unproved := [merge for merge in kept.merges if not merge.is_proved]:
        raise DatabaseError(
            f"Merging what was added to {name} does not give the rows that the API counts in"
            f" {len(unproved)} collections. The old snapshot is unchanged. Please report this."
        )
    if faults := key_faults(connection, staged.table, LOADED):
        raise DatabaseError(
            f"The API sent {name} with {faults.repeated} keys ({', '.join(staged.table.key)}) that"
            f" come more than once, and {faults.incomplete} rows whose key lacks a part. Each key"
            " is expected once and whole. The old snapshot is unchanged.",
            "run it again; if it stays so, please report this.",
        )
    guard.check(name, previous_rows, loaded.rows + kept.rows)


def require_same_account(connection: Connection, table: TableName) -> None:
    """Compares the clients that were loaded with those that are there.

    A key may be another one of the same account, and clients come and go; that none of them stays
    is another account.

    Raises:
        OtherAccountError: No client is in both.
    """
    if not table_exists(connection, table.schema, table.table):
        return
    before = number_of(connection, f"select count(*) from {table.quoted}")
    now = number_of(connection, f"select count(*) from {LOADED}")
    shared = number_of(
        connection, f"select count(*) from {LOADED} semi join {table.quoted} using (ClientID)"
    )
    if before and now and not shared:
        raise OtherAccountError(str(table), before, now)
