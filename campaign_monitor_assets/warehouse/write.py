"""From staged files to a table: one transaction replaces the last snapshot and logs the new one.

Every function here works inside the caller's transaction, so that the table, its comments and its
row in `sync_log` change together or not at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from campaign_monitor_assets.catalogue import INHERITED, SYNCED_AT, Column, Table
from campaign_monitor_assets.errors import DatabaseError, SnapshotRefusedError
from campaign_monitor_assets.staging.files import Staged
from campaign_monitor_assets.warehouse.sync_log import record
from campaign_monitor_assets.warehouse.target import identifier, literal, read_json, table_exists

Connection = duckdb.DuckDBPyConnection

_KEPT = "temp.kept"

_TIME_FORMATS = "['%Y-%m-%d %H:%M:%S', '%Y-%m-%d %H:%M', '%Y-%m-%d']"


@dataclass(frozen=True)
class Loaded:
    """What a snapshot holds.

    Attributes:
        rows: Rows in the table.
        previous_rows: Rows in the snapshot before; None where there was none.
        columns: The table's columns, in order.
        malformed: For each column how many values didn't fit its type and became NULL.
        extra_columns: The columns that the catalogue doesn't know.
        kept: Rows of parents that were not read again.
    """

    rows: int
    previous_rows: int | None
    columns: tuple[Column, ...]
    malformed: Mapping[str, int]
    extra_columns: tuple[str, ...]
    kept: int = 0


@dataclass(frozen=True)
class Guard:
    """Keeps a snapshot out that falls by more than so many percent; None: lets all pass."""

    most_percent: float | None = None
    forced: bool = False

    def check(self, table: str, before: int | None, now: int) -> None:
        """Raises SnapshotRefusedError where the fall is too deep."""
        if self.most_percent is None or self.forced or not before:
            return
        fall = 100 * (before - now) / before
        if fall > self.most_percent:
            raise SnapshotRefusedError(
                f"The new snapshot of {table} was not published: it has {now} rows, the last one"
                f" {before}, a fall by {fall:.1f} % where {self.most_percent:g} % are allowed."
                " The old snapshot is unchanged. If the fall is right, materialize the table with"
                " `force: true` in the launchpad's config."
            )


def publish(
    connection: Connection, staged: Staged, *, schema: str, table: str, run_id: str, guard: Guard
) -> Loaded:
    """Replaces the table by what was staged and logs it.

    Raises:
        DatabaseError: The staged rows can't be loaded, or not all of them arrived.
        SnapshotRefusedError: The guard kept the snapshot out.
    """
    columns, extra_names = _columns(staged)
    exists = table_exists(connection, schema, table)
    previous = _count(connection, schema, table) if exists else None
    kept = _set_aside(connection, staged, schema, table)
    connection.execute(f"create schema if not exists {identifier(schema)}")
    definition = ", ".join(f"{identifier(column.name)} {column.type}" for column in columns)
    connection.execute(f"create or replace table {identifier(schema, table)} ({definition})")
    try:
        connection.execute(
            f"insert into {identifier(schema, table)} by name {_select(staged, extra_names)}",
            [staged.synced_at],
        )
    except duckdb.Error as error:
        raise _load_failed(table, error) from None
    arrived = _count(connection, schema, table)
    if not staged.inconsistent and arrived != staged.rows:
        raise DatabaseError(
            f"{staged.rows} rows of {table} were staged, but {arrived} arrived in DuckDB."
            " The old snapshot is unchanged. Please report this."
        )
    if staged.kept:
        _put_back(connection, schema, table)
    rows = arrived + kept
    guard.check(table, previous, rows)
    loaded = Loaded(
        rows=rows,
        previous_rows=previous,
        columns=tuple(columns),
        malformed=_malformed(connection, staged, schema, table, rows),
        kept=kept,
        extra_columns=tuple(extra_names.values()),
    )
    _comment(connection, staged.table, schema, table, columns)
    record(connection, staged, schema=schema, table=table, run_id=run_id, rows=rows)
    return loaded


def _set_aside(connection: Connection, staged: Staged, schema: str, table: str) -> int:
    """Copies the rows that stay, and counts them."""
    if not staged.kept:
        return 0
    assert staged.table.parent_key is not None
    connection.execute(
        f"create or replace temp table {_KEPT} as select * from {identifier(schema, table)}"
        f" where {identifier(staged.table.parent_key)} in (select unnest(?))",
        [list(staged.kept)],
    )
    return int(_fetch(connection, f"select count(*) from {_KEPT}")[0])


def _put_back(connection: Connection, schema: str, table: str) -> None:
    """Adds the rows that stay, with the columns that only they have."""
    name = identifier(schema, table)
    for column, type_, *_ in connection.execute(f"describe {_KEPT}").fetchall():
        connection.execute(
            f"alter table {name} add column if not exists {identifier(column)} {type_}"
        )
    connection.execute(f"insert into {name} by name from {_KEPT}")
    connection.execute(f"drop table {_KEPT}")


def _columns(staged: Staged) -> tuple[list[Column], dict[str, str]]:
    """The table's columns, and for each field that the catalogue doesn't know its column."""
    table = staged.table
    declared = [*(INHERITED[name] for name in table.inherits), *table.columns]
    taken = {column.name.lower() for column in [*declared, SYNCED_AT]}
    extra_names = {}
    for name in staged.extras:
        column = "".join(char if char.isprintable() else "_" for char in name) or "_"
        # DuckDB's names differ in more than case.
        while column.lower() in taken:
            column += "_"
        taken.add(column.lower())
        extra_names[name] = column
    extras = [
        Column(column, "JSON", "A field that the API sends and the catalogue doesn't know yet.")
        for column in extra_names.values()
    ]
    return [*declared, *extras, SYNCED_AT], extra_names


def _select(staged: Staged, extra_names: Mapping[str, str]) -> str:
    table = staged.table
    chosen = [
        *(f"parent.{identifier(name)}" for name in table.inherits),
        *(f"{_typed(column)} as {identifier(column.name)}" for column in table.columns),
        *(
            f"json_extract(extra, {literal(_pointer(name))}) as {identifier(column)}"
            for name, column in extra_names.items()
        ),
        "?::timestamp as _synced_at",
    ]
    query = f"select {', '.join(chosen)} from {_source(staged)}"
    if staged.inconsistent and table.key:
        # A collection that never stood still may hold a key twice; others were found not to.
        key = ", ".join(_key_part(table, name) for name in table.key)
        query += f" qualify row_number() over (partition by {key}) = 1"
    return query


def _key_part(table: Table, name: str) -> str:
    return f"parent.{identifier(name)}" if name in table.inherits else f"row.{identifier(name)}"


def _source(staged: Staged) -> str:
    """The staged rows of the accepted readings, with their parents' keys."""
    fields = ", ".join(
        f"{identifier(column.name)} {_raw_type(column)}" for column in staged.table.columns
    )
    parents = ", ".join(f"{identifier(name)} VARCHAR" for name in staged.table.inherits)
    parent_type = f"STRUCT({parents})" if parents else "JSON"
    rows = read_json(
        staged.rows_path,
        {"read": "BIGINT", "row": f"STRUCT({fields})", "extra": "JSON"},
        longest=staged.largest_append,
    )
    reads = read_json(staged.reads_path, {"read": "BIGINT", "parent": parent_type})
    return f"{rows} join {reads} using (read)"


