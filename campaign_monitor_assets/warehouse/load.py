"""Step 1 of a snapshot: the staged files become a typed temporary table of the connection.

Whatever is to be left out of DuckDB is left out here; what follows sees the temporary table only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import duckdb

from campaign_monitor_assets.catalogue import Column, Table
from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.staging.records import Staged
from campaign_monitor_assets.warehouse.masking import domain_of, masked, prepare_hashing
from campaign_monitor_assets.warehouse.privacy import EMAIL_DOMAIN, KEEP_ALL, Action, Privacy
from campaign_monitor_assets.warehouse.quoting import (
    identifier,
    literal,
    number_of,
    read_json,
    row_of,
)
from campaign_monitor_assets.warehouse.spellings import merge_spellings

Connection = duckdb.DuckDBPyConnection

LOADED = "temp.loaded"
"""The temporary table with the rows of the snapshot that is being published."""

DEPARTED = "temp.departed"
"""The temporary table with the keys of the records that left a collection."""

_ISO_ZONE = r"([Zz]|[+-]\d\d(:?\d\d)?)$"
_ISO_TIME = r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d(:?\d\d)?)?"
"""ISO 8601, as other parts of the API write times. Columns hold the client's wall clock, so
the time is taken as it is written, and a zone or an offset is left out."""

_TIME_FORMATS = "['%Y-%m-%d %H:%M:%S', '%Y-%m-%d %H:%M', '%Y-%m-%d']"


@dataclass(frozen=True)
class Loaded:
    """What was loaded into the temporary table.

    Attributes:
        rows: Its rows.
        columns: Its columns, in order.
        malformed: For each column how many values didn't fit its type and became NULL.
        extra_columns: The columns that the catalogue doesn't know.
        left_out: The fields that the catalogue doesn't know and that are left out.
        merged: For each parent's key how many rows were left out, since another spelling of their
            address has the same hash.
    """

    rows: int
    columns: tuple[Column, ...]
    malformed: Mapping[str, int]
    extra_columns: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    merged: Mapping[str, int] = field(default_factory=dict)

    @property
    def merged_rows(self) -> int:
        """Rows that were left out, over all parents."""
        return sum(self.merged.values())


def load(connection: Connection, staged: Staged, privacy: Privacy = KEEP_ALL) -> Loaded:
    """Loads what was staged into the temporary table.

    Args:
        connection: The transaction.
        staged: What was read.
        privacy: What becomes of personal data.

    Raises:
        DatabaseError: DuckDB doesn't take the staged rows.
    """
    columns, extra_names = _columns(staged, privacy)
    prepare_hashing(connection, privacy)
    definition = ", ".join(f"{identifier(column.name)} {column.type}" for column in columns)
    connection.execute(f"create or replace temp table {LOADED} ({definition})")
    try:
        connection.execute(f"insert into {LOADED} by name {_select(staged, extra_names, privacy)}")
    except (duckdb.OutOfMemoryException, duckdb.IOException):
        # It is tried again with fewer threads, or the transaction says what to do.
        raise
    except duckdb.Error as error:
        raise _load_failed(staged.table.name, error) from None
    merged = merge_spellings(connection, LOADED, staged.table, privacy)
    rows = number_of(connection, f"select count(*) from {LOADED}")
    return Loaded(
        rows=rows,
        columns=tuple(columns),
        malformed=_malformed(connection, staged, rows, privacy),
        extra_columns=tuple(extra_names.values()),
        left_out=() if privacy.keeps_unknown else staged.extras,
        merged=merged,
    )


def load_departed(connection: Connection, staged: Staged, privacy: Privacy) -> None:
    """Loads the keys of the records that left an incrementally read collection.

    Args:
        connection: The transaction, in which the rows are loaded already.
        staged: What was read.
        privacy: What becomes of personal data; keys have to be alike.

    Raises:
        DatabaseError: DuckDB doesn't take the staged rows.
    """
    assert staged.incremental is not None
    table = staged.table
    elsewhere = replace(staged, rows_path=staged.incremental.departed_path)
    key = [f"parent.{identifier(name)}" for name in table.key if name in table.inherits]
    key += [
        f"{masked(privacy, table.name, column, _typed(column))} as {identifier(column.name)}"
        for column in table.columns
        if column.name in table.key
    ]
    try:
        connection.execute(
            f"create or replace temp table departed as select {', '.join(key)}"
            f" from {_source(elsewhere)}"
        )
    except (duckdb.OutOfMemoryException, duckdb.IOException):
        raise
    except duckdb.Error as error:
        raise _load_failed(table.name, error) from None


def _columns(staged: Staged, privacy: Privacy) -> tuple[list[Column], dict[str, str]]:
    """The table's columns, and for each field that the catalogue doesn't know its column."""
    *declared, synced_at = privacy.columns_of(staged.table)
    taken = {column.name.lower() for column in [*declared, synced_at]}
    extra_names = {}
    for name in staged.extras if privacy.keeps_unknown else ():
        column = "".join(char if char.isprintable() else "_" for char in name) or "_"
        # DuckDB's names differ in more than case.
        while column.lower() in taken:
            column += "_"
        taken.add(column.lower())
        extra_names[name] = column
    extras = [
        Column(
            column,
            "JSON",
            "A field that the API sends and the catalogue doesn't know yet.",
            personal=True,
        )
        for column in extra_names.values()
    ]
    return [*declared, *extras, synced_at], extra_names


def _select(staged: Staged, extra_names: Mapping[str, str], privacy: Privacy) -> str:
    table = staged.table
    chosen = [
        *(f"parent.{identifier(name)}" for name in table.inherits),
        *(
            f"{masked(privacy, table.name, column, _typed(column))} as {identifier(column.name)}"
            for column in table.columns
        ),
        *(
            f"json_extract(extra, {literal(_pointer(name))}) as {identifier(column)}"
            for name, column in extra_names.items()
        ),
        f"{literal(staged.synced_at)} as _synced_at",
    ]
    if privacy.has_domain(table.name):
        chosen.append(f"{domain_of('row.EmailAddress')} as {EMAIL_DOMAIN.name}")
    query = f"select {', '.join(chosen)} from {_source(staged)}"
    if staged.inconsistent and table.key:
        # An inconsistent collection may hold a key twice; consistent ones were found not to.
        key = ", ".join(_key_part(table, name) for name in table.key)
        query += f" qualify row_number() over (partition by {key}) = 1"
    return query


def _key_part(table: Table, name: str) -> str:
    return f"parent.{identifier(name)}" if name in table.inherits else f"row.{identifier(name)}"


def _source(staged: Staged) -> str:
    """The staged rows of the accepted attempts, with their parents' keys."""
    fields = ", ".join(
        f"{identifier(column.name)} {_raw_type(column)}" for column in staged.table.columns
    )
    parents = ", ".join(f"{identifier(name)} VARCHAR" for name in staged.table.inherits)
    parent_type = f"STRUCT({parents})" if parents else "JSON"
    rows = read_json(
        staged.rows_path,
        {"read": "BIGINT", "row": f"STRUCT({fields})", "extra": "JSON"},
        longest=staged.longest_row,
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
        return (
            # DuckDB takes words such as infinity for times, too.
            f"case when regexp_matches({raw}, '^\\d') then"
            f" coalesce(try_strptime({raw}, {_TIME_FORMATS}), case when"
            f" regexp_full_match({raw}, {literal(_ISO_TIME)})"
            f" then try_cast(regexp_replace({raw}, {literal(_ISO_ZONE)}, '') as timestamp) end) end"
        )
    if column.type == "BIGINT":
        # A cast alone would round 12.7 to 13.
        whole = f"try_cast({raw} as bigint)"
        return f"case when {whole} = try_cast({raw} as double) then {whole} end"
    return f"try_cast({raw} as {column.type})"


def _malformed(
    connection: Connection, staged: Staged, rows: int, privacy: Privacy
) -> Mapping[str, int]:
    """Counts the values that became NULL, which needs a second look only where there are NULLs."""
    suspects = [
        column
        for column in staged.table.columns
        if column.type not in {"VARCHAR", "JSON"}
        and privacy.action(staged.table.name, column.name) is not Action.DROP
    ]
    if not suspects or not rows:
        return {}
    filled = row_of(
        connection,
        f"select {', '.join(f'count({identifier(column.name)})' for column in suspects)}"
        f" from {LOADED}",
    )
    suspects = [column for column, number in zip(suspects, filled, strict=True) if number < rows]
    if not suspects:
        return {}
    counts = ", ".join(
        f"count(*) filter (row.{identifier(column.name)} is not null and {_typed(column)} is null)"
        for column in suspects
    )
    found = row_of(connection, f"select {counts} from {_source(staged)}")
    return {column.name: number for column, number in zip(suspects, found, strict=True) if number}


def _pointer(name: str) -> str:
    """A JSON pointer to a field of whatever name."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _load_failed(table: str, error: duckdb.Error) -> DatabaseError:
    # DuckDB's own text may quote a row, and so an address.
    detail = "a row is no JSON object that DuckDB accepts"
    if "has duplicate key" in str(error):
        detail = "an object in a response has the same field twice"
    return DatabaseError(
        f"The staged rows of {table} can't be loaded into DuckDB ({type(error).__name__}):"
        f" {detail}. The old snapshot is unchanged."
    )
