"""Whether anything changed that a view's figures depend on, without counting its rows again."""

import hashlib
import re
from collections.abc import Iterator
from typing import Final

from campaign_monitor_assets.analytics import ALL_VIEWS, View
from campaign_monitor_assets.analytics.create import version_of
from campaign_monitor_assets.analytics.custom_fields import LIST_CUSTOM_FIELD_VIEWS
from campaign_monitor_assets.analytics.relations import Place
from campaign_monitor_assets.warehouse.bookkeeping import SYNC_LOG
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.quoting import literal
from campaign_monitor_assets.warehouse.state import last_forgotten

_OF_THE_MOMENT: Final = re.compile(r"current_|\bnow\(|\btoday\(|sync_log", re.IGNORECASE)
"""What gives other rows tomorrow, though no table changes."""


def state_of(place: Place, view: View, besides: str) -> str | None:
    """A word that changes with all that a view's figures depend on.

    Those are its SQL, the columns that stand in DuckDB, and the last snapshot of each of its tables
    that wrote anything, by way of the views that it needs too.

    Args:
        place: Where the view is.
        view: The view.
        besides: What else they depend on.

    Returns:
        None where they depend on more, such as the day, a history or the log, or it isn't there.
    """
    read = list(_with_needed(view))
    if any(_depends_on_more(each) or not place.exists(each.name) for each in read):
        return None
    if not place.exists(SYNC_LOG):
        return None
    tables = {name for each in read for name in (*each.needs, *each.optional)} - set(ALL_VIEWS)
    log = TableName(place.tables, SYNC_LOG).quoted
    execute = place.connection.execute
    snapshots = execute(
        "select table_name, max(snapshot) filter (where coalesce(inserted, 1)"
        f" + coalesce(updated, 1) + coalesce(deleted, 1) > 0) from {log}"
        f" where table_name in ({_listed(tables)}) group by all order by all"
    ).fetchall()
    named = _listed(tables | {each.name for each in read})
    columns = execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() where"
        f" schema_name in ({_listed({place.tables, place.views})}) and table_name in ({named})"
        " order by all"
    ).fetchall()
    versions = [(each.name, version_of(each), dict(each.shows)) for each in read]
    forgotten = last_forgotten(place.connection, place.tables)
    told = (besides, versions, columns, snapshots, forgotten)
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def _with_needed(view: View) -> Iterator[View]:
    yield view
    for name in view.needs:
        if name in ALL_VIEWS:
            yield from _with_needed(ALL_VIEWS[name])


def _depends_on_more(view: View) -> bool:
    if view is LIST_CUSTOM_FIELD_VIEWS or view.history or view.optional_history:
        return True
    return any(_OF_THE_MOMENT.search(sql) for sql in (view.sql, *view.shows.values()))


def _listed(names: set[str]) -> str:
    return ", ".join(map(literal, sorted(names))) or "''"
