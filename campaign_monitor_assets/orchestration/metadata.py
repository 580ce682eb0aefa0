"""What a snapshot shows of itself on its asset's page and in the log."""

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg
import duckdb

from campaign_monitor_assets.catalogue import HOMES, Column
from campaign_monitor_assets.staging.records import Staged
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.publish import Published
from campaign_monitor_assets.warehouse.sync_log import SYNC_LOG_PARENTS
from campaign_monitor_assets.warehouse.target import identifier, table_exists

_PREVIEW_ROWS = 5
_PREVIEW_WIDTH = 60
_MOST_PARENTS = 50


def snapshot_metadata(
    connection: duckdb.DuckDBPyConnection, staged: Staged, published: Published, table: TableName
) -> dict[str, Any]:
    """The metadata of a materialization; counts are rows where nothing else is said."""
    loaded = published.loaded
    found: dict[str, Any] = {
        "dagster/row_count": published.rows,
        "preview": dg.MetadataValue.md(preview(connection, table.schema, table.table)),
        **(
            {"rows_per_parent": _rows_per_parent(connection, table, parent)}
            if (parent := staged.table.parent_key)
            else {}
        ),
        "synced_at": staged.synced_at.isoformat(sep=" ", timespec="seconds"),
        "reported": staged.reported,
        "staged": staged.rows,
        "requests": staged.requests,
        "bytes": staged.size,
        "seconds": round(staged.seconds, 3),
    }
    if staged.kept:
        found["parents_kept_by_the_window"] = len(staged.kept)
        found["rows_kept_by_the_window"] = published.kept_rows
    if loaded.extra_columns:
        # Otherwise the definition has the same columns, and where Dagster's UI finds both it shows
        # their names in lower case.
        found["dagster/column_schema"] = column_schema(loaded.columns)
        found["unknown_columns"] = list(loaded.extra_columns)
    if loaded.malformed:
        found["malformed_values"] = dict(loaded.malformed)
    if staged.deleted:
        found["deleted_parents"] = [dict(parent) for parent in staged.deleted]
    if staged.retries:
        found["collections_read_again"] = staged.retries
    if staged.inconsistent:
        found["inconsistent_collections"] = [dict(read.parent) for read in staged.inconsistent]
    return found


def warn_of(staged: Staged, published: Published, warn: Callable[[str], None]) -> None:
    """Puts into the log what a reader of the run should not miss."""
    name, loaded = staged.table.name, published.loaded
    if loaded.extra_columns:
        warn(
            f"{name}: the API sends fields that the catalogue doesn't know; they are stored as JSON"
            f" in the columns {', '.join(loaded.extra_columns)}."
        )
    for column, number in loaded.malformed.items():
        warn(f"{name}: {number} values of {column} don't fit its type and became NULL.")
    for parent in staged.deleted:
        warn(f"{name}: {dict(parent)} was deleted since it was listed and is left out.")
    for read in staged.inconsistent:
        warn(
            f"{name}: {dict(read.parent)} changed each of the {read.retries + 1} times it was read;"
            f" {read.rows} rows were read where the API said {read.reported}."
        )


def column_schema(columns: Sequence[Column]) -> dg.TableSchema:
    """The columns as Dagster shows them."""
    return dg.TableSchema(
        [
            dg.TableColumn(column.name, column.type, description=column.description)
            for column in columns
        ]
    )


def preview(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> str:
    """A few rows as a Markdown table, with e-mail addresses and telephone numbers masked."""
    described = connection.execute(f"describe {identifier(schema, table)}").fetchall()
    names = [str(name) for name, *_ in described]
    cells = ", ".join(_masked(name) for name in names)
    rows = connection.execute(
        f"select {cells} from {identifier(schema, table)} limit {_PREVIEW_ROWS}"
    ).fetchall()
    return markdown_table(names, rows)


def markdown_table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table whose cells can't break out of it."""
    lines = [names, ["---"] * len(names), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _masked(name: str) -> str:
    value = f"{identifier(name)}::varchar"
    if name == "MobileNumber":
        return f"repeat('*', greatest(length({value}) - 2, 0)) || right({value}, 2)"
    masked = rf"regexp_replace({value}, '([^\s@])[^\s@]*@', '\1***@', 'g')"
    return f"left({masked}, {_PREVIEW_WIDTH})"


def _cell(value: object) -> str:
    shown = "" if value is None else str(value)
    kept = "".join(char if char.isprintable() else " " for char in shown)
    for char, escaped in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("`", "\\`")):
        kept = kept.replace(char, escaped)
    return kept


def _rows_per_parent(
    connection: duckdb.DuckDBPyConnection, table: TableName, parent: str
) -> dg.MetadataValue[Any]:
    """The parents with the most rows, by name where their table has names."""
    home = HOMES[parent]
    label = next((each.name for each in home.columns if each.name in {"Name", "Title"}), None)
    shown, source = "null", table.beside(SYNC_LOG_PARENTS).quoted
    if label is not None and table_exists(connection, table.schema, home.name):
        shown = _masked(label)
        source += f" left join {table.beside(home.name).quoted} on {identifier(parent)} = parent"
    rows = connection.execute(
        f"select {shown}, rows, reported, parent from {source}"
        f" where table_name = ? order by rows desc, parent limit {_MOST_PARENTS}",
        [table.table],
    ).fetchall()
    heads = {home.name: "VARCHAR", "rows": "BIGINT", "reported": "BIGINT", parent: "VARCHAR"}
    return dg.MetadataValue.table(
        [
            dg.TableRecord(dict(zip(heads, (row[0] or row[-1], *row[1:]), strict=True)))
            for row in rows
        ],
        dg.TableSchema([dg.TableColumn(name, type_) for name, type_ in heads.items()]),
    )
