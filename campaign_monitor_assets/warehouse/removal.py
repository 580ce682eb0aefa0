"""Removing people's addresses from the tables of an account, in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import duckdb

from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.warehouse.bookkeeping import SYNC_PARENTS, bring_up_to_date
from campaign_monitor_assets.warehouse.enforce import stored_rules, tables_of_account
from campaign_monitor_assets.warehouse.masking import hashed, normalized, prepare_hashing
from campaign_monitor_assets.warehouse.names import TRIAL_SUFFIX, TableName, tables_there
from campaign_monitor_assets.warehouse.privacy import Privacy
from campaign_monitor_assets.warehouse.quoting import (
    columns_there,
    identifier,
    literal,
    number_of,
    table_exists,
)
from campaign_monitor_assets.warehouse.replacing import take_turn
from campaign_monitor_assets.warehouse.state import note_forgotten

Connection = duckdb.DuckDBPyConnection

_PEOPLE: Final = "temp.people_to_forget"
"""The addresses that are removed, normalized, and their hashes."""

_ADDRESSES_AT_A_TIME: Final = 100
"""Addresses that are searched for together: with three times as many it takes ten times as long."""

_MARK: Final = "(forgotten)"
"""What stands in the place of an address within another text."""

_BEFORE: Final = r"(^|[^\p{L}\p{N}_.+-]|%[0-9a-f]{2}|\\u[0-9a-f]{4})"
_AFTER: Final = r"($|[^\p{L}\p{N}_.-]|[.-](?:$|[^\p{L}\p{N}]))"
"""What may stand around an address: nothing that would make it another, longer one."""


@dataclass(frozen=True)
class Removed:
    """What became of the rows of each table, by its name.

    Attributes:
        rows: Rows that were removed.
        cleared: Rows that lost an address and are otherwise still there.
        elsewhere: Rows that still hold an address, of tables that are not the account's.
    """

    rows: dict[str, int] = field(default_factory=dict)
    cleared: dict[str, int] = field(default_factory=dict)
    elsewhere: dict[str, int] = field(default_factory=dict)


def remove(
    connection: Connection, schema: str, addresses: Sequence[str], privacy: Privacy
) -> Removed:
    """Removes addresses, and their hashes, from the account's snapshots, histories and trials.

    Args:
        connection: The transaction.
        schema: The schema of the account's snapshots.
        addresses: The addresses.
        privacy: The rules, with the key of hashes where some are stored.

    Raises:
        ConfigurationError: Hashes are stored, and their key isn't there.
    """
    _require_key(connection, schema, privacy)
    prepare_hashing(connection, privacy)
    connection.execute(
        f"create or replace temp table {_PEOPLE} as select {normalized('given')} as address,"
        f" {hashed('given') if privacy.key else 'null::varchar'} as hash"
        " from (select unnest(?::varchar[]) as given)",
        [list(addresses)],
    )
    for place in (schema, f"{schema}{TRIAL_SUFFIX}"):
        bring_up_to_date(connection, place)
    removed = Removed()
    patterns = [
        pattern_of(addresses[at : at + _ADDRESSES_AT_A_TIME])
        for at in range(0, len(addresses), _ADDRESSES_AT_A_TIME)
    ]
    own = list(tables_of_account(connection, schema))
    for name, table in own:
        take_turn(connection, name)
        if number := _remove_rows(connection, name, table):
            removed.rows[str(name)] = number
        if number := _rows_that_hold(connection, name, patterns):
            for pattern in patterns:
                _clear(connection, name, pattern)
            removed.cleared[str(name)] = number
    for name in _others(connection, {str(name).lower() for name, _ in own}):
        if number := _rows_that_hold(connection, name, patterns):
            removed.elsewhere[str(name)] = number
    connection.execute(f"drop table {_PEOPLE}")
    note_forgotten(connection, schema)
    return removed


def pattern_of(addresses: Sequence[str]) -> str:
    """A regular expression (RE2) for addresses in a text, also as links and JSON escape them."""
    spelled = ("".join(map(_character, address.strip())) for address in addresses)
    return f"(?i){_BEFORE}(?:{'|'.join(spelled)}){_AFTER}"


def _character(char: str) -> str:
    if char.isascii() and char.isalnum():
        return char
    in_link = "".join(f"%{byte:02x}" for byte in char.encode())
    units = char.encode("utf-16-be").hex()
    in_json = "".join(rf"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
    return rf"(?:\x{{{ord(char):x}}}|{in_link}|{in_json})"


def _require_key(connection: Connection, schema: str, privacy: Privacy) -> None:
    stored = stored_rules(connection, schema)
    key_check = stored[1] if stored else None
    if key_check is not None and key_check != privacy.key_check:
        raise ConfigurationError(
            f"The schema {schema} holds hashed addresses, and to find one takes the key that they"
            " were hashed with. Set it, and `privacy`, as they were then. Nothing was changed."
        )


def _remove_rows(connection: Connection, name: TableName, table: Table) -> int:
    """Removes the rows that are about the people, and corrects what was logged of their parents."""
    if "EmailAddress" not in table.fields:
        return 0
    theirs = f"{name.quoted} where {_is_one('EmailAddress')}"
    log = name.beside(SYNC_PARENTS)
    if table_exists(connection, log.schema, log.table):
        # A check compares the rows with what the API reported of the snapshot.
        parent = identifier(table.parent_key) if table.parent_key else "''"
        connection.execute(
            f"update {log.quoted} log set rows = log.rows - gone.number,"
            f" reported = log.reported - gone.number"
            f" from (select {parent} as parent, count(*) as number from {theirs} group by all) gone"
            " where log.table_name = ? and log.parent = gone.parent",
            [table.name],
        )
    return number_of(connection, f"delete from {theirs}")


def _is_one(value: str) -> str:
    """Whether a value is an address of the people, or its hash, as SQL."""
    return (
        f"coalesce({normalized(value)} in (select address from {_PEOPLE})"
        f" or {value} in (select hash from {_PEOPLE} where hash is not null), false)"
    )


def _texts(connection: Connection, name: TableName) -> Mapping[str, str]:
    """The columns that may hold an address, with their types."""
    columns = columns_there(connection, name.quoted)
    return {
        column: type_ for column, type_ in columns.items() if "VARCHAR" in type_ or "JSON" in type_
    }


def _rows_that_hold(connection: Connection, name: TableName, patterns: Sequence[str]) -> int:
    """How many rows hold an address anywhere, or its hash."""
    columns = _texts(connection, name)
    if not columns:
        return 0
    given = {f"pattern{number}": pattern for number, pattern in enumerate(patterns)}
    # To read a pattern takes DuckDB milliseconds: it is read once a table, not once a column.
    texts = ", ".join(_as_text(column, type_) for column, type_ in columns.items())
    held = [f"regexp_matches(concat_ws(chr(10), {texts}), ${pattern})" for pattern in given]
    held += [_is_one(value) for _, value in _addresses(columns)]
    return number_of(
        connection, f"select count(*) from {name.quoted} where {' or '.join(held)}", given
    )


def _columns_that_hold(
    connection: Connection, name: TableName, columns: Mapping[str, str], pattern: str
) -> set[str]:
    """The columns in any row of which an address stands, or its hash."""
    values = [(column, _as_text(column, type_)) for column, type_ in columns.items()]
    each = ", ".join(
        f"{{'name': {literal(column)}, 'value': {value}}}"
        for column, value in (*values, *_addresses(columns))
    )
    found = connection.execute(
        f"select distinct held.name from (select unnest([{each}]) as held from {name.quoted})"
        f" where regexp_matches(held.value, $pattern) or {_is_one('held.value')}",
        {"pattern": pattern},
    )
    return {column for (column,) in found.fetchall()}


def _addresses(columns: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Values that may be nothing but an address, or its hash, as SQL, with their columns."""
    for column, type_ in columns.items():
        if type_ == "VARCHAR":
            yield column, identifier(column)
        elif '"EmailAddress"' in type_ or "EmailAddress VARCHAR" in type_:
            yield column, f"{identifier(column)}.EmailAddress"


