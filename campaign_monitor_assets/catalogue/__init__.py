"""Every table that can be read, one frozen record each. Adding a table is adding one entry."""

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

__all__ = [
    "CATALOGUE",
    "INHERITED",
    "SYNCED_AT",
    "Cadence",
    "Column",
    "Group",
    "Option",
    "Shape",
    "Table",
]
