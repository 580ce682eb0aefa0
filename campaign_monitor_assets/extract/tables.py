"""Reads whole tables: the collections of all parents, concurrently, into staged files."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.catalogue import Shape, Table
from campaign_monitor_assets.errors import AllParentsMissingError, ContradictoryPagesError
from campaign_monitor_assets.extract.concurrency import Task, TaskRunner
from campaign_monitor_assets.extract.fetch import Fetcher, Request, Response
from campaign_monitor_assets.extract.paginator import Judgement, Page, Verdict, judge, next_requests
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
) -> list[Staged]:
    """Reads one endpoint for all parents into the staged files of the tables that it feeds.

    Args:
        client: Sends the requests; closed at the first error.
        writers: One for each table; the tables share an endpoint, which is asked once.
        parents: For each collection the columns that its rows inherit. An endpoint without a
            parent has one, which is empty.
        settings: How to read.
        progress: Called after each response.

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
    runner.run(map(tasks.of, parents))
    if parents and len(tasks.missing) == len(parents):
        table = writers[0].table
        assert table.parent is not None
        forbidden = sum(missing.forbidden for missing in tasks.missing)
        raise AllParentsMissingError(
            table.name, table.parent, deleted=len(parents) - forbidden, forbidden=forbidden
        )
    return [
        writer.finish(requests=tally.requests, size=tally.size, seconds=tally.seconds)
        for writer in writers
    ]


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
        self._numbers = itertools.count(1)

    def of(self, parent: Parent) -> _Task:
        """Reads the collection of one parent."""
        paged = self._table.shape is Shape.PAGE
        return self._read_pages(parent) if paged else self._read_whole(parent)

    def _read_whole(self, parent: Parent) -> _Task:
        [response] = yield [Request(parent, next(self._numbers))]
        if response.missing:
            self._leave_out(response.missing)

    def _read_pages(self, parent: Parent) -> _Task:
        """Reads a collection until an attempt is consistent, or retries are of no use."""
        [writer], table, retries = self._writers, self._table, self._settings.consistency_retries
        usable: CollectionRead | None = None
        seen: set[tuple[str | None, int]] = set()
        judgement = Judgement(Verdict.CONSISTENT)
        for attempt in range(retries + 1):
            read = next(self._numbers)
            again = table.retry_order_field if attempt % 2 else None
            order = again or table.order_field
            pages = yield from self._read_attempt(parent, read, order)
            if isinstance(pages, Missing):
                self._leave_out(pages)
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

    def _read_attempt(
        self, parent: Parent, read: int, order: str | None
    ) -> Task[Request, Response, list[Page] | Missing]:
        """The pages of one attempt, unless the parent is missing."""
        pages: list[Page] = []
        while requests := next_requests(pages, page_size=self._settings.page_size):
            responses = yield [Request(parent, read, page, order) for page in requests]
            for response in responses:
                if response.missing:
                    return response.missing
                assert response.page is not None
                pages.append(response.page)
        return pages

    def _leave_out(self, missing: Missing) -> None:
        self.missing.append(missing)
        for writer in self._writers:
            writer.leave_out(missing)


def _collection_read(
    read: int, parent: Parent, pages: Sequence[Page], attempt: int, problem: str = ""
) -> CollectionRead:
    rows = sum(page.new_rows for page in pages)
    # The page that was read last knows the total best.
    reported = pages[min(1, len(pages) - 1)].total if problem else rows
    return CollectionRead(read, parent, rows, reported, not problem, attempt, problem)
