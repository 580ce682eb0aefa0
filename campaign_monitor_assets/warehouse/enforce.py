"""What was stored before `privacy` was changed: hashed, left out and cleaned like what comes now.

The rules that a schema's tables were made by stand beside them. Where they differ from those of a
snapshot that is about to be published, all tables of the account are brought under the new ones in
the same transaction: the snapshots, their history and trials. Nothing can be brought back by
loosening them, and tables that are read no more are reached, too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import duckdb

from campaign_monitor_assets.catalogue import CATALOGUE, INHERITED, SYNCED_AT, Column, Table
from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.warehouse.bookkeeping import SYNC_PARENTS, prepare
from campaign_monitor_assets.warehouse.comments import Comments, comments_of, set_comments
from campaign_monitor_assets.warehouse.history import HISTORY_SUFFIX, VALID_FROM, VALID_TO
from campaign_monitor_assets.warehouse.masking import (
    domain_of,
    is_hash,
    masked,
    prepare_hashing,
)
from campaign_monitor_assets.warehouse.names import TRIAL_SUFFIX, TableName
from campaign_monitor_assets.warehouse.privacy import EMAIL_DOMAIN, Action, Privacy
from campaign_monitor_assets.warehouse.quoting import (
    columns_there,
    identifier,
    literal,
    number_of,
    table_exists,
)
from campaign_monitor_assets.warehouse.replacing import replace_by_query
from campaign_monitor_assets.warehouse.spellings import merge_spellings

Connection = duckdb.DuckDBPyConnection

SYNC_PRIVACY = "sync_privacy"
"""One row: the rules that the schema's tables were made by, and what tells hash keys apart."""

_OURS = {column.name for column in (SYNCED_AT, VALID_FROM, VALID_TO)} | set(INHERITED)


def enforce(connection: Connection, schema: str, privacy: Privacy) -> bool:
    """Brings what is stored under the rules, where it was stored under others.

    Args:
        connection: The transaction.
        schema: The schema of the account's snapshots.
        privacy: The rules.

    Returns:
        Whether anything was removed, so that the file has to be written anew.

    Raises:
        ConfigurationError: Addresses are hashed with another key there.
    """
    stored = stored_rules(connection, schema)
    if stored is None and privacy.keeps_everything:
        return False
    rules, key_check = stored or (None, None)
    if key_check and privacy.key_check and key_check != privacy.key_check:
        raise ConfigurationError(
            f"privacy: the addresses in the schema {schema} are hashed with another key than that"
            " of the environment now, and the same address would have two hashes. Nothing was"
            " changed. Set the earlier key again, or choose another `warehouse: {schema: …}` or"
            " `database`, and delete the old one."
        )
    if rules == privacy.rules and (key_check or not privacy.key_check):
        return False
    prepare_hashing(connection, privacy)
    cleaned = [
        _clean(connection, privacy, name, table)
        for name, table in tables_of_account(connection, schema)
    ]
    _record(connection, schema, privacy, key_check)
    return any(cleaned)


def stored_rules(connection: Connection, schema: str) -> tuple[str, str | None] | None:
    """The rules that a schema's tables were made by, and the check of the key; None: no rules."""
    if not table_exists(connection, schema, SYNC_PRIVACY):
        return None
    row = connection.execute(
        f"select rules, key_check from {identifier(schema, SYNC_PRIVACY)}"
    ).fetchone()
    return (row[0], row[1]) if row else None


def tables_of_account(connection: Connection, schema: str) -> Iterator[tuple[TableName, Table]]:
    """The account's tables that are there: snapshots, trials, and the histories of them."""
    for place in (schema, f"{schema}{TRIAL_SUFFIX}"):
        for table in CATALOGUE.values():
            for each in (place, f"{place}{HISTORY_SUFFIX}"):
                if table_exists(connection, each, table.name):
                    yield TableName(each, table.name), table


