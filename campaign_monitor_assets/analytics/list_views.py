"""Makes a wide view for each list, with the list's custom fields as columns."""

from collections.abc import Mapping, Sequence

import duckdb

from campaign_monitor_assets.analytics.custom_fields import (
    BASE,
    LIST_CUSTOM_FIELD_VIEWS,
    Field,
    Wide,
    keys_of,
    plan,
)
from campaign_monitor_assets.analytics.model import FRAGMENTS, Made, Shown
from campaign_monitor_assets.analytics.subscribers import STATES
from campaign_monitor_assets.catalogue import Column
from campaign_monitor_assets.warehouse.comments import comment_on_view
from campaign_monitor_assets.warehouse.quoting import identifier, literal, table_exists

_DATE_FORMATS = (
    "['%Y/%m/%d', '%Y-%m-%d', '%Y/%m/%d %H:%M:%S', '%Y-%m-%d %H:%M:%S', '%Y-%m-%d %H:%M']"
)
_MOST_SHOWN = 50


def create_views(
    connection: duckdb.DuckDBPyConnection, schema: str, names: Mapping[str, str]
) -> Made:
    """Makes a view for each list and the table that names them; drops those of deleted lists."""
    wides = plan(connection, names)
    dropped = _drop_gone(connection, schema, {wide.name for wide in wides})
    for wide in wides:
        _create(connection, schema, names, wide)
    connection.execute(
        f"create or replace table {identifier(schema, LIST_CUSTOM_FIELD_VIEWS.name)} as"
        f" select unnest({literal([wide.name for wide in wides])}::varchar[]) as ViewName,"
        f" unnest({literal([wide.client for wide in wides])}::varchar[]) as ClientID,"
        f" unnest({literal([wide.list_id for wide in wides])}::varchar[]) as ListID,"
        f" unnest({literal([wide.list_name for wide in wides])}::varchar[]) as ListName,"
        f" unnest({literal([[*wide.fields] for wide in wides])}::varchar[][]) as Fields"
    )
    return Made(shown=_misfits(connection, names, wides), dropped=tuple(sorted(dropped)))


def _create(
    connection: duckdb.DuckDBPyConnection, schema: str, names: Mapping[str, str], wide: Wide
) -> None:
    keys = keys_of(wide.fields)
    base = ", ".join(
        f"{identifier(column.name)}::{column.type} as {identifier(column.name)}" for column in BASE
    )
    values = "".join(
        f", {_value(field, [key for key, of in keys.items() if of == column])}"
        f" as {identifier(column)}"
        for column, field in wide.fields.items()
    )
    rows = " union all ".join(
        f"select {', '.join(identifier(column.name) for column in BASE)}, CustomFields"
        f" from {names[state]} where ListID = {literal(wide.list_id)}"
        for state in STATES
    )
    view = identifier(schema, wide.name)
    connection.execute(
        f"create or replace view {view} as select {base}{values} from ({rows}) qualify"
        f" row_number() over (partition by {FRAGMENTS['{address}']} order by Date desc nulls last)"
        " = 1"
    )
    _comment(connection, view, wide)


def _comment(connection: duckdb.DuckDBPyConnection, view: str, wide: Wide) -> None:
    comment = f"The subscribers of the list {wide.list_name!r}, with its custom fields as columns."
    fields = [
        Column(name, field.type, f"The custom field {field.name!r}, a {field.kind}.", personal=True)
        for name, field in wide.fields.items()
    ]
    comment_on_view(connection, view, comment, (*BASE, *fields))


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
    fields = [
        (wide.list_id, key, wide.fields[column].type)
        for wide in wides
        for key, column in keys_of(wide.fields).items()
    ]
    ids, keys, types = (literal([field[place] for field in fields]) for place in range(3))
    everyone = " union all ".join(
        f"select ListID, unnest(CustomFields) as field from {names[state]}" for state in STATES
    )
    rows = connection.execute(
        f"with known as (select unnest({ids}::varchar[]) as ListID,"
        f" unnest({keys}::varchar[]) as Key, unnest({types}::varchar[]) as Type),"
        " given as (select ListID, field.Key as Key, field.Value as Value"
        f" from ({everyone})) select Type is not null as Known, given.ListID, given.Key, count(*)"
        " from given left join known using (ListID, Key) where Type is null"
        " or (Value <> '' and case Type"
        f" when 'DOUBLE' then {_typed('DOUBLE', 'Value')} is null"
        f" when 'DATE' then {_typed('DATE', 'Value')} is null else false end)"
        " group by all order by count(*) desc, given.ListID, given.Key"
    ).fetchall()
    found: dict[str, Shown] = {}
    for name, known in (("values_without_field", False), ("values_that_do_not_fit", True)):
        cells = [row[1:] for row in rows if row[0] is known]
        if cells:
            found[name] = Shown(("list", "key", "values"), tuple(cells[:_MOST_SHOWN]))
    return found
