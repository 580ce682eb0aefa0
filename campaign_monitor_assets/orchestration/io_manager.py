"""The DuckDB IO manager: full snapshots in, parents' keys and DataFrames out.

`dagster._core.storage.db_io_manager` is where dagster-duckdb's own classes come from and has no
public name; its imports are kept to this file.
"""

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import dagster as dg
import duckdb
from dagster._core.storage.db_io_manager import DbIOManager, DbTypeHandler, TableSlice
from dagster_duckdb.io_manager import DuckDbClient, DuckDBIOManager

from campaign_monitor_assets.orchestration.metadata import snapshot_metadata, warn_of
from campaign_monitor_assets.staging.records import Staged
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.publish import publish, publish_trial
from campaign_monitor_assets.warehouse.quoting import identifier, table_exists
from campaign_monitor_assets.warehouse.read import ParentRows, parent_rows, require_table
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.target import Database
from campaign_monitor_assets.warehouse.verify import Guard

Connection = duckdb.DuckDBPyConnection
Context = dg.InputContext | dg.OutputContext

_FRAMES = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "Table"}


@dataclass(frozen=True)
class Snapshot:
    """What an asset hands to the IO manager: staged rows, and whether a deep fall is right."""

    staged: Staged
    forced: bool = False


class _Client(DuckDbClient):
    """dagster-duckdb's client with one transaction a connection, and names that are quoted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def connect(self, context: Context, _: TableSlice) -> Iterator[Connection]:  # type: ignore[override]  # there static
        reads = isinstance(context, dg.InputContext)
        log = context.log
        with self._database.connect(read_only=reads, warn=log.warning if log else print) as opened:
            yield opened

    @staticmethod
    def ensure_schema_exists(
        context: dg.OutputContext,  # noqa: ARG004 (dagster-duckdb's signature)
        table_slice: TableSlice,
        connection: Connection,
    ) -> None:
        connection.execute(f"create schema if not exists {identifier(table_slice.schema)}")

    @staticmethod
    def delete_table_slice(
        context: dg.OutputContext, table_slice: TableSlice, connection: Connection
    ) -> None:
        # The stock one swallows the error of a missing table, which has by then undone the
        # transaction. Whole tables are replaced, so only a partition's rows are deleted here.
        if table_slice.partition_dimensions and table_exists(
            connection, table_slice.schema, table_slice.table
        ):
            DuckDbClient.delete_table_slice(context, table_slice, connection)

    @staticmethod
    def get_select_statement(table_slice: TableSlice) -> str:
        if table_slice.partition_dimensions:
            return DuckDbClient.get_select_statement(table_slice)
        columns = ", ".join(identifier(name) for name in table_slice.columns or ()) or "*"
        return f"select {columns} from {identifier(table_slice.schema, table_slice.table)}"


class _SnapshotHandler(DbTypeHandler[Snapshot]):
    """Publishes staged tables."""

    supported_types = (Snapshot,)

    def __init__(self, most_percent: float | None) -> None:
        self._most_percent = most_percent

    def handle_output(
        self,
        context: dg.OutputContext,
        table_slice: TableSlice,
        obj: Snapshot,
        connection: Connection,
    ) -> Mapping[str, Any]:
        table = TableName(table_slice.schema, table_slice.table)
        guard = Guard(self._most_percent, obj.forced)
        published = publish(connection, obj.staged, table, run_id=context.run_id, guard=guard)
        warn_of(obj.staged, published, context.log.warning)
        return snapshot_metadata(connection, obj.staged, published, table)

    def load_input(
        self, context: dg.InputContext, table_slice: TableSlice, connection: Connection
    ) -> Snapshot:
        raise NotImplementedError("A snapshot is read as a DataFrame or as ParentRows.")


class _ParentRowsHandler(DbTypeHandler[ParentRows]):
    """Hands a parent's keys to its children."""

    supported_types = (ParentRows,)

    def handle_output(
        self,
        context: dg.OutputContext,
        table_slice: TableSlice,
        obj: ParentRows,
        connection: Connection,
    ) -> None:
        raise NotImplementedError("ParentRows are an input only.")

    def load_input(
        self,
        context: dg.InputContext,  # noqa: ARG002 (DbTypeHandler's signature)
        table_slice: TableSlice,
        connection: Connection,
    ) -> ParentRows:
        table = TableName(table_slice.schema, table_slice.table)
        return parent_rows(connection, table, table_slice.columns or ())


