"""Whether a view can be queried, and if not, which table to read again.

A view is bound to its tables by name, at each query. So it breaks where a table of another version
of this package lacks a column, and where the view itself was made by another version.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from campaign_monitor_assets.analytics import ALL_VIEWS, View
from campaign_monitor_assets.analytics.custom_fields import LIST_CUSTOM_FIELD_VIEWS
from campaign_monitor_assets.analytics.relations import Place, columns_of, declared, tables_of
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.errors import ParentMissingError
from campaign_monitor_assets.warehouse.instance import CATALOG
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import identifier, literal


def why_not_queried(place: Place, view: View) -> str | None:
    """Runs a view, whole; None where it can be queried, otherwise what is wrong and what to do.

    Of the views of lists, which are alike but for their custom fields, one is run and each bound.
    """
    if not place.exists(view.name):
        return f"The view {place.of(view.name)} is not in DuckDB yet. Materialize it."
    of_lists = _list_views(place, view)
    queries = [(name, f"describe from {name.quoted}") for name in of_lists]
    queries += [
        (name, f"select count(*), bit_xor(hash(row)) from {name.quoted} row")
        for name in (place.of(view.name), *of_lists[:1])
    ]
    for name, query in queries:
        if error := _error_of(place, query):
            return f"{name} can't be queried. {_why_not_queried(place, view, error)}"
    return None


def why_not_made(place: Place, view: View, error: duckdb.Error) -> str:
    """Why a view's SQL can't be run on the tables as they are, and what to do."""
    if lacking := _lacking_columns(place, view):
        told = "; ".join(f"{table} has no {', '.join(names)}" for table, names in lacking.items())
        tables = ", ".join(table.table for table in lacking)
        return (
            f"{told}: another version of this package read it. Materialize {tables} again, then the"
            " view."
        )
    tables = ", ".join(sorted(tables_of(view)))
    return (
        f"The tables that it reads are not as this version of the package expects"
        f" ({type(error).__name__}). Materialize them again, then the view: {tables}."
    )


def _why_not_queried(place: Place, view: View, error: duckdb.Error) -> str:
    try:
        relations = place.relations(view)
    except ParentMissingError as missing:
        return str(missing)
    if view is LIST_CUSTOM_FIELD_VIEWS and not _lacking_columns(place, view):
        return "Another version of this package made it. Materialize list_custom_field_views again."
    if view is not LIST_CUSTOM_FIELD_VIEWS and not _error_of(
        place, f"select count(*), bit_xor(hash(row)) from ({declared(view, relations)}) row"
    ):
        return f"Another version of this package made it. Materialize {view.name} again."
    return why_not_made(place, view, error)


def _error_of(place: Place, query: str) -> duckdb.Error | None:
    # In a transaction of its own, since some errors end the one that they occur in.
    with _cursor(place) as cursor:
        try:
            cursor.execute(query).fetchall()
        except duckdb.Error as error:
            return error
    return None


def _list_views(place: Place, view: View) -> list[TableName]:
    if view is not LIST_CUSTOM_FIELD_VIEWS:
        return []
    registry = place.of(view.name).quoted
    found = place.connection.execute(f"select ViewName from {registry} order by all").fetchall()
    return [TableName(place.views, name) for (name,) in found]


@contextmanager
def _cursor(place: Place) -> Iterator[duckdb.DuckDBPyConnection]:
    with place.connection.cursor() as cursor:
        # Before DuckDB 2 a cursor knows nothing of what its connection uses.
        cursor.execute(f"use {identifier(CATALOG)}")
        yield cursor


def _lacking_columns(place: Place, view: View) -> dict[TableName, list[str]]:
    """For each table or view that a view reads the columns that it names and that are not there."""
    mentioned = None if view is LIST_CUSTOM_FIELD_VIEWS else set(re.findall(r"\w+", view.sql))
    found = {}
    for need in view.needs:
        view_needed = ALL_VIEWS.get(need)
        expected = view_needed.columns if view_needed else columns_of(CATALOGUE[need])
        there = _columns_there(place, place.of(need))
        lacking = [
            each.name
            for each in expected
            if each.name.lower() not in there and (mentioned is None or each.name in mentioned)
        ]
        if there and lacking:
            found[place.of(need)] = lacking
    return found


def _columns_there(place: Place, table: TableName) -> set[str]:
    # The transaction at hand may have ended with the error that is to be explained.
    with _cursor(place) as cursor:
        found = cursor.execute(
            "select lower(column_name) from information_schema.columns where table_catalog ="
            f" current_database() and table_schema = {literal(table.schema)}"
            f" and table_name = {literal(table.table)}"
        ).fetchall()
    return {name for (name,) in found}
