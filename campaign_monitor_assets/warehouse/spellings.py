"""Rows whose keys differ in nothing but an address's spelling: hashed, they are one."""

from collections.abc import Mapping

import duckdb

from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.warehouse.difference import Relation, values_of
from campaign_monitor_assets.warehouse.keys import suspected_rows
from campaign_monitor_assets.warehouse.privacy import Action, Privacy
from campaign_monitor_assets.warehouse.quoting import identifier, identifiers

Connection = duckdb.DuckDBPyConnection


def merge_spellings(
    connection: Connection, relation: str, table: Table, privacy: Privacy
) -> Mapping[str, int]:
    """Leaves the newest row of those whose keys are alike since an address in them was hashed.

    Args:
        connection: The transaction.
        relation: The quoted name of the rows' table.
        table: The catalogue's entry.
        privacy: The rules by which the rows are hashed already.

    Returns:
        For each parent's key how many rows were left out.
    """
    if not any(privacy.action(table.name, name) is Action.HASH for name in table.key):
        return {}
    suspects = suspected_rows(connection, relation, table.key)
    if suspects is None:
        return {}
    rows = Relation.of(connection, relation)
    # Of two of the same time it has to be the same one at each sync.
    newest = rows.row_hash(values_of(rows))
    if "Date" in table.fields:
        newest = f"Date desc nulls last, {newest}"
    parent = identifier(table.parent_key) if table.parent_key else "''"
    connection.execute(
        f"create or replace temp table spellings as select rowid as row, {parent} as parent"
        f" from {relation} where {suspects} qualify row_number()"
        f" over (partition by {identifiers(table.key)} order by {newest}) > 1"
    )
    merged = connection.execute(
        "select parent, count(*) from temp.spellings group by all order by all"
    ).fetchall()
    connection.execute(f"delete from {relation} where rowid in (select row from temp.spellings)")
    connection.execute("drop table temp.spellings")
    return dict(merged)
