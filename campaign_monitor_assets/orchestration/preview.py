"""What Dagster's event log may show of rows: nothing personal, since it outlives every snapshot.

A column shows its values only where the catalogue or the view declares that they are not personal;
any other shows that there is a value. A value that may be shown loses the addresses in it: a
campaign's name may hold one.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg
import duckdb

from campaign_monitor_assets.catalogue import HOMES, Column
from campaign_monitor_assets.warehouse.bookkeeping import SYNC_LOG_PARENTS
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import (
    columns_there,
    identifier,
    literal,
    table_exists,
)

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
_HIDDEN = "•••"
_ROWS = 5
_WIDTH = 60
_MOST_PARENTS = 50


def preview(
    connection: duckdb.DuckDBPyConnection, table: TableName, columns: Iterable[Column]
) -> str:
    """A few rows of a table or view as a Markdown table.

    Args:
        connection: An open connection.
        table: The table or view.
        columns: The columns as they are declared; one that isn't among them shows no value.
    """
    names = list(columns_there(connection, table.quoted))
    showable = {column.name for column in columns if not column.personal}
    cells = ", ".join(_shown(name) if name in showable else _hidden(name) for name in names)
    rows = connection.execute(f"select {cells} from {table.quoted} limit {_ROWS}").fetchall()
    return markdown_table(names, rows)


def rows_per_parent(
    connection: duckdb.DuckDBPyConnection, table: TableName, parent: str
) -> dg.MetadataValue[Any]:
    """The parents with the most rows, by name where their table has names."""
    home = HOMES[parent]
    label = next((each for each in home.columns if each.name in {"Name", "Title"}), None)
    name, source = "null", table.beside(SYNC_LOG_PARENTS).quoted
    if (
        label is not None
        and not label.personal
        and table_exists(connection, table.schema, home.name)
    ):
        name = identifier(label.name)
        source += f" left join {table.beside(home.name).quoted} on {identifier(parent)} = parent"
    rows = connection.execute(
        f"select {name}, rows, reported, parent from {source}"
        f" where table_name = {literal(table.table)}"
        f" order by rows desc, parent limit {_MOST_PARENTS}"
    ).fetchall()
    heads = {home.name: "VARCHAR", "rows": "BIGINT", "reported": "BIGINT", parent: "VARCHAR"}
    return dg.MetadataValue.table(
        [
            dg.TableRecord(dict(zip(heads, (_masked(row[0] or row[-1]), *row[1:]), strict=True)))
            for row in rows
        ],
        dg.TableSchema([dg.TableColumn(name, type_) for name, type_ in heads.items()]),
    )


def markdown_table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table without addresses, whose cells can't break out of it."""
    lines = [names, ["---"] * len(names), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _masked(value: object) -> str:
    return _ADDRESS.sub(_HIDDEN, str(value))


def _shown(name: str) -> str:
    return f"left({identifier(name)}::varchar, {_WIDTH})"


def _hidden(name: str) -> str:
    return f"case when {identifier(name)}::varchar <> '' then '{_HIDDEN}' end"


def _cell(value: object) -> str:
    shown = "" if value is None else _masked(value)
    kept = "".join(char if char.isprintable() else " " for char in shown)
    for char, escaped in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("`", "\\`")):
        kept = kept.replace(char, escaped)
    return kept
