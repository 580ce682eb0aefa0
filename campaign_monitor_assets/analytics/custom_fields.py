"""Custom fields as columns: a wide view for each list, typed by the definitions of its fields."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from campaign_monitor_assets.analytics.model import View
from campaign_monitor_assets.analytics.subscribers import STATES
from campaign_monitor_assets.catalogue.model import text, texts
from campaign_monitor_assets.catalogue.subscribers import COLUMNS

LIST_CUSTOM_FIELD_VIEWS = View(
    name="list_custom_field_views",
    description="The views that hold the subscribers of one list each, with its custom fields as"
    " columns: text, DOUBLE for numbers, DATE for dates, VARCHAR[] where several values can be"
    " chosen. A value that doesn't fit its field's type is NULL there; CustomFields of the"
    " subscribers' tables has it. Materialize this after a list or a field was added, renamed or"
    " removed: views of lists that are gone are dropped.",
    needs=("lists", "list_custom_fields", *STATES),
    columns=(
        text(
            "ViewName",
            "The view: `fields_`, the list's name, the beginning of its identifier.",
            personal=False,
        ),
        text("ClientID", "The client that the list belongs to.", personal=False),
        text("ListID", "The list's identifier.", personal=False),
        text("ListName", "The list's name.", personal=False),
        texts("Fields", "The view's columns that hold custom fields.", personal=False),
    ),
    shows={
        "views": 'select ViewName as "view", ListName as "list", len(Fields) as "fields"'
        " from {list_custom_field_views} order by all limit 50"
    },
)

BASE = tuple(
    column
    for column in COLUMNS
    if column.name in {"EmailAddress", "Name", "State", "Date", "ListJoinedDate"}
)
_TYPES = {"Number": "DOUBLE", "Date": "DATE", "MultiSelectMany": "VARCHAR[]"}
_LONGEST_SLUG = 40
_SHORT_ID = 8


@dataclass(frozen=True)
class Field:
    """A custom field of one list.

    Attributes:
        name: The field's name as people see it.
        key: The field's key within the list, in square brackets.
        kind: What it holds, as the API calls it.
    """

    name: str
    key: str
    kind: str

    @property
    def type(self) -> str:
        """The type of its column."""
        return _TYPES.get(self.kind, "VARCHAR")

    @property
    def spellings(self) -> tuple[str, str, str]:
        """How a subscriber's CustomFields may call it, the surest first."""
        return self.name, self.key.removeprefix("[").removesuffix("]"), self.key


@dataclass(frozen=True)
class Wide:
    """A wide view to be made: its list, and the list's fields by the column that holds each."""

    name: str
    client: str
    list_id: str
    list_name: str
    fields: Mapping[str, Field]


def plan(connection: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> list[Wide]:
    """The wide views that the lists and their fields ask for."""
    fields: dict[str, list[Field]] = {}
    for list_id, *field in connection.execute(
        f"select ListID, coalesce(FieldName, Key), Key, DataType from {names['list_custom_fields']}"
        " order by all"
    ).fetchall():
        fields.setdefault(list_id, []).append(Field(*field))
    taken: set[str] = set()
    return [
        Wide(
            _view_name(list_id, list_name, taken),
            client,
            list_id,
            list_name,
            _columns(fields.get(list_id, ())),
        )
        for client, list_id, list_name in connection.execute(
            f"select ClientID, ListID, coalesce(Name, '') from {names['lists']} order by ListID"
        ).fetchall()
    ]


def _view_name(list_id: str, list_name: str, taken: set[str]) -> str:
    name = f"fields_{_slug(list_name)[:_LONGEST_SLUG].strip('_') or 'list'}"
    short = f"{name}_{_slug(list_id)[:_SHORT_ID]}"
    # Identifiers are as good as random, but opaque: nothing says that their beginnings differ.
    found = short if short not in taken else f"{name}_{_slug(list_id)}"
    while found in taken:
        found += "_"
    taken.add(found)
    return found


def _slug(value: str) -> str:
    """What of a text needs no quotes in SQL: `Kunden & Gäste` becomes `kunden_gaste`."""
    plain = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def _columns(fields: Sequence[Field]) -> dict[str, Field]:
    taken = {column.name.lower() for column in BASE}
    columns = {}
    for field in fields:
        column = "".join(char if char.isprintable() else "_" for char in field.name) or "_"
        # DuckDB's names differ in more than case.
        while column.lower() in taken:
            column += "_"
        taken.add(column.lower())
        columns[column] = field
    return columns


def keys_of(fields: Mapping[str, Field]) -> dict[str, str]:
    """The column of each key that a subscriber's CustomFields may give.

    Where the name of one field is the key of another, it is the name that counts.
    """
    keys: dict[str, str] = {}
    spelled = [(column, field.spellings) for column, field in fields.items()]
    for rank in range(3):
        for column, spellings in spelled:
            keys.setdefault(spellings[rank], column)
    return keys
