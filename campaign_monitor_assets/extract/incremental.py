"""Reads what was added to the collections of a table, and tells which are to be read in full."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from campaign_monitor_assets.extract.concurrency import Task, TaskRunner
from campaign_monitor_assets.extract.fetch import Fetcher, Request, Response
from campaign_monitor_assets.extract.increments import (
    IncrementReader,
    fewest_requests,
    reason_for_full,
)
from campaign_monitor_assets.extract.parents import Parent
from campaign_monitor_assets.extract.settings import ExtractSettings
from campaign_monitor_assets.staging.files import StagingWriter
from campaign_monitor_assets.staging.records import (
    CollectionRead,
    Merge,
    Missing,
    ReadInFull,
    Reason,
    Staged,
)

FULL_REFRESH_DAYS: Final[float] = 7
"""Within how many days each collection is read in full where nothing is said."""


@dataclass(frozen=True)
class Incremental:
    """How a table is read incrementally.

    Attributes:
        prove: Counts what merging staged increments into the last snapshot gives.
        full_refresh_days: Within how many days each collection is read in full.
        all_in_full: Whether all are read in full this time.
    """

    prove: Callable[[Staged], Sequence[Merge]]
    full_refresh_days: float = FULL_REFRESH_DAYS
    all_in_full: bool = False


class Tasks(Protocol):
    """What increments share with full readings of the same table."""

    fetcher: Fetcher

    @property
    def numbers(self) -> Iterator[int]:
        """The numbers of attempts, each once."""

    def leave_out(self, missing: Missing) -> None:
        """Notes a parent that is deleted or forbidden."""


def read_increments(
    runner: TaskRunner[Request, Response],
    writer: StagingWriter,
    parents: Sequence[Parent],
    settings: ExtractSettings,
    incremental: Incremental,
    tasks: Tasks,
) -> list[Parent]:
    """Stages what was added to the collections for which that is enough, and returns the others.

    Args:
        runner: Runs the requests.
        writer: Takes the rows and knows the last snapshot.
        parents: The collections.
        settings: How to read.
        incremental: How to read incrementally.
        tasks: Where what is common to the table stands.
    """
    readers: dict[str, IncrementReader] = {}
    reads: dict[str, CollectionRead] = {}
    rest: list[ReadInFull] = []

    def task(key: str) -> Task[Request, Response, None]:
        outcome = yield from readers[key].read()
        if isinstance(outcome, CollectionRead):
            reads[key] = outcome
        elif isinstance(outcome, Missing):
            tasks.leave_out(outcome)
        else:
            rest.append(outcome)

    for parent in parents:
        chosen = _chosen(writer, parent, settings, incremental, tasks)
        if isinstance(chosen, ReadInFull):
            rest.append(chosen)
        else:
            readers[_key(writer, parent)] = chosen
    runner.run(map(task, readers))
    merges = incremental.prove(writer.candidates([*reads.values()])) if reads else ()
    for merge in merges:
        if merge.is_proved:
            writer.accept(_proved(reads[merge.parent], merge))
        else:
            rest.append(readers[merge.parent].failure(merge))
        if merge.early and writer.table.increments and writer.table.increments.filtered:
            writer.note_early(merge.parent)
    for read in rest:
        writer.note_in_full(read)
    return [read.parent for read in rest]


def _chosen(
    writer: StagingWriter,
    parent: Parent,
    settings: ExtractSettings,
    incremental: Incremental,
    tasks: Tasks,
) -> IncrementReader | ReadInFull:
    """How to begin with a collection."""
    assert writer.stored is not None
    key = _key(writer, parent)
    stored = writer.stored.collections.get(key)
    reason = (
        Reason.ASKED
        if incremental.all_in_full
        else reason_for_full(
            key,
            stored,
            least=fewest_requests(writer.table),
            page_size=settings.page_size,
            now=writer.synced_at,
            days=incremental.full_refresh_days,
        )
    )
    if reason is not None or stored is None:
        return ReadInFull(parent, reason or Reason.FIRST)
    return IncrementReader(
        writer.table,
        parent,
        stored,
        settings,
        lambda: next(tasks.numbers),
        tasks.fetcher.path(parent),
    )


def _proved(read: CollectionRead, merge: Merge) -> CollectionRead:
    proof = f"{merge.kept} rows stayed and {merge.added} came: {merge.reported}, as the API counts"
    return replace(read, proof=proof)


def _key(writer: StagingWriter, parent: Parent) -> str:
    assert writer.table.parent_key is not None
    return parent[writer.table.parent_key]
