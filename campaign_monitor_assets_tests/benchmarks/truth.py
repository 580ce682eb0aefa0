"""Whether a reader brought home what the sandbox holds: a fast reader that loses rows loses."""

import urllib.request
from dataclasses import dataclass
from pathlib import Path

import duckdb
import msgspec

from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.benchmarks.readers import OURS, Reader

MOST_COMPARED = 1_000_000
"""Rows. To compare more would need gigabytes; then rows and addresses are only counted."""


@dataclass(frozen=True)
class Fingerprint:
    """How many rows there are, of how many subscribers, and a sum over what they say.

    Attributes:
        rows: The rows.
        subscribers: Combinations of list and address.
        content: The sum of the hashes of list, address, date and custom fields; None: not known.
    """

    rows: int
    subscribers: int
    content: int | None

    def agrees(self, other: "Fingerprint") -> bool:
        """Whether the two are of the same rows, as far as both are known."""
        same = (self.rows, self.subscribers) == (other.rows, other.subscribers)
        return same and (self.content == other.content or None in (self.content, other.content))


class _Subscriber(msgspec.Struct):
    EmailAddress: str
    Date: str
    CustomFields: msgspec.Raw


def of_sandbox(box: Sandbox, rows: int, folder: Path) -> Fingerprint:
    """What the sandbox holds, asked of its controls and not of the API that the readers ask."""
    if rows > MOST_COMPARED:
        return Fingerprint(rows, rows, None)
    url = f"{box.root}/_sandbox/account?collection=active_subscribers"
    with urllib.request.urlopen(url) as answer:
        body = answer.read()
    lists = msgspec.json.decode(body, type=dict[str, dict[str, list[_Subscriber]]])
    path, encoder = folder / "truth.ndjson", msgspec.json.Encoder()
    with path.open("wb") as file:
        for identifier, subscribers in lists["active_subscribers"].items():
            file.write(
                encoder.encode_lines({"ListID": identifier, "row": each} for each in subscribers)
            )
    fields = 'STRUCT("Key" VARCHAR, "Value" VARCHAR)[]'
    table = (
        f"(select ListID, unnest(row) from read_json('{path}', format = 'newline_delimited',"
        " columns = {ListID: 'VARCHAR', row:"
        f" 'STRUCT(EmailAddress VARCHAR, Date TIMESTAMP, CustomFields {fields})'}}))"
    )
    with duckdb.connect() as connection:
        return _fingerprint(connection, table, OURS.columns or "", compare=True)


def of_database(path: Path, reader: Reader, rows: int) -> Fingerprint:
    """What a reader has put into its DuckDB file."""
    with duckdb.connect(str(path), read_only=True) as connection:
        table = "campaign_monitor.active_subscribers"
        return _fingerprint(connection, table, reader.columns or "", compare=rows <= MOST_COMPARED)


def _fingerprint(
    connection: duckdb.DuckDBPyConnection, table: str, columns: str, *, compare: bool
) -> Fingerprint:
    content = "sum(hash(list, address, date, fields)::hugeint)" if compare else "null"
    row = connection.execute(
        f"with found(list, address, date, fields) as (select {columns} from {table})"
        f" select count(*), count(distinct (list, address)), {content} from found"
    ).fetchone()
    assert row is not None
    return Fingerprint(*row)
