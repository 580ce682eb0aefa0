"""The views for one connection, for whoever reads a file that may lack them, or hold older ones."""

from collections.abc import Iterable

import duckdb

from campaign_monitor_assets.analytics import ALL_VIEWS, View
from campaign_monitor_assets.analytics.health import why_not_made
from campaign_monitor_assets.analytics.relations import Place, declared
from campaign_monitor_assets.errors import ViewError
from campaign_monitor_assets.warehouse.quoting import identifier


def create_temporary_views(place: Place, names: Iterable[str]) -> None:
    """Makes views as temporary ones; where a table is missing, they are as if it were empty.

    Args:
        place: An open connection, which may be read-only, and where the tables are.
        names: The views, each after those that it needs.

    Raises:
        ViewError: A table was read by another version of this package.
    """
    for name in names:
        _create(place, ALL_VIEWS[name])


def temporary(name: str) -> str:
    """The quoted name of a temporary view."""
    return f"temp.main.{identifier(name)}"


def _create(place: Place, view: View) -> None:
    names = place.names(view)
    tables = {call: name for call, name in names.items() if call not in ALL_VIEWS}
    relations = place.as_they_are(tables)
    relations |= {call: temporary(call) for call in names if call in ALL_VIEWS}
    sql = f"create temp view {identifier(view.name)} as {declared(view, relations)}"
    try:
        place.connection.execute(sql)
    except duckdb.Error as error:
        raise ViewError(view.name, why_not_made(place, view, error)) from None
