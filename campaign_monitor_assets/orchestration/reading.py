"""One execution of an asset: from the parents' keys to what the IO manager publishes."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import duckdb
from pydantic import Field

from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.errors import ConfigurationError, RetriesExhaustedError
from campaign_monitor_assets.extract.account import read_clients, wanted_client_ids
from campaign_monitor_assets.extract.parents import (
    Chosen,
    Parent,
    limited,
    of_clients,
    within_window,
)
from campaign_monitor_assets.extract.progress import Progress
from campaign_monitor_assets.extract.tables import read_tables
from campaign_monitor_assets.orchestration.account import Account
from campaign_monitor_assets.orchestration.incremental import IncrementalSync, form_of
from campaign_monitor_assets.orchestration.io_manager import Snapshot
from campaign_monitor_assets.orchestration.metadata import snapshot_metadata, superseded_metadata
from campaign_monitor_assets.orchestration.resource import CampaignMonitorResource
from campaign_monitor_assets.orchestration.warehouse import WarehouseResource
from campaign_monitor_assets.staging.files import StagingWriter
from campaign_monitor_assets.staging.folder import staging_folder
from campaign_monitor_assets.staging.records import Staged
from campaign_monitor_assets.warehouse.memory import Rows
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.publish import Superseded, publish_trial
from campaign_monitor_assets.warehouse.read import ParentRows, client_names, has_table
from campaign_monitor_assets.warehouse.state import begin_reading
from campaign_monitor_assets.warehouse.sync_log import parents_of_snapshot

_SECONDS_BETWEEN_PROGRESS = 10.0


class ReadConfig(dg.Config):
    """What can be said in the launchpad for one run of an asset."""

    force: bool = Field(
        default=False, description="Publish the snapshot even where the guard would refuse it."
    )
    full: bool = Field(
        default=False,
        description="Read all collections in full now, where the table is read incrementally.",
    )
    only_clients: list[str] = Field(
        default=[],
        description="A trial: read only these ClientIDs. The rows go to a table of the same name"
        " in the schema that ends in _trial; the full snapshot stays as it is.",
    )
    only_lists: list[str] = Field(
        default=[], description="A trial: read only these ListIDs; otherwise as only_clients."
    )

    @property
    def is_trial(self) -> bool:
        """Whether the run reads only a part."""
        return bool(self.only_clients or self.only_lists)


class Reading:
    """One execution of an asset: from the parents' keys to what the IO manager publishes."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        account: Account,
        tables: Sequence[Table],
        config: ReadConfig,
    ) -> None:
        self._context = context
        self._account = account
        self._config = config
        self._tables = tables
        self._api: CampaignMonitorResource = getattr(context.resources, account.api_resource)
        self._warehouse: WarehouseResource = getattr(context.resources, account.warehouse)
        self._target = self._warehouse.target
        self._last_progress = time.monotonic()

    def run(self, parents: ParentRows | None) -> Iterator[dg.Output[Snapshot]]:
        """Reads and yields the tables; asks Dagster for a retry after a transient error.

        A retry of the step works in every kind of run, with and without a daemon; while it waits,
        tables that don't depend on this one are read.
        """
        try:
            yield from self._run(parents)
        except RetriesExhaustedError as error:
            delays, retries = self._api.retry_delays, self._context.retry_number
            if retries >= len(delays):
                raise
            raise dg.RetryRequested(len(delays), seconds_to_wait=delays[retries]) from error

    def _run(self, parents: ParentRows | None) -> Iterator[dg.Output[Snapshot]]:
        number, now = self._begin(), datetime.now(UTC).replace(tzinfo=None)
        chosen = self._choose(parents, now)
        inherits = self._tables[0].inherits
        keys = [{name: row[name] for name in inherits} for row in chosen.read]
        self._warn_of_former_schema()
        root = self._target.staging_root
        sync = self._incremental_sync()
        stored = sync.stored() if sync else None
        with self._api.client(self._context.log.warning) as client, staging_folder(root) as folder:
            writers = [
                StagingWriter(
                    table,
                    folder,
                    now,
                    number,
                    kept=chosen.kept,
                    limited=self._config.is_trial,
                    form=form_of(table, self._api, self._warehouse.resolved_privacy),
                    stored=stored,
                )
                for table in self._tables
            ]
            for staged in self._read(client, writers, keys, sync):
                if staged.limited:
                    self._publish_trial(staged)
                else:
                    snapshot = Snapshot(staged, forced=self._config.force)
                    yield dg.Output(snapshot, staged.table.name)

    def _incremental_sync(self) -> IncrementalSync | None:
        """How the table is read incrementally; None: in full, as a trial always is."""
        table, account = self._tables[0], self._account
        if not account.is_incremental(table.name) or self._config.is_trial:
            return None
        return IncrementalSync(
            table,
            TableName(account.schema, table.name),
            self._target,
            self._api,
            days=account.full_refresh_days,
            privacy=self._warehouse.resolved_privacy,
            all_in_full=self._config.full,
            warn=self._context.log.warning,
        )

    def _begin(self) -> int:
        """Takes the number of this reading, which needs the database to be writable."""
        table = TableName(self._account.schema, self._tables[0].name)
        schema = (table.of_trial if self._config.is_trial else table).schema
        return begin_reading(self._target, schema, self._context.log.warning)

    def _warn_of_former_schema(self) -> None:
        former = self._account.schema_was
        if former is None:
            return
        for table in self._tables:
            name = TableName(self._account.schema, table.name)
            if has_table(self._target, name) or not has_table(
                self._target, TableName(former, table.name)
            ):
                continue
            self._context.log.warning(
                f"{table.name} goes to the schema {name.schema}, which follows the key prefix. The"
                f" file holds a {table.name} in {former}, the default of earlier versions for every"
                " prefix. If that is this account's, it is not refreshed any more: go on with it by"
                f" `warehouse: {{schema: {former}}}`, or move your queries to {name.schema}."
            )

    def _choose(self, parents: ParentRows | None, now: datetime) -> Chosen:
        """The parents that are wanted."""
        if parents is None:
            if self._config.is_trial:
                raise ConfigurationError(
                    f"{self._tables[0].name} can't be limited to a part: one request tells it all."
                )
            return Chosen([{}])
        config, table = self._config, self._tables[0]
        rows = of_clients(parents.named(), self._wanted_clients(parents))
        rows = limited(rows, "ClientID", config.only_clients)
        rows = limited(rows, "ListID", config.only_lists)
        days = [self._account.windows.get(table.name) for table in self._tables]
        if config.is_trial or not all(days):
            return Chosen(rows)
        assert table.parent_key is not None
        names = [TableName(self._account.schema, table.name) for table in self._tables]
        present = [parents_of_snapshot(self._target, name) for name in names]
        since = now - timedelta(days=max(day for day in days if day))
        return within_window(
            rows, table.parent_key, since=since, present=frozenset.intersection(*present)
        )

    def _wanted_clients(self, parents: ParentRows) -> frozenset[str] | None:
        wanted = self._api.clients
        if not wanted:
            return None
        if "Name" in parents.columns:
            return wanted_client_ids(wanted, parents.named())
        return wanted_client_ids(wanted, client_names(self._target, self._account.schema))

    def _read(
        self,
        client: ApiClient,
        writers: Sequence[StagingWriter],
        parents: Sequence[Parent],
        sync: IncrementalSync | None,
    ) -> list[Staged]:
        if self._tables[0].name == "clients":
            [writer] = writers
            return [read_clients(client, writer, self._api.clients, self._context.log.info)]
        return read_tables(
            client,
            writers,
            parents,
            self._api,
            self._log_progress,
            incremental=sync.reading() if sync else None,
        )

    def _publish_trial(self, staged: Staged) -> None:
        table = TableName(self._account.schema, staged.table.name)

        def work(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
            published = publish_trial(
                connection,
                staged,
                table,
                run_id=self._context.run.run_id,
                privacy=self._warehouse.resolved_privacy,
            )
            if isinstance(published, Superseded):
                return superseded_metadata(published)
            return snapshot_metadata(connection, staged, published, table.of_trial)

        warn = self._context.log.warning
        rows = Rows(staged.average_row, staged.longest_row)
        metadata = self._target.write(work, warn, rows=rows)
        self._warehouse.rewrite_where_cleaned(metadata, warn)
        self._context.log_event(
            dg.AssetObservation(
                self._account.key(staged.table.name),
                description="A trial: the full snapshot is unchanged.",
                metadata={**metadata, "dagster/table_name": str(table.of_trial)},
            )
        )

    def _log_progress(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last_progress < _SECONDS_BETWEEN_PROGRESS:
            return
        self._last_progress = now
        names = ", ".join(table.name for table in self._tables)
        rate = progress.answered / max(progress.seconds, 1e-3)
        left = (progress.needed - progress.answered) / rate
        self._context.log.info(
            f"{names}: {progress.answered} of {progress.needed} answers, {progress.rows} rows,"
            f" about {left:.0f} s to go"
        )
