"""Hashing and leaving out, in SQL: what a value of a column becomes before it is stored.

A hash is an HMAC with SHA-256 of the address in small letters and without blanks around it, in
hexadecimal digits. The key never stands in a statement: its two pads are in a temporary table of
the connection, so that neither an error nor a profile of DuckDB can quote it.
"""

import hashlib
from typing import Final

import duckdb

from campaign_monitor_assets.catalogue import Column
from campaign_monitor_assets.warehouse.privacy import Action, Privacy
from campaign_monitor_assets.warehouse.quoting import identifier, literal

_BLOCK: Final = 64
"""Bytes of a block of SHA-256."""

_PADS: Final = "temp.hash_pads"
_HASH_FORM: Final = "[0-9a-f]{64}"


def prepare_hashing(connection: duckdb.DuckDBPyConnection, privacy: Privacy) -> None:
    """Gives the connection what hashes need, for as long as it is open."""
    if privacy.key is None:
        return
    key = privacy.key if len(privacy.key) <= _BLOCK else hashlib.sha256(privacy.key).digest()
    inner, outer = (bytes(byte ^ pad for byte in key.ljust(_BLOCK, b"\0")) for pad in (0x36, 0x5C))
    connection.execute(
        f"create or replace temp table {_PADS} as"
        " select ?::blob as inner_pad, ?::blob as outer_pad",
        [inner, outer],
    )


def normalized(value: str) -> str:
    """An address as all of its spellings have it, as SQL."""
    return f"lower(trim({value}))"


def hashed(value: str) -> str:
    """The hash of an address, as SQL; NULL and blank ones stay as they are."""
    inner = f"(select inner_pad from {_PADS}) || encode({normalized(value)})"
    outer = f"(select outer_pad from {_PADS}) || unhex(sha256({inner}))"
    return f"case when trim({value}) = '' then '' when {value} is not null then sha256({outer}) end"


def is_hash(value: str) -> str:
    """Whether a text has the form of a hash, as SQL."""
    return f"regexp_full_match({value}, '{_HASH_FORM}')"


def masked(privacy: Privacy, table: str, column: Column, value: str) -> str:
    """What becomes of a value that stands for a column, as SQL.

    What is masked already stays as it is, so that this can be done to stored values, too.
    """
    action = privacy.action(table, column.name)
    if action is Action.DROP:
        return f"null::{column.type}"
    if action is Action.HASH:
        return _hashed_once(value)
    if action is Action.CLEAN:
        return _cleaned_fields(privacy, value) if column.name == "CustomFields" else _cleaned(value)
    return value


def domain_of(value: str) -> str:
    """The domain of an address, as SQL; NULL where it has none, or is hashed."""
    return rf"nullif(regexp_extract({normalized(value)}, '@([^@\s]+)$', 1), '')"


def _hashed_once(value: str) -> str:
    return f"case when {is_hash(value)} then {value} else {hashed(value)} end"


def _cleaned_fields(privacy: Privacy, value: str) -> str:
    kept = ", ".join(literal(name) for name in sorted(privacy.custom_fields)) or "null"
    # As `field_name` has it.
    name = r"lower(trim(regexp_replace(trim(field.Key), '^\[|\]$', '', 'g')))"
    return f"list_filter({value}, lambda field: coalesce({name} in ({kept}), false))"


def _cleaned(details: str) -> str:
    """The company's details without the person who is its contact."""
    address = f"{details}.{identifier('EmailAddress')}"
    return (
        f"case when {details} is not null then struct_update({details},"
        f" ContactName := null::varchar, EmailAddress := {_hashed_once(address)}) end"
    )
