"""How the assets of one account are named and grouped in a code location."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from campaign_monitor_assets.catalogue import Table


@dataclass(frozen=True, kw_only=True)
class Account:
    """How the assets of one account stand in a code location.

    Attributes:
        key_prefix: What stands before the table's name in an asset's key.
        schema: The schema of the tables in DuckDB.
        api_resource: The key of the API resource.
        warehouse: The key of the warehouse resource.
        io_manager: The key of the IO manager.
        pool: The pool that keeps the assets of an account from reading at once; None: none.
        group_names: The groups' names where they shall be others than the catalogue's.
        owners: The owners of the assets.
        tags: Tags of the assets.
        freshness: For each table when it is expected.
        windows: For a campaign report how many days after sending it is read again.
    """

    key_prefix: tuple[str, ...] = ("campaign_monitor",)
    schema: str = "campaign_monitor"
    api_resource: str = "campaign_monitor_api"
    warehouse: str = "campaign_monitor_warehouse"
    io_manager: str = "campaign_monitor_io_manager"
    pool: str | None = "campaign_monitor"
    group_names: Mapping[str, str] = field(default_factory=dict)
    owners: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    freshness: Mapping[str, dg.FreshnessPolicy] = field(default_factory=dict)
    windows: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The key prefix as one word, which the names of ops, jobs and schedules begin with."""
        return "_".join(self.key_prefix)

    def key(self, table: str) -> dg.AssetKey:
        """The key of a table's asset."""
        return dg.AssetKey([*self.key_prefix, table])

    def group(self, table: Table) -> str:
        """The group of a table's asset."""
        return self.group_names.get(table.group, str(table.group))
