"""The step of an asset: its tables are read, stored and checked, and the next ones begun."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import dagster as dg
import duckdb

from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.errors import RetriesExhaustedError
from campaign_monitor_assets.orchestration.account import Account
from campaign_monitor_assets.orchestration.checks import TableChecks
from campaign_monitor_assets.orchestration.failing import telling_dagster
from campaign_monitor_assets.orchestration.io_manager import Snapshot
from campaign_monitor_assets.orchestration.metadata import snapshot_metadata, superseded_metadata
from campaign_monitor_assets.orchestration.reading import ReadConfig, Reading
from campaign_monitor_assets.orchestration.resource import CampaignMonitorResource
from campaign_monitor_assets.orchestration.warehouse import WarehouseResource
from campaign_monitor_assets.staging.records import Staged
from campaign_monitor_assets.warehouse.memory import Rows
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.publish import Superseded, publish_trial
from campaign_monitor_assets.warehouse.read import ParentRows

_IN_ONE_PROCESS: Final = {"in_process", "execute_in_process_executor"}
"""The executors whose steps share a process, and so what one of them has read for another."""


@dataclass(frozen=True)
class Plan:
    """The ops of an account.

    Attributes:
        account: The account.
        tables: For each op, by its name, the tables that it reads.
    """

    account: Account
    tables: Mapping[str, tuple[Table, ...]]

    def ready(
        self, context: dg.AssetExecutionContext, published: set[str]
    ) -> Iterator[tuple[Table, ...]]:
        """The tables of steps of this run that could begin now, in the order of the steps.

        Steps that are configured in the launchpad are left to themselves.
        """
        run = context.run
        keys = context.job_def.asset_layer.selected_asset_keys
        in_run = {
            name: tuple(table for table in tables if self.account.key(table.name) in keys)
            for name, tables in self.tables.items()
            if run.step_keys_to_execute is None or name in run.step_keys_to_execute
        }
        to_come = {table.name for tables in in_run.values() for table in tables} - published
        config: Mapping[str, Any] = run.run_config
        configured = config.get("ops", {})
        for name, tables in in_run.items():
            if tables and tables[0].parent not in to_come and not configured.get(name):
                yield tables


class Step:
    """One execution of an op's tables and checks."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        plan: Plan,
        checks: Sequence[TableChecks],
        config: ReadConfig,
        parents: ParentRows | None,
    ) -> None:
        self._context = context
        self._plan = plan
        self._account = plan.account
        self._checks = {each.table.name: each for each in checks}
        self._config = config
        self._parents = parents
        self._api: CampaignMonitorResource = getattr(context.resources, self._account.api_resource)
        self._warehouse: WarehouseResource = getattr(context.resources, self._account.warehouse)

    def run(self) -> Iterator[dg.Output[Snapshot] | dg.AssetCheckResult]:
        """Reads the selected tables and runs the selected checks, each when its table is stored."""
        with telling_dagster(_name([each.table for each in self._checks.values()])):
            yield from self._results()

    def _results(self) -> Iterator[dg.Output[Snapshot] | dg.AssetCheckResult]:
        selected = self._context.op_execution_context.selected_output_names
        wanted, unread = self._context.selected_asset_check_keys, dict(self._checks)
        tables = [each.table for each in self._checks.values() if each.table.name in selected]
        if tables:
            for output in self._outputs(tables):
                # Dagster goes on here when the IO manager has stored it.
                yield output
                self._api.ahead.published.add(output.output_name)
                yield from unread.pop(output.output_name).results(self._context, wanted)
        for table in tables:
            # A trial leaves the table as it is.
            unread.pop(table.name, None)
        for checks in unread.values():
            yield from checks.results(self._context, wanted)

    def _outputs(self, tables: Sequence[Table]) -> Iterator[dg.Output[Snapshot]]:
        """Reads and yields the tables; asks Dagster for a retry after a transient error.

        A retry of the step works in every kind of run, with and without a daemon; while it waits,
        tables that don't depend on this one are read.
        """
        reading = self._reading(tables, self._config, self._parents)
        name, ahead = _name(tables), self._api.ahead
        try:
            self._begin_next(besides=name)
            with ahead.take(name, reading, self._context.log) as read:
                self._begin_next()
                for staged in read:
                    if staged.limited:
                        self._publish_trial(staged)
                    else:
                        snapshot = Snapshot(staged, forced=self._config.force)
                        yield dg.Output(snapshot, staged.table.name)
        except RetriesExhaustedError as error:
            delays, retries = self._api.retry_delays, self._context.retry_number
            if retries >= len(delays):
                error.figures["readings"] = retries + 1
                raise
            raise dg.RetryRequested(len(delays), seconds_to_wait=delays[retries]) from error

    def _reading(
        self, tables: Sequence[Table], config: ReadConfig, parents: ParentRows | None = None
    ) -> Reading:
        return Reading(self._account, tables, config, self._api, self._warehouse, parents)

    def _begin_next(self, *, besides: str | None = None) -> None:
        """Begins to read what comes next, where the steps share this process."""
        if self._context.job_def.executor_def.name not in _IN_ONE_PROCESS:
            return
        ahead = self._api.ahead
        for tables in self._plan.ready(self._context, ahead.published):
            name = _name(tables)
            if name != besides and ahead.wants(name):
                ahead.begin(name, self._reading(tables, ReadConfig()))

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
        metadata = self._warehouse.target.write(work, warn, rows=rows)
        self._warehouse.rewrite_where_cleaned(metadata, warn)
        self._context.log_event(
            dg.AssetObservation(
                self._account.key(staged.table.name),
                description="A trial: the full snapshot is unchanged.",
                metadata={**metadata, "dagster/table_name": str(table.of_trial)},
            )
        )


def _name(tables: Sequence[Table]) -> str:
    return ", ".join(table.name for table in tables)