class _FrameHandler(DbTypeHandler[Any]):
    """Stores and loads DataFrames: by name, typed, replaced in one step, empty ones too."""

    supported_types: tuple[type, ...] = ()

    def __init__(self, module: str) -> None:
        self._module = module
        self.supported_types = (getattr(importlib.import_module(module), _FRAMES[module]),)

    def handle_output(
        self,
        context: dg.OutputContext,  # noqa: ARG002 (DbTypeHandler's signature)
        table_slice: TableSlice,
        obj: Any,
        connection: Connection,
    ) -> Mapping[str, Any]:
        table = identifier(table_slice.schema, table_slice.table)
        connection.register("frame", obj)
        partitioned = bool(table_slice.partition_dimensions)
        if partitioned and table_exists(connection, table_slice.schema, table_slice.table):
            connection.execute(f"insert into {table} by name {_typed_frame(connection)}")
        else:
            connection.execute(f"create or replace table {table} as {_typed_frame(connection)}")
        count = "dagster/partition_row_count" if partitioned else "dagster/row_count"
        described = connection.execute(f"describe {table}").fetchall()
        return {
            count: len(obj),
            "dagster/column_schema": dg.TableSchema(
                [dg.TableColumn(name, str(type_)) for name, type_, *_ in described]
            ),
        }

    def load_input(
        self,
        context: dg.InputContext,  # noqa: ARG002 (DbTypeHandler's signature)
        table_slice: TableSlice,
        connection: Connection,
    ) -> Any:
        require_table(connection, TableName(table_slice.schema, table_slice.table))
        result = connection.execute(_Client.get_select_statement(table_slice))
        if self._module == "pandas":
            return result.df()
        frame = result.to_arrow_table()
        return frame if self._module == "pyarrow" else self.supported_types[0](frame)


def _typed_frame(connection: Connection) -> str:
    """A query of the frame; a column without values, which says no type, becomes text."""
    untyped = [
        f"{identifier(name)}::varchar as {identifier(name)}"
        for name, type_, *_ in connection.execute("describe frame").fetchall()
        if type_.strip('"') == "NULL"
    ]
    replaced = f" replace ({', '.join(untyped)})" if untyped else ""
    return f"select *{replaced} from frame"


class SnapshotStore(DbIOManager):
    """The IO manager at work; its `database` serves assets and checks too.

    Attributes:
        database: The DuckDB file.
    """

    def __init__(
        self, *, database: Database, schema: str | None, most_percent: float | None
    ) -> None:
        self.database = database
        # A module that nobody has imported can't be the type of an input or output.
        frames = [_FrameHandler(module) for module in _FRAMES if module in sys.modules]
        super().__init__(
            db_client=cast("Any", _Client(database)),
            database=str(database.path),
            schema=schema,
            type_handlers=[_SnapshotHandler(most_percent), _ParentRowsHandler(), *frames],
            io_manager_name="SnapshotIOManager",
        )

    def publish_trial(self, staged: Staged, table: TableName, run_id: str) -> dict[str, Any]:
        """Publishes a limited reading beside the full snapshots, and returns its metadata."""
        with self.database.connect() as connection:
            published = publish_trial(connection, staged, table, run_id=run_id)
            metadata = snapshot_metadata(connection, staged, published, table.of_trial)
        return {**metadata, "dagster/table_name": str(table.of_trial)}

    def load_input(self, context: dg.InputContext) -> object:
        """Loads an input; as a pandas DataFrame where its type is not said."""
        if context.dagster_type.typing_type is Any and self._default_load_type is None:
            handler = _FrameHandler("pandas")
            self._default_load_type = handler.supported_types[0]
            self._handlers_by_type[handler.supported_types[0]] = handler
        return super().load_input(context)

    def _get_table_slice(self, context: Context, output_context: dg.OutputContext) -> TableSlice:
        # A DuckDB name has two parts within a file; the file's path is no part of it.
        return super()._get_table_slice(context, output_context)._replace(database=None)


class SnapshotIOManager(WarehouseSettings, DuckDBIOManager):
    """Full snapshots in a DuckDB file.

    A snapshot replaces the last one in one transaction, by name and with declared types; after a
    failure at any moment the last one is whole. The file is open only while a table is loaded, and
    waited for while another process has it. DataFrames (pandas, polars, pyarrow) of downstream
    assets are stored and loaded too.
    """

    @staticmethod
    def type_handlers() -> Sequence[DbTypeHandler[Any]]:
        """Not used: the handlers need the settings, so `create_io_manager` makes them."""
        return ()

    def create_io_manager(
        self,
        context: dg.InitResourceContext,  # noqa: ARG002 (Dagster's signature)
    ) -> SnapshotStore:
        """Makes the IO manager of a run."""
        return SnapshotStore(
            database=Database.of(self),
            schema=self.schema_,
            most_percent=self.refuse_drop_percent,
        )
