"""A Dagster asset and a check for each view, and one for the views there are a list's each of."""

import functools
from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from typing import Any, Final

import dagster as dg
import duckdb

from campaign_monitor_assets import __version__
from campaign_monitor_assets.analytics import ALL_VIEWS, View
from campaign_monitor_assets.analytics.absent import why_absent
from campaign_monitor_assets.analytics.changes import state_of
from campaign_monitor_assets.analytics.create import create_view, drop_absent, version_of
from campaign_monitor_assets.analytics.health import why_not_queried
from campaign_monitor_assets.analytics.model import Made
from campaign_monitor_assets.analytics.relations import (
    Place,
    histories_of,
    tables_of,
    tables_that_decide_rows,
)
from campaign_monitor_assets.catalogue import CATALOGUE, Table
from campaign_monitor_assets.errors import ParentMissingError
from campaign_monitor_assets.orchestration.account import Account
from campaign_monitor_assets.orchestration.failing import telling_dagster
from campaign_monitor_assets.orchestration.metadata import column_schema, file_of
from campaign_monitor_assets.orchestration.preview import markdown_table, preview
from campaign_monitor_assets.orchestration.warehouse import WarehouseResource
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.privacy import KEEP_ALL, Privacy

SKIPPING = {"campaign_monitor/views": "where their tables are there"}
"""The tag of runs that read some tables, and leave out the views whose others were never read."""


_STATE: Final = "made_of"
"""The metadata by which it is known whether anything changed."""


def chosen_views(
    tables: Sequence[Table], history: Container[str] = (), privacy: Privacy = KEEP_ALL
) -> list[View]:
    """The views whose tables are all among the chosen ones, and whose figures are then right.

    Args:
        tables: The chosen tables.
        history: Those whose history is kept.
        privacy: What becomes of personal data in them.
    """
    names = {table.name for table in tables}
    return [
        view
        for view in ALL_VIEWS.values()
        if names.issuperset(tables_of(view))
        and all(name in history for name in histories_of(view))
        and why_absent(view, privacy) is None
    ]


def view_selection(
    tables: Iterable[str], views: Iterable[View], account: Account
) -> dg.AssetSelection:
    """The views to make when these tables and their parents are read: whose figures change.

    A view that reads no table has nothing to follow, so it is made each time.
    """
    read = set(tables)
    for table in reversed(list(CATALOGUE.values())):
        if table.name in read and table.parent:
            read.add(table.parent)
    changed = [
        view for view in views if not tables_of(view) or read & tables_that_decide_rows(view)
    ]
    return dg.AssetSelection.assets(*(view_key(view.name, account) for view in changed))


def view_key(view: str, account: Account) -> dg.AssetKey:
    """The key of a view's asset."""
    *parents, last = account.key_prefix
    return dg.AssetKey([*parents, f"{last}_analytics", view])


def build_analytics(
    views: Sequence[View], tables: Iterable[Table], account: Account, schema: str
) -> tuple[list[dg.AssetsDefinition], list[dg.AssetChecksDefinition]]:
    """The assets of these views on these tables in a schema, and their checks."""
    names = {table.name for table in tables}
    return (
        [_build_asset(view, names, account, schema) for view in views],
        [_build_check(view, account, schema) for view in views],
    )


def _build_check(view: View, account: Account, schema: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=view_key(view.name, account),
        name="view_can_be_queried",
        description="The view can be queried, whole, on the tables as they are.",
        blocking=account.blocking_checks,
        required_resource_keys={account.warehouse},
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        warehouse: WarehouseResource = getattr(context.resources, account.warehouse)
        with (
            telling_dagster(view.name),
            warehouse.target.connect(read_only=True, warn=context.log.warning) as connection,
        ):
            problem = why_not_queried(Place(connection, account.schema, schema), view)
        return dg.AssetCheckResult(passed=problem is None, description=problem)

    return check


def _build_asset(
    view: View, tables: Collection[str], account: Account, schema: str
) -> dg.AssetsDefinition:
    @dg.asset(
        key=view_key(view.name, account),
        deps=_deps(view, tables, account),
        group_name=account.views_group,
        kinds={"sql", "duckdb"},
        description=view.description,
        owners=account.owners or None,
        tags=account.tags or None,
        required_resource_keys={account.warehouse},
        metadata={
            "dagster/column_schema": column_schema(view.columns),
            "campaign_monitor_assets": __version__,
        },
        code_version=version_of(view),
        # Rows follow the tables by themselves; figures on the asset's page don't.
        automation_condition=dg.AutomationCondition.eager(),
        output_required=False,
    )
    def make(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        warehouse: WarehouseResource = getattr(context.resources, account.warehouse)
        work = functools.partial(_make, context, view, account, schema)
        with telling_dagster(view.name):
            try:
                metadata = warehouse.target.write(work, context.log.warning)
            except ParentMissingError as error:
                if not context.run.tags.keys() >= SKIPPING.keys():
                    raise
                context.log.warning(f"{view.name} is not made yet. {error}")
                return
            warehouse.note_written()
        yield dg.MaterializeResult(metadata=metadata)

    return make


def _make(
    context: dg.AssetExecutionContext,
    view: View,
    account: Account,
    schema: str,
    connection: duckdb.DuckDBPyConnection,
) -> dict[str, Any]:
    place = Place(connection, account.schema, schema)
    drop_absent(place, account.privacy, context.log.warning)
    return _figures(context, place, view, account)


def _figures(
    context: dg.AssetExecutionContext, place: Place, view: View, account: Account
) -> dict[str, Any]:
    """Makes a view, unless nothing changed since it was made, and tells its figures."""
    if (found := _as_before(context, place, view, account)) is not None:
        return found
    found = _metadata(place, view, create_view(place, view))
    return {**found, _STATE: _state(place, view, account) or "unknown"}


def _as_before(
    context: dg.AssetExecutionContext, place: Place, view: View, account: Account
) -> dict[str, Any] | None:
    """The figures of a view, where nothing changed since they were found; None: find them again.

    Only where nobody asked for the view itself: in the runs of schedules and groups.
    """
    if not context.run.tags.keys() >= SKIPPING.keys():
        return None
    event = context.instance.get_latest_materialization_event(view_key(view.name, account))
    made = event.asset_materialization if event else None
    if made is None or _STATE not in made.metadata:
        return None
    if made.metadata[_STATE].value != _state(place, view, account):
        return None
    return dict(made.metadata)


def _state(place: Place, view: View, account: Account) -> str | None:
    privacy = account.privacy
    besides = (__version__, str(file_of(place.connection).value), privacy.rules, privacy.key_check)
    return state_of(place, view, repr(besides))


def _deps(view: View, tables: Collection[str], account: Account) -> list[dg.AssetKey]:
    return [
        *(account.key(each) for each in {*view.needs, *view.history} - set(ALL_VIEWS)),
        *(account.key(each) for each in view.optional if each in tables),
        *(view_key(each, account) for each in view.needs if each in ALL_VIEWS),
    ]


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
