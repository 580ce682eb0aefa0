"""One reading of an asset's tables: from the parents' keys to staged rows."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import dagster as dg
from pydantic import Field

from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.errors import CampaignMonitorError, ConfigurationError
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
from campaign_monitor_assets.orchestration.reading_ahead import Said
from campaign_monitor_assets.orchestration.resource import CampaignMonitorResource
from campaign_monitor_assets.orchestration.warehouse import WarehouseResource
from campaign_monitor_assets.staging.files import StagingWriter
from campaign_monitor_assets.staging.folder import staging_folder
from campaign_monitor_assets.staging.records import Staged
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.read import (
    ParentRows,
    client_names,
    has_table,
    parent_rows,
)
from campaign_monitor_assets.warehouse.state import begin_reading
from campaign_monitor_assets.warehouse.sync_log import parents_of_snapshot
from campaign_monitor_assets.warehouse.target import Database

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


@dataclass
class Reading:
    """One reading of the tables of an endpoint: from the parents' keys to what was staged.

    Attributes:
        account: Whose tables they are.
        tables: The tables.
        config: What was said in the launchpad.
        api: Where they come from.
        warehouse: Where their parents' keys are, and where they will go.
        parents: The parents' keys, where a step has loaded them already.
        said: What is said meanwhile.
    """

    account: Account
    tables: Sequence[Table]
    config: ReadConfig
    api: CampaignMonitorResource
    warehouse: WarehouseResource
    parents: ParentRows | None = None
    said: Said = field(default_factory=Said)
    _is_cancelled: bool = False
    _client: ApiClient | None = None
    _progress: Progress | None = None
    _last_progress: float = field(default_factory=time.monotonic)

    def read(self, stack: ExitStack) -> list[Staged]:
        """Reads the tables; what was staged is removed as the stack is closed."""
        try:
            return self._read_and_stage(stack)
        except CampaignMonitorError as error:
            if (progress := self._progress) is not None:
                error.figures |= {
                    "requests_answered": progress.answered,
                    "requests_needed": progress.needed,
                    "rows_read": progress.rows,
                    "seconds": round(progress.seconds, 3),
                }
            raise

    def _read_and_stage(self, stack: ExitStack) -> list[Staged]:
        number, now = self._begin(), datetime.now(UTC).replace(tzinfo=None)
        chosen = self._choose(now)
        inherits = self.tables[0].inherits
        keys = [{name: row[name] for name in inherits} for row in chosen.read]
        self._warn_of_former_schema()
        sync = self._incremental_sync()
        stored = sync.stored() if sync else None
        folder = stack.enter_context(staging_folder(self._target.staging_root))
        writers = [
            StagingWriter(
                table,
                folder,
                now,
                number,
                kept=chosen.kept,
                limited=self.config.is_trial,
                form=form_of(table, self.api, self.warehouse.resolved_privacy),
                stored=stored,
            )
            for table in self.tables
        ]
        with self.api.client(self.said.warn) as client:
            self._client = client
            if self._is_cancelled:
                client.close()
            return self._read(client, writers, keys, sync)

    def cancel(self) -> None:
        """Ends the requests under way, and those that are still to come."""
        self._is_cancelled = True
        if self._client is not None:
            self._client.close()

    @property
    def _target(self) -> Database:
        return self.warehouse.target

    def _incremental_sync(self) -> IncrementalSync | None:
        """How the table is read incrementally; None: in full, as a trial always is."""
        table, account = self.tables[0], self.account
        if not account.is_incremental(table.name) or self.config.is_trial:
            return None
        return IncrementalSync(
            table,
            TableName(account.schema, table.name),
            self._target,
            self.api,
            days=account.full_refresh_days,
            privacy=self.warehouse.resolved_privacy,
            all_in_full=self.config.full,
            warn=self.said.warn,
        )

    def _begin(self) -> int:
        """Takes the number of this reading, which needs the database to be writable."""
        table = TableName(self.account.schema, self.tables[0].name)
        schema = (table.of_trial if self.config.is_trial else table).schema
        return begin_reading(self._target, schema, self.said.warn)

    def _warn_of_former_schema(self) -> None:
        former = self.account.schema_was
        if former is None:
            return
        for table in self.tables:
            name = TableName(self.account.schema, table.name)
            if has_table(self._target, name) or not has_table(
                self._target, TableName(former, table.name)
            ):
                continue
            self.said.warn(
                f"{table.name} goes to the schema {name.schema}, which follows the key prefix. The"
                f" file holds a {table.name} in {former}, the default of earlier versions for every"
                " prefix. If that is this account's, it is not refreshed any more: go on with it by"
                f" `warehouse: {{schema: {former}}}`, or move your queries to {name.schema}."
            )

    def _choose(self, now: datetime) -> Chosen:
        """The parents that are wanted."""
        parents = self._load_parents()
        if parents is None:
            if self.config.is_trial:
                raise ConfigurationError(
                    f"{self.tables[0].name} can't be limited to a part: one request tells it all."
                )
            return Chosen([{}])
        config, table = self.config, self.tables[0]
        rows = of_clients(parents.named(), self._wanted_clients(parents))
        rows = limited(rows, "ClientID", config.only_clients)
        rows = limited(rows, "ListID", config.only_lists)
        days = [self.account.windows.get(table.name) for table in self.tables]
        if config.is_trial or not all(days):
            return Chosen(rows)
        assert table.parent_key is not None
        names = [TableName(self.account.schema, table.name) for table in self.tables]
        present = [parents_of_snapshot(self._target, name) for name in names]
        since = now - timedelta(days=max(day for day in days if day))
        return within_window(
            rows, table.parent_key, since=since, present=frozenset.intersection(*present)
        )

    def _load_parents(self) -> ParentRows | None:
        """The parents' keys as last published; None: the tables have no parent."""
        parent = self.tables[0].parent
        if parent is None or self.parents is not None:
            return self.parents
        with self._target.connect(read_only=True, warn=self.said.warn) as connection:
            name = TableName(self.account.schema, parent)
            return parent_rows(connection, name, parent_columns(self.tables[0]))

    def _wanted_clients(self, parents: ParentRows) -> frozenset[str] | None:
        wanted = self.api.clients
        if not wanted:
            return None
        if "Name" in parents.columns:
            return wanted_client_ids(wanted, parents.named())
        return wanted_client_ids(wanted, client_names(self._target, self.account.schema))

    def _read(
        self,
        client: ApiClient,
        writers: Sequence[StagingWriter],
        parents: Sequence[Parent],
        sync: IncrementalSync | None,
    ) -> list[Staged]:
        if self.tables[0].name == "clients":
            [writer] = writers
            return [read_clients(client, writer, self.api.clients, self.said.info)]
        return read_tables(
            client,
            writers,
            parents,
            self.api,
            self._log_progress,
            incremental=sync.reading() if sync else None,
        )

    def _log_progress(self, progress: Progress) -> None:
        now, self._progress = time.monotonic(), progress
        if not self.said.is_heard or now - self._last_progress < _SECONDS_BETWEEN_PROGRESS:
            return
        self._last_progress = now
        names = ", ".join(table.name for table in self.tables)
        rate = progress.answered / max(progress.seconds, 1e-3)
        left = (progress.needed - progress.answered) / rate
        self.said.info(
            f"{names}: {progress.answered} of {progress.needed} answers, {progress.rows} rows,"
            f" about {left:.0f} s to go"
        )


def parent_columns(table: Table) -> list[str]:
    """The parent's columns that a table's rows inherit, and those that say which are wanted."""
    columns = list(table.inherits)
    if table.parent == "clients":
        columns.append("Name")
    elif table.has_window:
        columns.append("SentDate")
    return columns
