"""A Dagster asset for each table of the catalogue."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import dagster as dg

from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.orchestration.account import Account
from campaign_monitor_assets.orchestration.checks import TableChecks, table_checks
from campaign_monitor_assets.orchestration.io_manager import Snapshot
from campaign_monitor_assets.orchestration.metadata import column_schema
from campaign_monitor_assets.orchestration.reading import ReadConfig, Reading
from campaign_monitor_assets.warehouse.read import ParentRows


def build_assets(tables: Sequence[Table], account: Account) -> list[dg.AssetsDefinition]:
    """One asset for each table; tables that share an endpoint share the op that asks it."""
    by_path = groupby(sorted(tables, key=lambda table: table.path), key=lambda table: table.path)
    return [_build_asset(tuple(group), account) for _, group in by_path]


def _build_asset(tables: tuple[Table, ...], account: Account) -> dg.AssetsDefinition:
    parent = tables[0].parent
    checks = [table_checks(table, account) for table in tables]
    settings: dict[str, Any] = {
        "name": "__".join([*account.key_prefix, *(table.name for table in tables)]),
        "outs": {table.name: _asset_out(table, account) for table in tables},
        # Each table alone, and its checks without it.
        "can_subset": True,
        "check_specs": [spec for each in checks for spec in each.specs()],
        "required_resource_keys": {account.api_resource, account.warehouse},
        "pool": account.pool,
    }
    if parent is None:

        @dg.multi_asset(**settings)
        def read_account(
            context: dg.AssetExecutionContext, config: ReadConfig
        ) -> Iterator[dg.Output[Snapshot] | dg.AssetCheckResult]:
            yield from _execute(context, account, checks, config, None)

        return read_account

    columns = [*tables[0].inherits, *_telling_columns(tables[0])]
    parents_in = dg.AssetIn(account.key(parent), metadata={"columns": columns})

    @dg.multi_asset(**settings, ins={"parents": parents_in})
    def read_children(
        context: dg.AssetExecutionContext, config: ReadConfig, parents: ParentRows
    ) -> Iterator[dg.Output[Snapshot] | dg.AssetCheckResult]:
        yield from _execute(context, account, checks, config, parents)

    return read_children


def _execute(
    context: dg.AssetExecutionContext,
    account: Account,
    checks: Sequence[TableChecks],
    config: ReadConfig,
    parents: ParentRows | None,
) -> Iterator[dg.Output[Snapshot] | dg.AssetCheckResult]:
    """Reads the selected tables and runs the selected checks, each when its table is stored."""
    selected = context.op_execution_context.selected_output_names
    wanted = context.selected_asset_check_keys
    by_table = {each.table.name: each for each in checks}
    tables = [table for each in checks if (table := each.table).name in selected]
    if tables:
        for output in Reading(context, account, tables, config).run(parents):
            # Dagster goes on here when the IO manager has stored it.
            yield output
            yield from by_table.pop(output.output_name).results(context, wanted)
    for table in tables:
        # A trial leaves the table as it is.
        by_table.pop(table.name, None)
    for unread in by_table.values():
        yield from unread.results(context, wanted)


def _telling_columns(table: Table) -> list[str]:
    """The parent's columns that say which of its rows are wanted."""
    if table.parent == "clients":
        return ["Name"]
    return ["SentDate"] if table.has_window else []


def _asset_out(table: Table, account: Account) -> dg.AssetOut:
    return dg.AssetOut(
        key=account.key(table.name),
        dagster_type=Snapshot,
        description=table.description,
        # A trial yields no output: it publishes beside the full snapshot.
        is_required=False,
        io_manager_key=account.io_manager,
        group_name=account.group(table),
        kinds={"duckdb"},
        owners=account.owners or None,
        tags=account.tags or None,
        freshness_policy=account.freshness.get(table.name),
        metadata={
            # Where the IO manager puts it, whatever the asset's key.
            "schema": account.schema,
            "dagster/column_schema": column_schema(account.privacy.columns_of(table)),
            "endpoint": f"GET {table.path}.json",
            "key": ", ".join(table.key) or "none: rows are events",
            "requests_of_a_full_refresh": table.cost,
            "vendor_reference": dg.MetadataValue.url(table.docs),
        },
    )
