"""The DuckDB IO manager: snapshots in, parents' keys and DataFrames out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
import duckdb
from pydantic import Field

from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.orchestration.failing import telling_dagster
from campaign_monitor_assets.orchestration.metadata import (
    snapshot_metadata,
    superseded_metadata,
    warn_of,
)
from campaign_monitor_assets.orchestration.slices import slice_of_input, slice_of_output
from campaign_monitor_assets.orchestration.warehouse import WarehouseResource
from campaign_monitor_assets.staging.records import Staged
from campaign_monitor_assets.warehouse.frames import FrameKind, TableSlice, load_frame, store_frame
from campaign_monitor_assets.warehouse.memory import Rows
from campaign_monitor_assets.warehouse.publish import Superseded, publish
from campaign_monitor_assets.warehouse.read import ParentRows, parent_rows

_FRAMES = "a pandas or polars DataFrame or a pyarrow Table"


@dataclass(frozen=True)
class Snapshot:
    """What an asset hands to the IO manager: staged rows, and whether a deep fall is right."""

    staged: Staged
    forced: bool = False


class SnapshotIOManager(dg.ConfigurableIOManager):
    """Full snapshots in a DuckDB file, and the DataFrames of users' own assets.

    A snapshot replaces the last one in one transaction, by name and with declared types; after a
    failure at any moment the last one is whole. DataFrames (pandas, polars, pyarrow) of downstream
    assets are stored and loaded by the conventions of dagster-duckdb: the metadata `schema`,
    `partition_expr` and `columns`, the last part of the key's prefix as the schema otherwise.
    """

    warehouse: WarehouseResource = Field(description="The DuckDB file.")
    schema_: str | None = Field(
        default=None,
        alias="schema",
        description="Schema of assets whose metadata names none; by default their key's prefix.",
    )

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Stores a snapshot or a DataFrame.

        Raises:
            dagster.Failure: It can't be stored; what was there before is unchanged.
        """
        with telling_dagster(context.asset_key.path[-1]):
            self._store(context, obj)

    def _store(self, context: dg.OutputContext, obj: object) -> None:
        slice_ = slice_of_output(context, self.schema_)
        target, warn = self.warehouse.target, context.log.warning
        if isinstance(obj, Snapshot):
            metadata = target.write(
                lambda connection: self._publish(context, connection, slice_, obj),
                warn,
                rows=Rows(obj.staged.average_row, obj.staged.longest_row),
            )
            self.warehouse.rewrite_where_cleaned(metadata, warn)
        else:
            metadata = target.write(lambda connection: _store(connection, slice_, obj), warn)
        self.warehouse.note_written()
        told = {"Query": slice_.query, "dagster/table_name": str(slice_.table), **metadata}
        context.add_output_metadata(
            {key: value for key, value in told.items() if key not in context.output_metadata}
        )

    def load_input(self, context: dg.InputContext) -> object:
        """Loads parents' keys or a DataFrame; one of pandas where the input's type is not said.

        Raises:
            dagster.Failure: The table is not in DuckDB yet, or the input's type is none that can be
                loaded.
        """
        with telling_dagster(_waiting_for(context)):
            return self._load(context)

    def _load(self, context: dg.InputContext) -> object:
        slice_, type_ = slice_of_input(context, self.schema_), context.dagster_type.typing_type
        kind = FrameKind.PANDAS if type_ is Any else FrameKind.of(type_)
        if kind is None and type_ is not ParentRows:
            raise ConfigurationError(
                f"The input {context.name} can't be loaded from DuckDB as {type_}. Allowed:"
                f" {_FRAMES}; annotate the parameter with one of them."
            )
        target = self.warehouse.target
        with target.connect(read_only=True, warn=context.log.warning) as connection:
            if kind is None:
                return parent_rows(connection, slice_.table, slice_.columns)
            return load_frame(connection, slice_, kind)

    def _publish(
        self,
        context: dg.OutputContext,
        connection: duckdb.DuckDBPyConnection,
        slice_: TableSlice,
        snapshot: Snapshot,
    ) -> Mapping[str, Any]:
        staged, table = snapshot.staged, slice_.table
        published = publish(
            connection,
            staged,
            table,
            run_id=context.run_id,
            settings=self.warehouse.publish_settings(table.table),
            forced=snapshot.forced,
        )
        if isinstance(published, Superseded):
            context.log.warning(published.note)
            return superseded_metadata(published)
        warn_of(staged, published, context.log.warning)
        return snapshot_metadata(connection, staged, published, table)


def _waiting_for(context: dg.InputContext) -> str:
    """What is not made where an input can't be loaded."""
    outputs = context.op_def.output_defs
    tables = [each.name for each in outputs if each.dagster_type.typing_type is Snapshot]
    return ", ".join(tables) or context.op_def.name


def _store(
    connection: duckdb.DuckDBPyConnection, slice_: TableSlice, frame: Any
) -> Mapping[str, Any]:
    if FrameKind.of(type(frame)) is None:
        raise ConfigurationError(
            f"{slice_.table}: {type(frame).__name__} can't be stored in DuckDB. Allowed: {_FRAMES}."
        )
    columns = store_frame(connection, slice_, frame)
    count = "dagster/partition_row_count" if slice_.partitions else "dagster/row_count"
    schema = dg.TableSchema([dg.TableColumn(name, type_) for name, type_ in columns])
    return {count: len(frame), "dagster/column_schema": schema}
