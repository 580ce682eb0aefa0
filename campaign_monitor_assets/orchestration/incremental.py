"""Incremental reading of one table: what it starts from, what proves it, and what a run says of it.

Here the reader of the API and the file meet; neither knows of the other.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.extract.incremental import Incremental
from campaign_monitor_assets.extract.settings import ExtractSettings
from campaign_monitor_assets.staging.records import IncrementalRead, Reason, Staged, StoredTable
from campaign_monitor_assets.warehouse.increments import prove, stored_table
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.privacy import KEEP_ALL, Privacy
from campaign_monitor_assets.warehouse.target import Database

NOT_SEEN = (
    "Edits of names, fields and addresses, and a removal for good that coincides with an arrival"
    " bearing an old date, show at the next full reading of a collection."
)
"""What an incremental reading can't see."""

_MOST_NAMED = 20
"""Collections that the log and the metadata name at the most."""


def form_of(table: Table, settings: ExtractSettings, privacy: Privacy = KEEP_ALL) -> str:
    """What the rows of a table depend on besides the account: increments of another don't mix.

    Args:
        table: The catalogue's entry.
        settings: How it is read.
        privacy: What becomes of personal data.
    """
    options = sorted(option for option in table.options if option in settings.options)
    columns = [(column.name, column.type) for column in table.columns]
    depends_on = (columns, options, privacy.rules, privacy.key_check)
    return hashlib.blake2b(repr(depends_on).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class IncrementalSync:
    """How one table is read incrementally.

    Attributes:
        table: The catalogue's entry.
        name: Where it stands.
        database: The file.
        settings: How it is read.
        days: Within how many days each collection is read in full.
        privacy: What becomes of personal data.
        all_in_full: Whether all are read in full this time.
        warn: Told of waiting for the file.
    """

    table: Table
    name: TableName
    database: Database
    settings: ExtractSettings
    days: float
    privacy: Privacy = KEEP_ALL
    all_in_full: bool = False
    warn: Callable[[str], None] = lambda _: None

    def stored(self) -> StoredTable:
        """What the last snapshot holds that increments can be added to."""
        if self.all_in_full:
            return StoredTable()
        return stored_table(
            self.database,
            self.name,
            self.table,
            form=form_of(self.table, self.settings, self.privacy),
            overlap_hours=self.settings.overlap_hours,
            warn=self.warn,
        )

    def reading(self) -> Incremental:
        """What the reader of the API is told."""
        return Incremental(
            prove=partial(
                prove, self.database, name=self.name, privacy=self.privacy, warn=self.warn
            ),
            full_refresh_days=self.days,
            all_in_full=self.all_in_full,
        )


def incremental_metadata(staged: Staged) -> dict[str, Any]:
    """How the collections were read; empty for a table that is not read incrementally."""
    found = staged.incremental
    if found is None:
        return {}
    reasons = Counter(read.reason.value for read in found.in_full)
    told: dict[str, Any] = {
        "sync_method": "incremental",
        "read_incrementally": found.increments,
        "read_in_full": {reason: reasons.get(reason, 0) for reason in map(str, Reason)},
        "requests_of_a_full_refresh": found.full_requests,
        "requests_saved": found.full_requests - staged.requests,
        "oldest_full_reading": found.oldest_full.isoformat(sep=" ", timespec="seconds"),
        "not_seen_since_then": NOT_SEEN,
    }
    if failed := [read for read in found.in_full if read.reason is Reason.UNPROVED]:
        told["proof_failed"] = [
            {**read.parent, "because": read.detail} for read in failed[:_MOST_NAMED]
        ]
    return told


def warnings_of(staged: Staged) -> Iterator[str]:
    """What a reader of the run should not miss."""
    found = staged.incremental
    if found is None:
        return
    failed = [read for read in found.in_full if read.reason is Reason.UNPROVED]
    for read in failed[:_MOST_NAMED]:
        yield (
            f"{dict(read.parent)} was read in full, since what was added to it could not be proved:"
            f" {read.detail}."
        )
    if len(failed) > _MOST_NAMED:
        yield f"{len(failed) - _MOST_NAMED} further collections were read in full for such reasons."
    if found.early:
        yield _early(found)


def _early(found: IncrementalRead) -> str:
    named = ", ".join(found.early[:_MOST_NAMED])
    return (
        f"the `date` filter gave records from before the time that was asked for, in"
        f" {len(found.early)} collections ({named}); they were left out."
    )
