"""What a snapshot shows of itself on its asset's page and in the log."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import dagster as dg
import duckdb

from campaign_monitor_assets.catalogue import Column
from campaign_monitor_assets.orchestration.incremental import incremental_metadata, warnings_of
from campaign_monitor_assets.orchestration.preview import preview, rows_per_parent
from campaign_monitor_assets.staging.records import Staged
from campaign_monitor_assets.warehouse.load import Loaded
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.publish import Published, Superseded
from campaign_monitor_assets.warehouse.quoting import row_of

CLEANED = "removed_for_good"
"""The metadata of a snapshot after which the file is written anew, without what was removed."""


def snapshot_metadata(
    connection: duckdb.DuckDBPyConnection, staged: Staged, published: Published, table: TableName
) -> dict[str, Any]:
    """The metadata of a materialization; counts are rows where nothing else is said."""
    loaded = published.loaded
    found: dict[str, Any] = {
        "dagster/row_count": published.written.rows,
        "duckdb_file": file_of(connection),
        "preview": dg.MetadataValue.md(preview(connection, table, loaded.columns)),
        **(
            {"rows_per_parent": rows_per_parent(connection, table, parent)}
            if (parent := staged.table.parent_key)
            else {}
        ),
        "synced_at": staged.synced_at.isoformat(sep=" ", timespec="seconds"),
        "reported": staged.reported,
        "staged": staged.rows,
        "requests": staged.requests,
        "bytes": staged.size,
        "seconds": round(staged.seconds, 3),
        "snapshot": staged.reading,
        "write_strategy": published.written.strategy.value,
        "history": published.written.has_history,
    }
    if (changes := published.written.changes) is not None:
        found |= asdict(changes)
    return found | incremental_metadata(staged) | _exceptions(staged, published)


def _exceptions(staged: Staged, published: Published) -> dict[str, Any]:
    """What is told only where it happened."""
    found = _unexpected(published.loaded)
    if published.bytes_left:
        found[CLEANED] = "The file is written anew, so that no bytes of what was removed stay."
    if staged.kept:
        found["parents_kept_by_the_window"] = len(staged.kept)
        found["rows_kept_by_the_window"] = published.kept.of_window
    for name, forbidden in (("deleted_parents", False), ("forbidden_parents", True)):
        if any(missing.forbidden is forbidden for missing in staged.missing):
            found[name] = [
                dict(missing.parent) for missing in staged.missing if missing.forbidden is forbidden
            ]
    if staged.replaced:
        found["replaced_characters"] = staged.replaced
    if staged.retries:
        found["collections_read_again"] = staged.retries
    if staged.inconsistent:
        found["inconsistent_collections"] = [dict(read.parent) for read in staged.inconsistent]
    return found


def _unexpected(loaded: Loaded) -> dict[str, Any]:
    """What the rows had in them that was not expected."""
    found: dict[str, Any] = {}
    if loaded.extra_columns:
        # Otherwise the definition has the same columns, and where Dagster's UI finds both it shows
        # their names in lower case.
        found["dagster/column_schema"] = column_schema(loaded.columns)
        found["unknown_columns"] = list(loaded.extra_columns)
    if loaded.left_out:
        found["unknown_fields_left_out"] = list(loaded.left_out)
    if loaded.merged:
        found["rows_of_other_spellings"] = loaded.merged_rows
    if loaded.malformed:
        found["malformed_values"] = dict(loaded.malformed)
    return found


def superseded_metadata(superseded: Superseded) -> dict[str, Any]:
    """The metadata of a snapshot that was not published."""
    return {
        "dagster/row_count": superseded.rows,
        "superseded_by_run": superseded.by.run_id,
        "not_published": superseded.note,
    }


def warn_of(staged: Staged, published: Published, warn: Callable[[str], None]) -> None:
    """Puts into the log what a reader of the run should not miss."""
    name, loaded = staged.table.name, published.loaded
    if loaded.extra_columns:
        warn(
            f"{name}: the API sends fields that the catalogue doesn't know; they are stored as JSON"
            f" in the columns {', '.join(loaded.extra_columns)}."
        )
    if loaded.left_out:
        warn(
            f"{name}: the API sends fields that the catalogue doesn't know; by the setting privacy"
            f" they are left out: {', '.join(loaded.left_out)}."
        )
    if loaded.merged:
        warn(
            f"{name}: {loaded.merged_rows} rows differ from others in nothing but the spelling of"
            " an address, which have the same hash; the newest of each is stored."
        )
    for column, number in loaded.malformed.items():
        warn(f"{name}: {number} values of {column} don't fit its type and became NULL.")
    for warning in warnings_of(staged):
        warn(f"{name}: {warning}")
    if staged.replaced:
        warn(
            f"{name}: {staged.replaced} characters are not valid, such as half an emoji; they"
            " became U+FFFD, or an escaped control character."
        )
    for missing in staged.missing:
        why = (
            "is not of this account (code 102)"
            if missing.forbidden
            else "was deleted since it was listed"
        )
        warn(f"{name}: {dict(missing.parent)} {why} and is left out.")
    for read in staged.inconsistent:
        warn(
            f"{name}: {dict(read.parent)} was not consistent in {read.retries + 1} attempts:"
            f" {read.problem}; {read.rows} rows were read where the API said {read.reported}."
        )


def file_of(connection: duckdb.DuckDBPyConnection) -> dg.MetadataValue[Any]:
    """The path of the DuckDB file that a connection writes."""
    [path] = row_of(
        connection, "select path from duckdb_databases() where database_name = current_database()"
    )
    return dg.MetadataValue.path(str(path))


def column_schema(columns: Sequence[Column]) -> dg.TableSchema:
    """The columns as Dagster shows them, those with personal data by a tag."""
    return dg.TableSchema(
        [
            dg.TableColumn(
                column.name,
                column.type,
                description=column.description,
                tags={"personal": ""} if column.personal else {},
            )
            for column in columns
        ]
    )
