"""What differs between two snapshots of a table: found once, used by the merge and by history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Self

import duckdb

from campaign_monitor_assets.catalogue import SYNCED_AT
from campaign_monitor_assets.warehouse.quoting import (
    columns_there,
    identifier,
    identifiers,
    number_of,
    row_of,
)
from campaign_monitor_assets.warehouse.slices import (
    materialized,
    of_slice,
    row_ranges,
    slices,
)

Connection = duckdb.DuckDBPyConnection

DIFFERENCE = "temp.difference"
"""The temporary table with the rows that differ."""

_OF_THE_SNAPSHOT = {SYNCED_AT.name, "_valid_from", "_valid_to"}
"""Columns that say when a row was seen, and so nothing of the row itself."""

_SCALARS = {"VARCHAR", "JSON", "TIMESTAMP", "BIGINT", "DOUBLE", "BOOLEAN"}


@dataclass(frozen=True)
class Changes:
    """How many rows of a snapshot came, changed, went and stayed.

    Attributes:
        inserted: Rows that were not there before; for rows without a key, the changed ones too.
        updated: Rows of a known key with other values.
        deleted: Rows that are there no more.
        unchanged: Rows as before, those of parents that were not read again included.
    """

    inserted: int
    updated: int
    deleted: int
    unchanged: int

    @property
    def any(self) -> bool:
        """Whether anything changed."""
        return bool(self.inserted or self.updated or self.deleted)

    @property
    def nothing_stays(self) -> bool:
        """Whether no row is as it was, so that to write all anew takes less."""
        return self.any and not self.unchanged


@dataclass(frozen=True)
class Relation:
    """Rows to be compared.

    Attributes:
        name: The quoted name of the table.
        columns: Its columns with their types, in order.
        condition: Which of its rows count, in SQL.
    """

    name: str
    columns: Mapping[str, str]
    condition: str = "true"

    @classmethod
    def of(cls, connection: Connection, name: str, condition: str = "true") -> Self:
        """The relation of a table that is there."""
        return cls(name, columns_there(connection, name), condition)

    def row_hash(self, columns: Mapping[str, str]) -> str:
        """A hash of a row's values, as SQL.

        Args:
            columns: The columns to hash with the types they are compared as; those that the
                relation hasn't are NULL in it.
        """
        return f"hash({', '.join(self._value(name, type_) for name, type_ in columns.items())})"

    def hashes(self, key: Sequence[str], columns: Mapping[str, str]) -> str:
        """The query of its rows' `row`, `key` and `hash`; without a key the latter are the same.

        Args:
            key: The columns of the key.
            columns: As for `row_hash`.
        """
        hash_ = self.row_hash(columns)
        key_hash = f"hash({identifiers(key)})" if key else hash_
        return (
            f"select rowid as row, {key_hash} as key, {hash_} as hash from {self.name}"
            f" where {self.condition}"
        )

    def _value(self, name: str, type_: str) -> str:
        own = {column.lower(): column for column in self.columns}.get(name.lower())
        if own is None:
            return "null"
        value = identifier(own)
        if self.columns[own] != type_:
            value = f"try_cast({value} as {type_})"
        # An empty list, a struct of NULLs and NULL have the same hash.
        return value if type_ in _SCALARS else f"to_json({value})"


def values_of(*relations: Relation) -> dict[str, str]:
    """The columns that tell rows apart, with the types of the last relation that has them."""
    found: dict[str, tuple[str, str]] = {}
    for relation in relations:
        found |= {name.lower(): (name, type_) for name, type_ in relation.columns.items()}
    return {name: type_ for name, type_ in found.values() if name.lower() not in _OF_THE_SNAPSHOT}


@dataclass(frozen=True)
class Difference:
    """What `temp.difference` holds.

    Attributes:
        columns: The columns that were compared, and the types that they were compared as.
        source: The quoted name of the table in which the new rows stand.
    """

    columns: Mapping[str, str]
    source: str


def compare(connection: Connection, key: Sequence[str], old: Relation, new: Relation) -> Difference:
    """Makes `temp.difference` of the rows that only one of two relations has.

    Args:
        connection: The transaction.
        key: The columns of the key, which both hold once; none: rows are events.
        old: The rows before.
        new: The rows now.
    """
    columns = values_of(old, new)
    rows = max(number_of(connection, f"select count(*) from {each.name}") for each in (old, new))
    count = slices(connection, rows)
    sides = {
        name: materialized(connection, f"{name}_hashes", relation.hashes(key, columns), count)
        for name, relation in (("old", old), ("new", new))
    }
    nth = "1" if key else "row_number() over (partition by hash)"
    connection.execute(
        "create or replace temp table difference (old_row bigint, new_row bigint, hash ubigint)"
    )
    for number in range(count):
        part = of_slice("key", number, count)
        connection.execute(statement("compare").format(**sides, nth=nth, part=part))
    for name in sides:
        connection.execute(f"drop table if exists temp.{name}_hashes")
    return Difference(columns, new.name)


def count_removed(connection: Connection) -> int:
    """How many rows of the old relation `temp.difference` holds."""
    return number_of(connection, "select count(old_row) from temp.difference")


def count_changes(connection: Connection, rows: int) -> Changes:
    """Counts what `temp.difference` holds.

    Args:
        connection: The transaction.
        rows: Rows of the new snapshot, with those that stay without being compared.
    """
    inserted, updated, deleted = row_of(connection, statement("count"))
    return Changes(inserted, updated, deleted, rows - inserted - updated)


def for_rows(connection: Connection, relation: str, column: str, name: str, **names: str) -> None:
    """Executes a statement for each range of the rowids in a column of a temporary table."""
    for first, end in row_ranges(connection, relation, column):
        connection.execute(statement(name).format(first=first, end=end, **names))


@cache
def statement(name: str) -> str:
    """A statement of the folder `sql`, with the names of tables to be filled in."""
    return resources.files(__package__).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
