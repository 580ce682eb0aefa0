"""Reads whole tables: the collections of all parents, concurrently, into staged files."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.catalogue import Shape, Table
from campaign_monitor_assets.extract.attempts import read_attempt
from campaign_monitor_assets.extract.concurrency import Task, TaskRunner
from campaign_monitor_assets.extract.errors import AllParentsMissingError, ContradictoryPagesError
from campaign_monitor_assets.extract.fetch import Fetcher, Request, Response
from campaign_monitor_assets.extract.incremental import Incremental, read_increments
from campaign_monitor_assets.extract.paginator import Judgement, Page, Verdict, judge
from campaign_monitor_assets.extract.parents import Parent
from campaign_monitor_assets.extract.progress import Progress, Tally
from campaign_monitor_assets.extract.settings import ExtractSettings
from campaign_monitor_assets.staging.files import StagingWriter
from campaign_monitor_assets.staging.records import CollectionRead, Missing, Staged

_Task = Task[Request, Response, None]


def read_tables(
    client: ApiClient,
    writers: Sequence[StagingWriter],
    parents: Sequence[Parent],
    settings: ExtractSettings,
    progress: Callable[[Progress], None] = lambda _: None,
    *,
    incremental: Incremental | None = None,
) -> list[Staged]:
    """Reads one endpoint for all parents into the staged files of the tables that it feeds.

    Args:
        client: Sends the requests; closed at the first error.
        writers: One for each table; the tables share an endpoint, which is asked once.
        parents: For each collection the columns that its rows inherit. An endpoint without a
            parent has one, which is empty.
        settings: How to read.
        progress: Called after each response.
        incremental: How the one table is read incrementally, which `writers` knows the last
            snapshot of; None: in full.

    Raises:
        AllParentsMissingError: Every parent is deleted or forbidden.
        ContradictoryPagesError: The figures of a collection can't be right.
        CampaignMonitorError: A page can't be had. Nothing of the table is then to be used.
    """
    tasks = _Tasks(Fetcher(client, writers, settings.options), writers, settings)
    tally = Tally(len(parents), progress)
    runner = TaskRunner(
        tasks.fetcher.fetch,
        connections=client.connections,
        answered=lambda response: tally.count(
            requests=response.requests, size=response.size, rows=response.rows
        ),
        expected=tally.expect,
        abort=client.close,
    )
    rest = parents
    if incremental is not None:
        [writer] = writers
        rest = read_increments(runner, writer, parents, settings, incremental, tasks)
    runner.run(map(tasks.of, rest))
    _require_any(tasks.missing, parents, writers[0].table)
    return [
        writer.finish(
            requests=tally.requests,
            size=tally.size,
            seconds=tally.seconds,
            page_size=settings.page_size,
        )
        for writer in writers
    ]


def _require_any(missing: Sequence[Missing], parents: Sequence[Parent], table: Table) -> None:
    """Raises AllParentsMissingError where no parent could be read."""
    if not parents or len(missing) < len(parents):
        return
    assert table.parent is not None
    forbidden = sum(each.forbidden for each in missing)
    raise AllParentsMissingError(
        table.name, table.parent, deleted=len(parents) - forbidden, forbidden=forbidden
    )


class _Tasks:
    """The tasks of one endpoint, one for each parent."""

    def __init__(
        self, fetcher: Fetcher, writers: Sequence[StagingWriter], settings: ExtractSettings
    ) -> None:
        self.fetcher = fetcher
        self.missing: list[Missing] = []
        self._writers = writers
        self._table: Table = writers[0].table
        self._settings = settings
        self.numbers = itertools.count(1)

    def of(self, parent: Parent) -> _Task:
        """Reads the collection of one parent."""
        paged = self._table.shape is Shape.PAGE
        return self._read_pages(parent) if paged else self._read_whole(parent)

    def _read_whole(self, parent: Parent) -> _Task:
        [response] = yield [Request(parent, next(self.numbers))]
        if response.missing:
            self.leave_out(response.missing)

    def _read_pages(self, parent: Parent) -> _Task:
        """Reads a collection until an attempt is consistent, or retries are of no use."""
        [writer], table, retries = self._writers, self._table, self._settings.consistency_retries
        usable: CollectionRead | None = None
        seen: set[tuple[str | None, int]] = set()
        judgement = Judgement(Verdict.CONSISTENT)
        for attempt in range(retries + 1):
            read = next(self.numbers)
            again = table.retry_order_field if attempt % 2 else None
            order = again or table.order_field
            pages = yield from read_attempt(
                Request(parent, read, order=order), page_size=self._settings.page_size
            )
            if isinstance(pages, Response):
                assert pages.missing is not None
                self.leave_out(pages.missing)
                return
            judgement = judge(pages, has_key=bool(table.key))
            if judgement.verdict is Verdict.CONSISTENT:
                writer.accept(_collection_read(read, parent, pages, attempt))
                return
            if judgement.verdict is not Verdict.CONTRADICTORY:
                usable = _collection_read(read, parent, pages, attempt, judgement.detail)
            if (order, judgement.fingerprint) in seen:
                # Nothing changes there, so what is wrong is not that it changed.
                if judgement.verdict is not Verdict.REPEATS_KEYS:
                    usable = None
                break
            seen.add((order, judgement.fingerprint))
        if usable is None:
            raise ContradictoryPagesError(self.fetcher.path(parent), judgement.detail)
        writer.accept(replace(usable, retries=attempt))

    def leave_out(self, missing: Missing) -> None:
        """Notes a parent that is deleted or forbidden."""
        self.missing.append(missing)
        for writer in self._writers:
            writer.leave_out(missing)


def _collection_read(
    read: int, parent: Parent, pages: Sequence[Page], attempt: int, problem: str = ""
) -> CollectionRead:
    rows = sum(page.new_rows for page in pages)
    # The page that was read last knows the total best.
    reported = pages[min(1, len(pages) - 1)].total if problem else rows
    proof = "" if problem else "all pages agree"
    return CollectionRead(read, parent, rows, reported, not problem, attempt, problem, proof=proof)
