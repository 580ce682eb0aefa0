"""Names, texts and files as SQL takes them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from glob import escape
from pathlib import Path
from typing import Any

import duckdb

_LEAST_OBJECT_SIZE = 1 << 20
"""Bytes. DuckDB's buffers are sized by the longest line that they have to hold."""


def identifier(*names: str) -> str:
    """A quoted SQL name, such as `"schema"."table"`."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def identifiers(names: Iterable[str]) -> str:
    """Quoted names of columns, separated by commas."""
    return ", ".join(map(identifier, names))


def relation_of_view(schema: str, name: str) -> str:
    """A table or view as the SQL of another view names it, so that the file may bear any name.

    A view can't name the catalog it is in, and without the catalog's name DuckDB takes the schema
    for ambiguous in a file that is called like the schema. DuckDB reads such views from version 1.1
    on, in which a table function can't be given an alias: hence the brackets.
    """
    relative = identifier(schema, name)
    absolute = f"{identifier(schema)}.{relative}"
    return (
        f"(from query(case when lower(current_database()) = {literal(schema.lower())}"
        f" then {literal(f'from {absolute}')} else {literal(f'from {relative}')} end))"
    )


def literal(value: str | float | datetime | Sequence[Any] | None) -> str:
    """A value as SQL has it; a list as JSON, which a cast makes one of DuckDB's.

    Statements take their values so: the first parameter in a process lets DuckDB 1.5 import
    pandas, half a second. Only what is private is a parameter, since errors quote statements.
    """
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"'{value}'::timestamp"
    if not isinstance(value, str):
        return f"{literal(json.dumps(value))}::json"
    quoted = "'" + value.replace("'", "''") + "'"
    # Before DuckDB 2 a statement ends at its first NUL.
    if "\0" not in value:
        return quoted
    return "(" + quoted.replace("\0", "' || chr(0) || '") + ")"


def row_of(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: object = None
) -> tuple[Any, ...]:
    """The one row that a query answers."""
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row


def number_of(connection: duckdb.DuckDBPyConnection, query: str, parameters: object = None) -> int:
    """The one number that a query answers."""
    return int(row_of(connection, query, parameters)[0])


def columns_there(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """The columns of a table or view, by its quoted name, with their types, in order."""
    described = connection.execute(f"describe from {relation}").fetchall()
    return {str(name): str(type_) for name, type_, *_ in described}


def table_exists(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Whether there is such a table or view, in whatever letters: DuckDB's names ignore case."""
    # information_schema.tables would ask for both each time.
    return any(
        connection.execute(
            f"select 1 from duckdb_{kind}s() where database_name = current_database()"
            f" and lower(schema_name) = lower({literal(schema)})"
            f" and lower({kind}_name) = lower({literal(table)})"
        ).fetchone()
        for kind in ("table", "view")
    )


def row_count(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> int | None:
    """How many rows a table or view has; None where it is not there."""
    if not table_exists(connection, schema, table):
        return None
    return number_of(connection, f"select count(*) from {identifier(schema, table)}")


def read_json(path: Path, columns: Mapping[str, str], longest: int = 0) -> str:
    """The table function that reads newline-delimited JSON.

    Args:
        path: The file.
        columns: The declared type of each field.
        longest: Bytes of the longest line, if it may be longer than a megabyte.
    """
    declared = ", ".join(f"{name}: {literal(type_)}" for name, type_ in columns.items())
    # DuckDB would take a name with the characters of a pattern for one.
    return (
        f"read_json({literal(escape(str(path)))}, format = 'newline_delimited',"
        f" maximum_object_size = {max(longest, _LEAST_OBJECT_SIZE)}, columns = {{{declared}}})"
    )
