"""A Dagster asset for each table of the catalogue."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import dagster as dg

from campaign_monitor_assets import __version__
from campaign_monitor_assets.catalogue import Shape, Table
from campaign_monitor_assets.orchestration.account import Account
from campaign_monitor_assets.orchestration.checks import table_checks
from campaign_monitor_assets.orchestration.io_manager import Snapshot
from campaign_monitor_assets.orchestration.metadata import column_schema
from campaign_monitor_assets.orchestration.reading import ReadConfig, parent_columns
from campaign_monitor_assets.orchestration.steps import Plan, Step
from campaign_monitor_assets.warehouse.read import ParentRows


def build_assets(tables: Sequence[Table], account: Account) -> list[dg.AssetsDefinition]:
    """One asset for each table; tables that share an endpoint share the op that asks it."""
    by_path = groupby(sorted(tables, key=lambda table: table.path), key=lambda table: table.path)
    by_op: dict[str, tuple[Table, ...]] = {}
    for _, group in by_path:
        shared = tuple(group)
        by_op["__".join([*account.key_prefix, *(table.name for table in shared)])] = shared
    urgency = {
        name: max(_urgency(table, tables) for table in shared) for name, shared in by_op.items()
    }
    # As Dagster orders the steps: the most urgent first, then by name.
    in_order = sorted(by_op, key=lambda name: (-urgency[name], name))
    plan = Plan(account, {name: by_op[name] for name in in_order})
    return [_build_asset(name, plan, urgency[name]) for name in in_order]


def _urgency(table: Table, tables: Sequence[Table]) -> int:
    """What others wait for goes first, and what has pages last: others are stored meanwhile."""
    children = [child for child in tables if child.parent == table.name]
    levels = max((1 + _urgency(child, tables) // 2 for child in children), default=0)
    return 2 * levels + (table.shape is not Shape.PAGE)


def _build_asset(name: str, plan: Plan, urgency: int) -> dg.AssetsDefinition:
    tables, account = plan.tables[name], plan.account
    parent = tables[0].parent
    checks = [table_checks(table, account) for table in tables]
    settings: dict[str, Any] = {
        "name": name,
        "outs": {table.name: _asset_out(table, account) for table in tables},
        # Each table alone, and its checks without it.
        "can_subset": True,
        "check_specs": [spec for each in checks for spec in each.specs()],
        "required_resource_keys": {account.api_resource, account.warehouse},
        "pool": account.pool,
        "op_tags": {"dagster/priority": str(urgency)},
    }
    if parent is None:

        @dg.multi_asset(**settings)
        def read_account(
            context: dg.AssetExecutionContext, config: ReadConfig
        ) -> Iterator[dg.Output[Snapshot] | dg.AssetCheckResult]:
            yield from Step(context, plan, checks, config, None).run()

        return read_account

    parents_in = dg.AssetIn(account.key(parent), metadata={"columns": parent_columns(tables[0])})

    @dg.multi_asset(**settings, ins={"parents": parents_in})
    def read_children(
        context: dg.AssetExecutionContext, config: ReadConfig, parents: ParentRows
    ) -> Iterator[dg.Output[Snapshot] | dg.AssetCheckResult]:
        yield from Step(context, plan, checks, config, parents).run()

    return read_children


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
            "campaign_monitor_assets": __version__,
            "vendor_reference": dg.MetadataValue.url(table.docs),
        },
    )
