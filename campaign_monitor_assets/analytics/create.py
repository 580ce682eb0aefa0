"""Makes the views in DuckDB, each with its comments."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb

from campaign_monitor_assets.analytics import VIEWS, View
from campaign_monitor_assets.analytics.custom_fields import LIST_CUSTOM_FIELD_VIEWS, create_views
from campaign_monitor_assets.analytics.model import Made, Shown
from campaign_monitor_assets.errors import ParentMissingError
from campaign_monitor_assets.warehouse.quoting import (
    identifier,
    literal,
    relation_of_view,
    table_exists,
)


@dataclass(frozen=True)
class Place:
    """Where views are made: an open connection, and the schemas of the tables and of the views."""

    connection: duckdb.DuckDBPyConnection
    tables: str
    views: str

    def name(self, name: str) -> str:
        """The quoted name of a table or view."""
        return identifier(self._schema(name), name)

    def require(self, needs: Sequence[str]) -> dict[str, str]:
        """The tables and views as a view's SQL names them, by what is written for them.

        Raises:
            ParentMissingError: One of them is not in DuckDB yet.
        """
        for name in needs:
            if not table_exists(self.connection, self._schema(name), name):
                raise ParentMissingError(f"{self._schema(name)}.{name}")
        return {name: relation_of_view(self._schema(name), name) for name in needs}

    def _schema(self, name: str) -> str:
        return self.views if name in VIEWS else self.tables


def create_view(place: Place, view: View) -> Made:
    """Makes a view, or the views that there are as many of as lists, and looks at it.

    Raises:
        ParentMissingError: A table that it reads is not in DuckDB yet.
    """
    connection, name = place.connection, place.name(view.name)
    names = place.require(view.needs)
    connection.execute(f"create schema if not exists {identifier(place.views)}")
    if view is LIST_CUSTOM_FIELD_VIEWS:
        made = create_views(connection, place.views, names)
    else:
        sql = view.sql.format_map(names)
        connection.execute(f"create or replace view {name} as {_declared(view, sql)}")
        made = Made(sql=view.sql.format_map({need: place.name(need) for need in view.needs}))
    _comment(place, view)
    [(rows,)] = connection.execute(f"select count(*) from {name}").fetchall()
    shown = dict(made.shown)
    for heading, query in view.shows.items():
        result = connection.execute(query.format_map({**names, view.name: name}))
        heads = tuple(str(column[0]) for column in result.description or ())
        if cells := result.fetchall():
            shown[heading] = Shown(heads, tuple(cells))
    return replace(made, rows=rows, shown=shown)


def version_of(view: View) -> str | None:
    """Changes with the SQL, so that Dagster shows which views are of an older version."""
    if view is LIST_CUSTOM_FIELD_VIEWS:
        return None
    return hashlib.sha256(_declared(view, view.sql).encode()).hexdigest()[:12]


def _declared(view: View, sql: str) -> str:
    """The query with its columns as they are declared: in that order, and of that type."""
    columns = ", ".join(
        f"{identifier(column.name)}::{column.type} as {identifier(column.name)}"
        for column in view.columns
    )
    return f"select {columns} from (\n{sql}\n)"


def _comment(place: Place, view: View) -> None:
    kind = "table" if view is LIST_CUSTOM_FIELD_VIEWS else "view"
    name = place.name(view.name)
    place.connection.execute(f"comment on {kind} {name} is {literal(view.description)}")
    for column in view.columns:
        place.connection.execute(
            f"comment on column {name}.{identifier(column.name)} is {literal(column.description)}"
        )
