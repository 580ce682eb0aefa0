"""Answers that need no modelling: views beside the tables, in a schema and as assets of their own.

Views and not tables: a view shows the snapshots as they are at this moment, so it can't be older
than the tables or mix two of their states, costs no space and need not be materialized again after
every sync. DuckDB binds it by name at each query, so it outlives the replacement of its tables; its
SQL names every column and casts each to the type that is declared here, so a column that the API
adds, or one that changes its type, doesn't invalidate it.
"""

from collections.abc import Mapping

from campaign_monitor_assets.analytics import (
    audience,
    campaigns,
    custom_fields,
    history,
    results,
    subscribers,
    times,
)
from campaign_monitor_assets.analytics.model import View

__all__ = ["ALL_VIEWS", "HISTORY_VIEWS", "VIEWS", "View"]

VIEWS: Mapping[str, View] = {
    view.name: view
    for view in (
        *campaigns.VIEWS,
        *subscribers.VIEWS,
        *results.VIEWS,
        *audience.VIEWS,
        *times.VIEWS,
        custom_fields.LIST_CUSTOM_FIELD_VIEWS,
    )
}
"""The views by name; each stands after the views that it needs."""

HISTORY_VIEWS: Mapping[str, View] = {view.name: view for view in history.VIEWS}
"""Those that read histories, and so are there only where these are kept."""

ALL_VIEWS: Mapping[str, View] = {**VIEWS, **HISTORY_VIEWS}
"""All views by name; each stands after the views that it needs."""
