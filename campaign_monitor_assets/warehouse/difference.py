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

Connection = duckdb.DuckDBPyConnection

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


def compare(
    connection: Connection,
    key: Sequence[str],
    old: Relation,
    new: Relation,
    *,
    is_unique: bool = True,
) -> Difference:
    """Makes `temp.difference` of the rows that only one of two relations has.

    Args:
        connection: The transaction.
        key: The columns of the key; none: rows are events.
        old: The rows before.
        new: The rows now.
        is_unique: Whether both are known to hold each key once, which saves counting.
    """
    columns = values_of(old, new)
    nth = "1" if key and is_unique else "row_number() over (partition by hash)"
    old_hash, new_hash = old.row_hash(columns), new.row_hash(columns)
    names = identifiers(key)
    connection.execute(
        statement("compare").format(
            old=old.name,
            new=new.name,
            old_hash=old_hash,
            new_hash=new_hash,
            old_key=f"hash({names})" if key else old_hash,
            new_key=f"hash({names})" if key else new_hash,
            old_condition=old.condition,
            nth=nth,
        )
    )
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


@cache
def statement(name: str) -> str:
    """A statement of the folder `sql`, with the names of tables to be filled in."""
    return resources.files(__package__).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
