"""A Dagster asset for each view, and one for the views that there are as many of as lists."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from campaign_monitor_assets.analytics import VIEWS, View
from campaign_monitor_assets.analytics.create import Place, create_view, version_of
from campaign_monitor_assets.analytics.model import Made
from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.orchestration.account import Account
from campaign_monitor_assets.orchestration.metadata import column_schema, file_of
from campaign_monitor_assets.orchestration.preview import markdown_table, preview
from campaign_monitor_assets.orchestration.warehouse import WarehouseResource
from campaign_monitor_assets.warehouse.names import TableName


def build_analytics(
    tables: Sequence[Table], account: Account, schema: str
) -> list[dg.AssetsDefinition]:
    """The assets of those views whose tables are all among the chosen ones."""
    there = {table.name for table in tables}
    built = []
    for view in VIEWS.values():
        if there.issuperset(view.needs):
            there.add(view.name)
            built.append(_build_asset(view, account, schema))
    return built


def _build_asset(view: View, account: Account, schema: str) -> dg.AssetsDefinition:
    *parents, last = account.key_prefix
    prefix = [*parents, f"{last}_analytics"]

    @dg.asset(
        name=view.name,
        key_prefix=prefix,
        deps=[
            dg.AssetKey([*prefix, name]) if name in VIEWS else account.key(name)
            for name in view.needs
        ],
        group_name=account.views_group,
        kinds={"sql", "duckdb"},
        description=view.description,
        owners=account.owners or None,
        tags=account.tags or None,
        required_resource_keys={account.warehouse},
        metadata={"dagster/column_schema": column_schema(view.columns)},
        code_version=version_of(view),
        # Rows follow the tables by themselves; figures on the asset's page don't.
        automation_condition=dg.AutomationCondition.eager(),
    )
    def make(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        warehouse: WarehouseResource = getattr(context.resources, account.warehouse)
        with warehouse.target.connect(warn=context.log.warning) as connection:
            place = Place(connection, account.schema, schema)
            metadata = _metadata(place, view, create_view(place, view))
        return dg.MaterializeResult(metadata=metadata)

    return make


def _metadata(place: Place, view: View, made: Made) -> dict[str, Any]:
    found: dict[str, Any] = {
        "dagster/row_count": made.rows,
        "dagster/table_name": f"{place.views}.{view.name}",
        "duckdb_file": file_of(place.connection),
        "preview": dg.MetadataValue.md(
            preview(place.connection, TableName(place.views, view.name), view.columns)
        ),
    }
    if made.sql is not None:
        found["sql"] = dg.MetadataValue.md(f"```sql\n{made.sql}\n```")
    if made.dropped:
        found["dropped_views"] = list(made.dropped)
    for heading, shown in made.shown.items():
        found[heading] = dg.MetadataValue.md(markdown_table(shown.heads, shown.rows))
    return found