def _raw_type(column: Column) -> str:
    scalar = column.type in {"VARCHAR", "TIMESTAMP", "BIGINT", "DOUBLE", "BOOLEAN"}
    return "VARCHAR" if scalar else "JSON"


def _typed(column: Column) -> str:
    """The column's value, or NULL where the staged one doesn't fit the type."""
    raw = f"row.{identifier(column.name)}"
    if column.type in {"VARCHAR", "JSON"}:
        return raw
    if column.type == "TIMESTAMP":
        return f"try_strptime({raw}, {_TIME_FORMATS})"
    if column.type == "BIGINT":
        # A cast alone would round 12.7 to 13.
        whole = f"try_cast({raw} as bigint)"
        return f"case when {whole} = try_cast({raw} as double) then {whole} end"
    return f"try_cast({raw} as {column.type})"


def _malformed(
    connection: Connection, staged: Staged, schema: str, table: str, rows: int
) -> Mapping[str, int]:
    """Counts the values that became NULL, which needs a second look only where there are NULLs."""
    suspects = [column for column in staged.table.columns if column.type not in {"VARCHAR", "JSON"}]
    if not suspects or not rows:
        return {}
    filled = _fetch(
        connection,
        f"select {', '.join(f'count({identifier(column.name)})' for column in suspects)}"
        f" from {identifier(schema, table)}",
    )
    suspects = [column for column, number in zip(suspects, filled, strict=True) if number < rows]
    if not suspects:
        return {}
    counts = ", ".join(
        f"count(*) filter (row.{identifier(column.name)} is not null and {_typed(column)} is null)"
        for column in suspects
    )
    found = _fetch(connection, f"select {counts} from {_source(staged)}")
    return {column.name: number for column, number in zip(suspects, found, strict=True) if number}


def _comment(
    connection: Connection, entry: Table, schema: str, table: str, columns: Sequence[Column]
) -> None:
    name = identifier(schema, table)
    connection.execute(f"comment on table {name} is {literal(entry.description)}")
    for column in columns:
        connection.execute(
            f"comment on column {name}.{identifier(column.name)} is {literal(column.description)}"
        )


def _count(connection: Connection, schema: str, table: str) -> int:
    return int(_fetch(connection, f"select count(*) from {identifier(schema, table)}")[0])


def _fetch(connection: Connection, query: str) -> tuple[int, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row


def _pointer(name: str) -> str:
    """A JSON pointer to a field of whatever name."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _load_failed(table: str, error: duckdb.Error) -> DatabaseError:
    # DuckDB's own text may quote a row, and so an address.
    full = isinstance(error, (duckdb.IOException, duckdb.OutOfMemoryException))
    detail = str(error).split("\n")[0] if full else "a row is no JSON object that DuckDB accepts"
    if "has duplicate key" in str(error):
        detail = "an object in an answer has the same field twice"
    return DatabaseError(
        f"The staged rows of {table} can't be loaded into DuckDB ({type(error).__name__}):"
        f" {detail}. The old snapshot is unchanged."
    )
