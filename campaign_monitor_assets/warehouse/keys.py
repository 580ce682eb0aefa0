"""Keys that come more than once, found in little memory, whatever the number of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.warehouse.quoting import identifier, identifiers, number_of

Connection = duckdb.DuckDBPyConnection

_REPEATED: Final = "temp.repeated"
"""The temporary table with the hashes that come more than once."""

_HASHES_AT_A_TIME: Final = 500_000
"""Hashes whose set fits into a small part of `memory_limit`, whatever the number of threads."""


@dataclass(frozen=True)
class KeyFaults:
    """What is wrong with a table's keys: how many come twice, and how many rows lack a part."""

    repeated: int
    incomplete: int

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.repeated or self.incomplete)


def key_faults(connection: Connection, table: Table, relation: str) -> KeyFaults:
    """What is wrong with the keys of a relation of the table's columns, by its quoted name."""
    if not table.key:
        return KeyFaults(0, 0)
    missing = " or ".join(f"{identifier(name)} is null" for name in table.key)
    repeated = 0
    if suspects := suspected_rows(connection, relation, table.key):
        repeated = number_of(
            connection,
            f"select count(*) from (select 1 from {relation} where {suspects}"
            f" group by {identifiers(table.key)} having count(*) > 1)",
        )
    return KeyFaults(
        repeated=repeated,
        incomplete=number_of(connection, f"select count(*) from {relation} where {missing}"),
    )


def suspected_rows(connection: Connection, relation: str, key: Sequence[str]) -> str | None:
    """Which rows may have a key that another one has too, as SQL; None: there are none.

    A key that comes twice has a hash that does. Hashes take a fraction of the keys' memory, and a
    part of them at a time a bounded one.

    Args:
        connection: An open file.
        relation: The rows, by a quoted name.
        key: The columns of the key.
    """
    hash_ = f"hash({identifiers(key)})"
    connection.execute(
        f"create or replace temp table hashes as select {hash_} as hash from {relation}"
    )
    connection.execute("create or replace temp table repeated (hash ubigint)")
    parts = number_of(connection, "select count(*) from temp.hashes") // _HASHES_AT_A_TIME + 1
    for part in range(parts):
        connection.execute(
            f"insert into {_REPEATED} select hash from temp.hashes where hash % {parts} = {part}"
            " group by hash having count(*) > 1"
        )
    connection.execute("drop table temp.hashes")
    if number_of(connection, f"select count(*) from {_REPEATED}"):
        return f"{hash_} in (from {_REPEATED})"
    return None
