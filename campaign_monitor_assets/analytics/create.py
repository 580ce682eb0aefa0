"""Makes the views in DuckDB, each with its comments."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace

import duckdb

from campaign_monitor_assets.analytics import ALL_VIEWS, View
from campaign_monitor_assets.analytics.absent import why_absent
from campaign_monitor_assets.analytics.custom_fields import LIST_CUSTOM_FIELD_VIEWS
from campaign_monitor_assets.analytics.health import why_not_made
from campaign_monitor_assets.analytics.list_views import create_views
from campaign_monitor_assets.analytics.model import Made, Shown
from campaign_monitor_assets.analytics.relations import Place, declared
from campaign_monitor_assets.errors import ViewError
from campaign_monitor_assets.warehouse.comments import (
    Comments,
    comment_on_view,
    set_comments,
)
from campaign_monitor_assets.warehouse.privacy import Privacy
from campaign_monitor_assets.warehouse.quoting import identifier


def create_view(place: Place, view: View) -> Made:
    """Makes a view, or the views that there are as many of as lists, and looks at it.

    Raises:
        ParentMissingError: A table that it reads is not in DuckDB yet.
        ViewError: A table that it reads was read by another version of this package.
    """
    relations = place.relations(view)
    place.connection.execute(f"create schema if not exists {identifier(place.views)}")
    try:
        return _create(place, view, relations)
    except duckdb.Error as error:
        # DuckDB's own text may quote a value, and so an address.
        raise ViewError(str(place.of(view.name)), why_not_made(place, view, error)) from None


def drop_absent(place: Place, privacy: Privacy, warn: Callable[[str], None]) -> None:
    """Drops the views whose figures would be wrong since `privacy` was changed, and says why."""
    for view in ALL_VIEWS.values():
        reason = why_absent(view, privacy)
        if reason is not None and place.exists(view.name):
            place.connection.execute(f"drop view {place.of(view.name).quoted}")
            warn(f"The view {place.of(view.name)} was dropped. {reason}")


def version_of(view: View) -> str | None:
    """Changes with the SQL, so that Dagster shows which views are of an older version."""
    if view is LIST_CUSTOM_FIELD_VIEWS:
        return None
    columns = [(column.name, column.type) for column in view.columns]
    return hashlib.sha256(f"{view.sql}{columns}".encode()).hexdigest()[:12]


def _create(place: Place, view: View, relations: Mapping[str, str]) -> Made:
    connection, name = place.connection, place.of(view.name).quoted
    if view is LIST_CUSTOM_FIELD_VIEWS:
        made = create_views(connection, place.views, relations)
    else:
        connection.execute(f"create or replace view {name} as {declared(view, relations)}")
        names = {call: name.quoted for call, name in place.names(view).items()}
        made = Made(sql=view.sql.format_map(names))
    _comment(place, view)
    [(rows,)] = connection.execute(f"select count(*) from {name}").fetchall()
    shown = dict(made.shown)
    for heading, query in view.shows.items():
        result = connection.execute(query.format_map({**relations, view.name: name}))
        heads = tuple(str(column[0]) for column in result.description or ())
        if cells := result.fetchall():
            shown[heading] = Shown(heads, tuple(cells))
    return replace(made, rows=rows, shown=shown)


def _comment(place: Place, view: View) -> None:
    name = place.of(view.name)
    if view is LIST_CUSTOM_FIELD_VIEWS:
        columns = {column.name: column.description for column in view.columns}
        set_comments(place.connection, name, Comments(table=view.description, columns=columns))
    else:
        comment_on_view(place.connection, name.quoted, view.description, view.columns)
