"""Every table that can be read, one frozen record each; adding a table is adding one entry.

Records hold no behaviour: what reads, writes or shows a table takes what it needs from its record.
"""

from collections.abc import Mapping
from types import MappingProxyType

from campaign_monitor_assets.catalogue import (
    account,
    campaign_reports,
    campaigns,
    journeys,
    lists,
    subscribers,
)
from campaign_monitor_assets.catalogue.model import (
    INHERITED,
    SYNCED_AT,
    Cadence,
    Column,
    Group,
    Increments,
    Option,
    Shape,
    Table,
)

CATALOGUE: Mapping[str, Table] = MappingProxyType(
    {
        table.name: table
        for module in (account, campaigns, lists, subscribers, campaign_reports, journeys)
        for table in module.TABLES
    }
)
"""The tables by name; a parent stands before its children."""

HOMES: Mapping[str, Table] = MappingProxyType(
    {
        name: next(table for table in CATALOGUE.values() if table.key == (name,))
        for name in INHERITED
    }
)
"""For each key that rows inherit the table that it is the key of."""

__all__ = [
    "CATALOGUE",
    "HOMES",
    "INHERITED",
    "SYNCED_AT",
    "Cadence",
    "Column",
    "Group",
    "Increments",
    "Option",
    "Shape",
    "Table",
]
