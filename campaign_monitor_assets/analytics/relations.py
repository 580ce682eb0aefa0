"""What a view's SQL reads: the quoted names that stand for its tables and views."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from campaign_monitor_assets.analytics import ALL_VIEWS, View
from campaign_monitor_assets.analytics.custom_fields import LIST_CUSTOM_FIELD_VIEWS
from campaign_monitor_assets.catalogue import CATALOGUE, INHERITED, SYNCED_AT, Column, Table
from campaign_monitor_assets.errors import ParentMissingError
from campaign_monitor_assets.warehouse.bookkeeping import SYNC_LOG, SYNC_LOG_PARENTS
from campaign_monitor_assets.warehouse.history import HISTORY_SUFFIX
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import (
    identifier,
    relation_of_view,
    table_exists,
)


@dataclass(frozen=True)
class Place:
    """Where views are made: an open connection, and the schemas of the tables and of the views."""

    connection: duckdb.DuckDBPyConnection
    tables: str
    views: str

    def of(self, name: str) -> TableName:
        """Where a table or view is."""
        return TableName(self.views if name in ALL_VIEWS else self.tables, name)

    def exists(self, name: str) -> bool:
        """Whether there is such a table or view."""
        return self._exists(self.of(name))

    def history_exists(self, table: str) -> bool:
        """Whether the history of a table is there."""
        return self._exists(self.history(table))

    def history(self, table: str) -> TableName:
        """Where the history of a table is."""
        return TableName(f"{self.tables}{HISTORY_SUFFIX}", table)

    def relations(self, view: View) -> dict[str, str]:
        """What stands for the tables and views that a view reads, by what its SQL calls them.

        Raises:
            ParentMissingError: One that it can't do without is not in DuckDB yet.
        """
        found = self.names(view)
        for name in found.values():
            may_be_missing = name.table in {*_LOGS, *view.optional_history, *view.optional}
            if not may_be_missing and not self._exists(name):
                raise ParentMissingError(str(name))
        return self.as_they_are(found)

    def names(self, view: View) -> dict[str, TableName]:
        """The tables and views that a view reads, by what its SQL calls them."""
        histories = (*view.history, *view.optional_history)
        found = {name: self.of(name) for name in (*view.needs, *view.optional)}
        found |= {f"{name}{HISTORY_SUFFIX}": self.history(name) for name in histories}
        logs = _LOGS if histories or view.reads_log else {}
        return found | {name: TableName(self.tables, name) for name in logs}

    def as_they_are(self, names: Mapping[str, TableName]) -> dict[str, str]:
        """What SQL of a view reads in the place of these: one without rows where one is missing."""
        return {
            call: relation_of_view(name.schema, name.table) if self._exists(name) else empty(call)
            for call, name in names.items()
        }

    def _exists(self, name: TableName) -> bool:
        return table_exists(self.connection, name.schema, name.table)


_NAMING = frozenset({"clients", "lists"})
"""The tables that lend most views no more than names: what is joined by a whole key adds no row."""

_VALIDITY = ("_valid_from", "_valid_to")
"""When a version of a row was first seen and, where it isn't valid now, first seen no longer."""


_LOGS = {
    SYNC_LOG: {"table_name": "VARCHAR", "synced_at": "TIMESTAMP"},
    SYNC_LOG_PARENTS: {"table_name": "VARCHAR", "parent": "VARCHAR", "synced_at": "TIMESTAMP"},
}
"""The columns that views read of what is logged of snapshots."""


def columns_of(table: Table) -> tuple[Column, ...]:
    """The columns of a table as DuckDB has them, but for those that the catalogue doesn't know."""
    return (*(INHERITED[name] for name in table.inherits), *table.columns, SYNCED_AT)


def empty(name: str) -> str:
    """A relation without rows, in the place of what a view's SQL calls by that name."""
    columns = _LOGS.get(name, {})
    if not columns:
        table = CATALOGUE[name.removesuffix(HISTORY_SUFFIX)]
        columns = {column.name: column.type for column in columns_of(table)}
        columns |= dict.fromkeys(_VALIDITY, "TIMESTAMP") if name != table.name else {}
    nulls = ", ".join(f"null::{type_} as {identifier(each)}" for each, type_ in columns.items())
    return f"(select {nulls} where false)"


def tables_of(view: View) -> frozenset[str]:
    """The tables that a view can't do without, by way of other views too."""
    found = set(view.history)
    for name in view.needs:
        found |= tables_of(ALL_VIEWS[name]) if name in ALL_VIEWS else {name}
    return frozenset(found)


def tables_that_decide_rows(view: View) -> frozenset[str]:
    """The tables of a view, but for those of which it takes no more than a name for each row.

    Those that it reads where they are there are among them.
    """
    found = {*view.history, *view.optional}
    for name in view.needs:
        if name in ALL_VIEWS:
            found |= tables_that_decide_rows(ALL_VIEWS[name])
        elif name not in _NAMING or _is_more_than_named(view, name):
            found.add(name)
    return frozenset(found)


def _is_more_than_named(view: View, table: str) -> bool:
    # One that is made by code has a view a list.
    if view is LIST_CUSTOM_FIELD_VIEWS:
        return True
    return re.search(rf"(?<!left join ){{{table}}}", view.sql) is not None


def histories_of(view: View) -> frozenset[str]:
    """The tables whose history a view can't do without, by way of other views too."""
    return frozenset(view.history).union(
        *(histories_of(ALL_VIEWS[name]) for name in view.needs if name in ALL_VIEWS)
    )


def declared(view: View, relations: Mapping[str, str]) -> str:
    """A view's query with its columns as they are declared: in that order, and of that type."""
    columns = ", ".join(
        f"{identifier(column.name)}::{column.type} as {identifier(column.name)}"
        for column in view.columns
    )
    return f"select {columns} from (\n{view.sql.format_map(relations)}\n)"
