"""DataFrames of users' own assets: stored and loaded, whole tables or the rows of partitions."""

import importlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import duckdb

from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import (
    columns_there,
    identifier,
    identifiers,
    literal,
    table_exists,
)
from campaign_monitor_assets.warehouse.read import require_table
from campaign_monitor_assets.warehouse.replacing import replace_by_query, take_turn

Connection = duckdb.DuckDBPyConnection

_TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"


class FrameKind(StrEnum):
    """A library whose DataFrames can be stored and loaded; the value is the library's module."""

    PANDAS = "pandas"
    POLARS = "polars"
    PYARROW = "pyarrow"

    @classmethod
    def of(cls, type_: type) -> "FrameKind | None":
        """The library of a DataFrame's type, without importing any; None: it is no DataFrame."""
        for base in getattr(type_, "__mro__", ()):
            module = base.__module__.split(".")[0]
            if module in set(cls) and base.__name__ in {"DataFrame", "Table"}:
                return cls(module)
        return None


@dataclass(frozen=True)
class PartitionKeys:
    """Rows whose expression is one of the keys; the expression is SQL, such as a column."""

    expression: str
    keys: tuple[str, ...]

    @property
    def condition(self) -> str:
        """As SQL."""
        keys = ", ".join(literal(key) for key in self.keys)
        return f"{self.expression} in ({keys})" if keys else "false"


@dataclass(frozen=True)
class PartitionWindows:
    """Rows whose expression is in one of the windows, each with its start and without its end."""

    expression: str
    windows: tuple[tuple[datetime, datetime], ...]

    @property
    def condition(self) -> str:
        """As SQL."""
        each = [
            f"{self.expression} >= {literal(start.strftime(_TIME_FORMAT))}"
            f" and {self.expression} < {literal(end.strftime(_TIME_FORMAT))}"
            for start, end in self.windows
        ]
        return f"({' or '.join(each)})" if each else "false"


@dataclass(frozen=True)
class TableSlice:
    """Some columns and partitions of a table.

    Attributes:
        table: The table.
        columns: Its columns; none: all of them.
        partitions: What the rows have to fulfil, one for each dimension; none: all rows.
    """

    table: TableName
    columns: tuple[str, ...] = ()
    partitions: tuple[PartitionKeys | PartitionWindows, ...] = ()

    @property
    def query(self) -> str:
        """The SQL that reads it."""
        columns = identifiers(self.columns) or "*"
        where = f" where {self.condition}" if self.partitions else ""
        return f"select {columns} from {self.table.quoted}{where}"

    @property
    def condition(self) -> str:
        """What the rows fulfil, as SQL."""
        return " and ".join(partition.condition for partition in self.partitions)


def store_frame(connection: Connection, slice_: TableSlice, frame: Any) -> list[tuple[str, str]]:
    """Replaces a table, or the rows of its partitions, by a DataFrame's.

    Args:
        connection: The transaction.
        slice_: Where the rows go.
        frame: A DataFrame of a kind that DuckDB reads.

    Returns:
        The table's columns with their types.
    """
    table = slice_.table
    connection.execute(f"create schema if not exists {identifier(table.schema)}")
    connection.register("frame", frame)
    rows = _typed_frame(connection, frame)
    is_there = table_exists(connection, table.schema, table.table)
    if is_there:
        take_turn(connection, table)
    if slice_.partitions and is_there:
        connection.execute(f"delete from {table.quoted} where {slice_.condition}")
        connection.execute(f"insert into {table.quoted} by name {rows}")
    else:
        replace_by_query(connection, table, rows)
    return list(columns_there(connection, table.quoted).items())


def load_frame(connection: Connection, slice_: TableSlice, kind: FrameKind) -> Any:
    """Loads a slice of a table as a DataFrame.

    Raises:
        ParentMissingError: The table is not in DuckDB yet.
    """
    require_table(connection, slice_.table)
    result = connection.execute(slice_.query)
    if kind is FrameKind.PANDAS:
        return result.df()
    frame = result.to_arrow_table()
    if kind is FrameKind.PYARROW:
        return frame
    return importlib.import_module(kind).DataFrame(frame)


def _typed_frame(connection: Connection, frame: Any) -> str:
    """A query of the frame; a column without values, which says no type, becomes text."""
    untyped = [
        f"{identifier(name)}::varchar as {identifier(name)}"
        for name, type_ in columns_there(connection, "frame").items()
        if type_.strip('"') == "NULL" or (type_ == "INTEGER" and _has_no_values(frame, name))
    ]
    replaced = f" replace ({', '.join(untyped)})" if untyped else ""
    return f"select *{replaced} from frame"


def _has_no_values(frame: Any, column: str) -> bool:
    """Whether a column of pandas' is of objects and has none, which DuckDB 1 takes for INTEGER."""
    if FrameKind.of(type(frame)) is not FrameKind.PANDAS:
        return False
    return bool(frame.dtypes[column].hasobject and frame[column].isna().all())