def _record(connection: Connection, schema: str, privacy: Privacy, key_check: str | None) -> None:
    table = TableName(schema, SYNC_PRIVACY)
    connection.execute(f"create schema if not exists {identifier(schema)}")
    # Of hashes that are there already the key counts, also where no new ones are made.
    key = privacy.key_check or key_check
    rules = f"{literal(privacy.rules)}::varchar as rules"
    check = f"{literal(key) if key else 'null'}::varchar as key_check"
    replace_by_query(connection, table, f"select {rules}, {check}")
    comments = {
        "rules": "What is hashed, left out or cleaned in the tables of this schema.",
        "key_check": "Tells the keys of hashes apart; nothing of the key can be learned from it.",
    }
    set_comments(connection, table, Comments(columns=comments))


def _clean(connection: Connection, privacy: Privacy, name: TableName, table: Table) -> bool:
    """Brings a table under the rules, and says whether there was anything to remove.

    In a history the versions of two spellings of an address stay: the next snapshot ends those
    that it hasn't.
    """
    there = columns_there(connection, name.quoted)
    columns = [_of_column(privacy, table, column, type_) for column, type_ in there.items()]
    tests = [test for _, test in columns if test is not None]
    affected = f"select count(*) from {name.quoted} where {' or '.join(tests)}"
    if not tests or not number_of(connection, affected):
        return False
    chosen = [value for value, _ in columns if value is not None]
    if privacy.has_domain(table.name) and EMAIL_DOMAIN.name not in there:
        after = list(there).index("EmailAddress") + 1
        chosen.insert(after, f"{domain_of('EmailAddress')} as {EMAIL_DOMAIN.name}")
    _replace(connection, name, ", ".join(chosen))
    if VALID_TO.name not in there:
        _log_merged(connection, name, merge_spellings(connection, name.quoted, table, privacy))
    return True


def _log_merged(connection: Connection, name: TableName, merged: Mapping[str, int]) -> None:
    """Corrects what is logged of the parents whose rows were merged."""
    log = name.beside(SYNC_PARENTS)
    if not merged or not table_exists(connection, log.schema, log.table):
        return
    prepare(connection, name.schema)
    connection.executemany(
        f"update {log.quoted} set rows = rows - $number, merged = merged + $number"
        " where table_name = $table and parent = $parent",
        [
            {"table": name.table, "parent": parent, "number": number}
            for parent, number in merged.items()
        ],
    )


def _of_column(
    privacy: Privacy, table: Table, column: str, type_: str
) -> tuple[str | None, str | None]:
    """What becomes of a column that is there, None: it goes; and which rows that changes."""
    value, filled = identifier(column), f"{identifier(column)} is not null"
    if column == EMAIL_DOMAIN.name:
        return (value, None) if privacy.has_domain(table.name) else (None, filled)
    if column in _OURS:
        return value, None
    if column not in table.fields and column not in table.enclosing:
        return (value, None) if privacy.keeps_unknown else (None, filled)
    declared = Column(column, type_, "", personal=True)
    test = _test(privacy, table.name, declared)
    return f"{masked(privacy, table.name, declared, value)} as {value}", test


def _test(privacy: Privacy, table: str, column: Column) -> str | None:
    """Finds the rows in which a column has to be changed, as SQL; None: it stays as it is."""
    value = identifier(column.name)
    action = privacy.action(table, column.name)
    if action is Action.HASH:
        return f"(not {is_hash(value)} and trim({value}) <> '')"
    if action is Action.DROP:
        return f"{value} is not null"
    if action is Action.CLEAN:
        return f"to_json({value}) is distinct from to_json({masked(privacy, table, column, value)})"
    return None


def _replace(connection: Connection, name: TableName, columns: str) -> None:
    """Makes a table anew of some of its own columns, with its comments."""
    comments = comments_of(connection, name)
    replace_by_query(connection, name, f"select {columns} from {name.quoted}")
    there = columns_there(connection, name.quoted)
    of_columns = {column: text for column, text in comments.columns.items() if column in there}
    set_comments(connection, name, replace(comments, columns=of_columns))
