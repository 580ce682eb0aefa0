"""Custom fields as columns: a wide view for each list, typed by the definitions of its fields."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from campaign_monitor_assets.analytics.model import Made, Shown, View
from campaign_monitor_assets.analytics.subscribers import STATES
from campaign_monitor_assets.catalogue import Column
from campaign_monitor_assets.catalogue.model import text, texts
from campaign_monitor_assets.catalogue.subscribers import COLUMNS
from campaign_monitor_assets.warehouse.quoting import identifier, literal, table_exists

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

_BASE = tuple(
    column
    for column in COLUMNS
    if column.name in {"EmailAddress", "Name", "State", "Date", "ListJoinedDate"}
)
_DATE_FORMATS = (
    "['%Y/%m/%d', '%Y-%m-%d', '%Y/%m/%d %H:%M:%S', '%Y-%m-%d %H:%M:%S', '%Y-%m-%d %H:%M']"
)
_TYPES = {"Number": "DOUBLE", "Date": "DATE", "MultiSelectMany": "VARCHAR[]"}
_LONGEST_SLUG = 40
_SHORT_ID = 8
_MOST_SHOWN = 50


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


def create_views(
    connection: duckdb.DuckDBPyConnection, schema: str, names: Mapping[str, str]
) -> Made:
    """Makes a view for each list and the table that names them; drops those of deleted lists."""
    wides = _plan(connection, names)
    dropped = _drop_gone(connection, schema, {wide.name for wide in wides})
    for wide in wides:
        _create(connection, schema, names, wide)
    connection.execute(
        f"create or replace table {identifier(schema, LIST_CUSTOM_FIELD_VIEWS.name)} as"
        " select unnest($1::varchar[]) as ViewName, unnest($2::varchar[]) as ClientID,"
        " unnest($3::varchar[]) as ListID, unnest($4::varchar[]) as ListName,"
        " unnest($5::varchar[][]) as Fields",
        [
            [wide.name for wide in wides],
            [wide.client for wide in wides],
            [wide.list_id for wide in wides],
            [wide.list_name for wide in wides],
            [list(wide.fields) for wide in wides],
        ],
    )
    return Made(shown=_misfits(connection, names, wides), dropped=tuple(sorted(dropped)))


def _plan(connection: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> list[Wide]:
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
    taken = {column.name.lower() for column in _BASE}
    columns = {}
    for field in fields:
        column = "".join(char if char.isprintable() else "_" for char in field.name) or "_"
        # DuckDB's names differ in more than case.
        while column.lower() in taken:
            column += "_"
        taken.add(column.lower())
        columns[column] = field
    return columns


def _keys(fields: Mapping[str, Field]) -> dict[str, str]:
    """The column of each key that a subscriber's CustomFields may give.

    Where the name of one field is the key of another, it is the name that counts.
    """
    keys: dict[str, str] = {}
    spelled = [(column, field.spellings) for column, field in fields.items()]
    for rank in range(3):
        for column, spellings in spelled:
            keys.setdefault(spellings[rank], column)
    return keys


def _create(
    connection: duckdb.DuckDBPyConnection, schema: str, names: Mapping[str, str], wide: Wide
) -> None:
    keys = _keys(wide.fields)
    base = ", ".join(
        f"{identifier(column.name)}::{column.type} as {identifier(column.name)}" for column in _BASE
    )
    values = "".join(
        f", {_value(field, [key for key, of in keys.items() if of == column])}"
        f" as {identifier(column)}"
        for column, field in wide.fields.items()
    )
    rows = " union all ".join(
        f"select {', '.join(identifier(column.name) for column in _BASE)}, CustomFields"
        f" from {names[state]} where ListID = {literal(wide.list_id)}"
        for state in STATES
    )
    view = identifier(schema, wide.name)
    connection.execute(f"create or replace view {view} as select {base}{values} from ({rows})")
    comment = f"The subscribers of the list {wide.list_name!r}, with its custom fields as columns."
    connection.execute(f"comment on view {view} is {literal(comment)}")
    for column in [
        *_BASE,
        *(
            Column(
                name, field.type, f"The custom field {field.name!r}, a {field.kind}.", personal=True
            )
            for name, field in wide.fields.items()
        ),
    ]:
        connection.execute(
            f"comment on column {view}.{identifier(column.name)} is {literal(column.description)}"
        )


def _value(field: Field, keys: Sequence[str]) -> str:
    wanted = ", ".join(literal(key) for key in keys)
    values = f"list_filter(CustomFields, lambda field: field.Key in ({wanted}))"
    if field.type == "VARCHAR[]":
        return f"list_transform({values}, lambda field: field.Value)"
    return _typed(field.type, f"({values})[1].Value")


def _typed(type_: str, raw: str) -> str:
    if type_ == "DOUBLE":
        return f"try_cast({raw} as double)"
    if type_ == "DATE":
        return f"cast(try_strptime({raw}, {_DATE_FORMATS}) as date)"
    return raw


def _drop_gone(connection: duckdb.DuckDBPyConnection, schema: str, wanted: set[str]) -> list[str]:
    registry = LIST_CUSTOM_FIELD_VIEWS.name
    if not table_exists(connection, schema, registry):
        return []
    # Only what was made here is dropped, so that a view of the user's own is safe.
    made = connection.execute(f"select ViewName from {identifier(schema, registry)}").fetchall()
    gone = [name for (name,) in made if name not in wanted]
    for name in gone:
        connection.execute(f"drop view if exists {identifier(schema, name)}")
    return gone


def _misfits(
    connection: duckdb.DuckDBPyConnection, names: Mapping[str, str], wides: Sequence[Wide]
) -> dict[str, Shown]:
    """What the views don't show: values without a field, and values that don't fit their field."""
    keys = [
        (wide.list_id, key, wide.fields[column].type)
        for wide in wides
        for key, column in _keys(wide.fields).items()
    ]
    everyone = " union all ".join(
        f"select ListID, unnest(CustomFields) as field from {names[state]}" for state in STATES
    )
    rows = connection.execute(
        "with known as (select unnest($1::varchar[]) as ListID, unnest($2::varchar[]) as Key,"
        f" unnest($3::varchar[]) as Type), given as (select ListID, field.Key as Key,"
        f" field.Value as Value from ({everyone})) select Type is not null as Known, given.ListID,"
        " given.Key, count(*) from given left join known using (ListID, Key) where Type is null"
        " or (Value <> '' and case Type"
        f" when 'DOUBLE' then {_typed('DOUBLE', 'Value')} is null"
        f" when 'DATE' then {_typed('DATE', 'Value')} is null else false end)"
        " group by all order by count(*) desc, given.ListID, given.Key",
        [list(column) for column in zip(*keys, strict=True)] if keys else [[], [], []],
    ).fetchall()
    found: dict[str, Shown] = {}
    for name, known in (("values_without_field", False), ("values_that_do_not_fit", True)):
        cells = [row[1:] for row in rows if row[0] is known]
        if cells:
            found[name] = Shown(("list", "key", "values"), tuple(cells[:_MOST_SHOWN]))
    return found