def _as_text(column: str, type_: str) -> str:
    quoted = identifier(column)
    return quoted if type_ == "VARCHAR" else f"to_json({quoted})::varchar"


def _clear(connection: Connection, name: TableName, pattern: str) -> None:
    """Takes the addresses out of a table's values, and the names that stand with them."""
    columns = _texts(connection, name)
    if "FromEmail" in columns and "FromName" in columns:
        connection.execute(f"update {name.quoted} set FromName = null where {_is_one('FromEmail')}")
    if "BasicDetails" in columns:
        connection.execute(
            f"update {name.quoted} set BasicDetails = struct_update(BasicDetails,"
            " ContactName := null::varchar, EmailAddress := null::varchar)"
            f" where {_is_one('BasicDetails.EmailAddress')}"
        )
    held = _columns_that_hold(connection, name, columns, pattern)
    for column in sorted(held):
        quoted, text = identifier(column), _as_text(column, columns[column])
        # What stands between two addresses is part of the first match only.
        marked = text
        for _ in range(2):
            marked = f"regexp_replace({marked}, $pattern, $mark, 'g')"
        value = f"{marked}::json::{columns[column]}"
        holds = f"coalesce(regexp_matches({text}, $pattern), false)"
        if columns[column] == "VARCHAR":
            value = f"case when not {_is_one(quoted)} then {marked} end"
            holds = f"{holds} or {_is_one(quoted)}"
        connection.execute(
            f"update {name.quoted} set {quoted} = {value} where {holds}",
            {"pattern": pattern, "mark": rf"\1{_MARK}\2"},
        )


def _others(connection: Connection, own: set[str]) -> list[TableName]:
    """The tables of the file that are not the account's."""
    return [name for name in tables_there(connection) if str(name).lower() not in own]
