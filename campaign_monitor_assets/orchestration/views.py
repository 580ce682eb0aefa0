"""A Dagster asset for each view, and one for the views that there are as many of as lists."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import duckdb

from campaign_monitor_assets.analytics import VIEWS, View
from campaign_monitor_assets.analytics.custom_fields import LIST_CUSTOM_FIELD_VIEWS, create_views
from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.errors import ParentMissingError
from campaign_monitor_assets.orchestration.account import Wiring
from campaign_monitor_assets.orchestration.io_manager import SnapshotStore
from campaign_monitor_assets.orchestration.metadata import column_schema, markdown_table, preview
from campaign_monitor_assets.warehouse.target import identifier, literal, table_exists

GROUP = "analytics"
"""The group of the views in Dagster's asset graph."""


@dataclass(frozen=True)
class _Place:
    """Where views are made: an open connection, and the schemas of the tables and of the views."""

    connection: duckdb.DuckDBPyConnection
    tables: str
    views: str

    def name(self, name: str) -> str:
        """The quoted name of a table or view."""
        return identifier(self._schema(name), name)

    def require(self, needs: Sequence[str]) -> dict[str, str]:
        """The quoted names of tables and views, by what SQL calls them.

        Raises:
            ParentMissingError: One of them is not in DuckDB yet.
        """
        for name in needs:
            if not table_exists(self.connection, self._schema(name), name):
                raise ParentMissingError(f"{self._schema(name)}.{name}")
        return {name: self.name(name) for name in needs}

    def _schema(self, name: str) -> str:
        return self.views if name in VIEWS else self.tables


def build_analytics(
    tables: Sequence[Table], wiring: Wiring, schema: str
) -> list[dg.AssetsDefinition]:
    """The assets of those views whose tables are all among the chosen ones."""
    there = {table.name for table in tables}
    built = []
    for view in VIEWS.values():
        if there.issuperset(view.needs):
            there.add(view.name)
            built.append(_build_asset(view, wiring, schema))
    return built


def _build_asset(view: View, wiring: Wiring, schema: str) -> dg.AssetsDefinition:
    *parents, last = wiring.key_prefix
    prefix = [*parents, f"{last}_analytics"]

    @dg.asset(
        name=view.name,
        key_prefix=prefix,
        deps=[
            dg.AssetKey([*prefix, name]) if name in VIEWS else wiring.key(name)
            for name in view.needs
        ],
        group_name=GROUP,
        kinds={"sql", "duckdb"},
        description=view.description,
        owners=wiring.owners or None,
        tags=wiring.tags or None,
        required_resource_keys={wiring.store},
        metadata={"dagster/column_schema": column_schema(view.columns)},
        code_version=_version(view),
        # Rows follow the tables by themselves; figures on the asset's page don't.
        automation_condition=dg.AutomationCondition.eager(),
    )
    def make(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        store: SnapshotStore = getattr(context.resources, wiring.store)
        with store.database.connect(warn=context.log.warning) as connection:
            place = _Place(connection, wiring.schema, schema)
            return dg.MaterializeResult(metadata=_make(place, view))

    return make


def _make(place: _Place, view: View) -> dict[str, Any]:
    """Makes the view, and returns the metadata of its materialization."""
    connection, name = place.connection, place.name(view.name)
    names = place.require(view.needs)
    connection.execute(f"create schema if not exists {identifier(place.views)}")
    metadata: dict[str, Any] = {}
    if view is LIST_CUSTOM_FIELD_VIEWS:
        metadata |= create_views(connection, place.views, names)
    else:
        sql = view.sql.format_map(names)
        connection.execute(f"create or replace view {name} as {_declared(view, sql)}")
        metadata["sql"] = dg.MetadataValue.md(f"```sql\n{sql}\n```")
    _comment(place, view)
    [(rows,)] = connection.execute(f"select count(*) from {name}").fetchall()
    for heading, query in view.shows.items():
        result = connection.execute(query.format_map({**names, view.name: name}))
        heads = [str(column[0]) for column in result.description or ()]
        if cells := result.fetchall():
            metadata[heading] = dg.MetadataValue.md(markdown_table(heads, cells))
    return {
        "dagster/row_count": rows,
        "dagster/table_name": f"{place.views}.{view.name}",
        "preview": dg.MetadataValue.md(preview(connection, place.views, view.name)),
        **metadata,
    }


def _declared(view: View, sql: str) -> str:
    """The query with its columns as they are declared: in that order, and of that type."""
    columns = ", ".join(
        f"{identifier(column.name)}::{column.type} as {identifier(column.name)}"
        for column in view.columns
    )
    return f"select {columns} from (\n{sql}\n)"


def _comment(place: _Place, view: View) -> None:
    kind = "table" if view is LIST_CUSTOM_FIELD_VIEWS else "view"
    name = place.name(view.name)
    place.connection.execute(f"comment on {kind} {name} is {literal(view.description)}")
    for column in view.columns:
        place.connection.execute(
            f"comment on column {name}.{identifier(column.name)} is {literal(column.description)}"
        )


def _version(view: View) -> str | None:
    """Changes with the SQL, so that Dagster shows which views are of an older version."""
    if view is LIST_CUSTOM_FIELD_VIEWS:
        return None
    return hashlib.sha256(_declared(view, view.sql).encode()).hexdigest()[:12]
