"""The history of a table: every version that a row had, as a slowly changing dimension of type 2.

It stands in a schema beside the snapshots' under the table's name, with the table's columns and two
more. A version ends, and another begins, only where a row changed; for rows without a key, which
are events, a version is one occurrence: it begins where the event is first seen, and ends where the
API tells it no more.
"""

from datetime import datetime

import duckdb

from campaign_monitor_assets.catalogue import Column
from campaign_monitor_assets.warehouse.comments import Comments, comments_of, set_comments
from campaign_monitor_assets.warehouse.difference import (
    DIFFERENCE,
    Difference,
    Relation,
    compare,
    count_removed,
    for_rows,
    statement,
)
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import (
    columns_there,
    identifier,
    literal,
    number_of,
    row_of,
    table_exists,
)
from campaign_monitor_assets.warehouse.replacing import change_type
from campaign_monitor_assets.warehouse.slices import materialized, of_slice, slices

Connection = duckdb.DuckDBPyConnection

HISTORY_SUFFIX = "_history"
"""What the schema of the histories is called after the schema of the snapshots."""

_ENDING = "temp.ending"
"""The temporary table with the rowids of the versions that end."""

VALID_FROM = Column(
    "_valid_from",
    "TIMESTAMP",
    "The UTC time of the snapshot in which the version was first seen.",
    personal=False,
)
VALID_TO = Column(
    "_valid_to",
    "TIMESTAMP",
    "The UTC time of the snapshot in which the version was seen no longer; NULL: it is valid now.",
    personal=False,
)


def history_of(table: TableName) -> TableName:
    """Where the history of a table is."""
    return TableName(f"{table.schema}{HISTORY_SUFFIX}", table.table)


def update_history(
    connection: Connection,
    table: TableName,
    *,
    synced_at: datetime,
    difference: Difference | None,
) -> None:
    """Ends the versions that are gone and begins those that came.

    Args:
        connection: The transaction, in which the table holds the new snapshot already.
        table: The table.
        synced_at: The UTC time of the snapshot.
        difference: The difference to what the history says is valid now. None: it is to be found
            out, as for the first snapshot, or after one that was published without history.
    """
    history = history_of(table)
    if table_exists(connection, history.schema, history.table):
        _grow(connection, history, table)
    else:
        _create(connection, history, table)
    time = _time(connection, history, synced_at)
    if difference is not None and count_removed(connection) == _valid_versions(connection, history):
        connection.execute(statement("end_all_versions").format(history=history.quoted, time=time))
    if not _valid_versions(connection, history):
        # To compare all rows with none would take more memory than to write them.
        _open_all(connection, history, time, table)
    elif (
        difference is None
        or not _close(connection, history, difference, time)
        or not _open(connection, history, difference, time, table)
    ):
        # A snapshot without history came between, or somebody else changed one of the two.
        valid = Relation.of(connection, history.quoted, "_valid_to is null")
        difference = compare(connection, (), valid, Relation.of(connection, table.quoted))
        _close(connection, history, difference, time)
        _open(connection, history, difference, time, table)


def agrees(connection: Connection, table: TableName) -> bool:
    """Whether as many versions are valid as a table that didn't change has rows.

    More are, where two spellings of an address have become one hash since.
    """
    return _has_as_many(connection, history_of(table), table)


def remove_old_versions(
    connection: Connection, table: TableName, *, synced_at: datetime, days: int
) -> None:
    """Removes the versions that ended more than so many days before a snapshot's UTC time."""
    connection.execute(
        f"delete from {history_of(table).quoted}"
        f" where _valid_to < {literal(synced_at)} - to_days({days})"
    )


def _close(connection: Connection, history: TableName, difference: Difference, time: str) -> bool:
    """Ends the versions of the rows that are gone, and says whether all of them had one."""
    removed = count_removed(connection)
    hash_ = Relation.of(connection, history.quoted).row_hash(difference.columns)
    valid = f"select rowid as row, {hash_} as hash, _valid_from as begun from {history.quoted}"
    count = slices(connection, removed)
    versions = materialized(connection, "versions", f"{valid} where _valid_to is null", count)
    connection.execute("create or replace temp table ending (row bigint)")
    for number in range(count):
        part = of_slice("hash", number, count)
        connection.execute(statement("find_ending").format(versions=versions, part=part))
    connection.execute("drop table if exists temp.versions")
    for_rows(connection, _ENDING, "row", "end_versions", history=history.quoted, time=time)
    return number_of(connection, f"select count(*) from {_ENDING}") == removed


def _open(
    connection: Connection,
    history: TableName,
    difference: Difference,
    time: str,
    table: TableName,
) -> bool:
    """Begins the versions that came, and says whether as many are valid now as the table has."""
    for_rows(
        connection,
        DIFFERENCE,
        "new_row",
        "open_versions",
        history=history.quoted,
        source=difference.source,
        time=time,
    )
    return _has_as_many(connection, history, table)


def _open_all(connection: Connection, history: TableName, time: str, table: TableName) -> None:
    """Begins a version of each row of the table."""
    connection.execute(
        f"insert into {history.quoted} by name select *, {time} as _valid_from,"
        f" null::timestamp as _valid_to from {table.quoted}"
    )


def _has_as_many(connection: Connection, history: TableName, table: TableName) -> bool:
    rows = number_of(connection, f"select count(*) from {table.quoted}")
    return rows == _valid_versions(connection, history)


def _valid_versions(connection: Connection, history: TableName) -> int:
    return number_of(connection, f"select count(*) from {history.quoted} where _valid_to is null")


def _time(connection: Connection, history: TableName, synced_at: datetime) -> str:
    """The snapshot's time, or later where the clock went back: versions follow on one another."""
    [time] = row_of(
        connection,
        f"select greatest({literal(synced_at)},"
        " max(greatest(_valid_from, coalesce(_valid_to, _valid_from)))"
        f" + interval 1 microsecond) from {history.quoted}",
    )
    return literal(time)


def _create(connection: Connection, history: TableName, table: TableName) -> None:
    connection.execute(f"create schema if not exists {identifier(history.schema)}")
    connection.execute(
        f"create table {history.quoted} as select *, null::timestamp as _valid_from,"
        f" null::timestamp as _valid_to from {table.quoted} limit 0"
    )
    ours = {column.name: column.description for column in (VALID_FROM, VALID_TO)}
    comments = {**comments_of(connection, table).columns, **ours}
    set_comments(connection, history, Comments(columns=comments))


def _grow(connection: Connection, history: TableName, table: TableName) -> None:
    """Gives the history the table's new columns, and those that changed their type a fitting one.

    A column that the table has no more stays, and so does every value: where one doesn't fit the
    new type, the column becomes text.
    """
    there = {
        name.lower(): type_ for name, type_ in columns_there(connection, history.quoted).items()
    }
    for name, type_ in columns_there(connection, table.quoted).items():
        quoted, old = identifier(name), there.get(name.lower())
        if old is None:
            connection.execute(f"alter table {history.quoted} add column {quoted} {type_}")
        elif old != type_:
            [fits] = row_of(
                connection,
                f"select count({quoted}) = count(try_cast({quoted} as {type_}))"
                f" from {history.quoted}",
            )
            fitting = type_ if fits else "VARCHAR"
            if fitting != old:
                change_type(connection, history, name, fitting)
