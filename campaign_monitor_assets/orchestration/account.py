"""How the assets of one account are named and grouped in a code location."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import dagster as dg

from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.extract.incremental import FULL_REFRESH_DAYS
from campaign_monitor_assets.staging.records import SyncMethod
from campaign_monitor_assets.warehouse.privacy import KEEP_ALL, Privacy
from campaign_monitor_assets.warehouse.settings import WarehouseSettings

DEFAULT_PREFIX: Final = "campaign_monitor"
"""The asset key prefix of an account that stands alone."""
ANALYTICS: Final = "analytics"
"""The group of the views, which the catalogue's tables are not in."""


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
        sync_methods: For a table how it is read; in full where nothing is said.
        full_refresh_days: Within how many days an incrementally read collection is read in full.
        executor: What jobs and schedules are executed by; None: the executor of the user's project.
        warn_drop_percent: The deepest fall of a table's rows that its check lets pass.
        privacy: What becomes of personal data, which the columns' descriptions tell.
        blocking_checks: Whether a check that fails at ERROR fails its step.
        schema_was: The schema that earlier versions would have chosen, where it is another.
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
    sync_methods: Mapping[str, str] = field(default_factory=dict)
    full_refresh_days: float = FULL_REFRESH_DAYS
    executor: dg.ExecutorDefinition | None = dg.in_process_executor
    warn_drop_percent: float = WarehouseSettings.model_fields["warn_drop_percent"].default
    privacy: Privacy = KEEP_ALL
    schema_was: str | None = None
    blocking_checks: bool = False

    @property
    def name(self) -> str:
        """The key prefix as one word, which the names of ops, jobs and schedules begin with."""
        return "_".join(self.key_prefix)

    def key(self, table: str) -> dg.AssetKey:
        """The key of a table's asset."""
        return dg.AssetKey([*self.key_prefix, table])

    def group(self, table: Table) -> str:
        """The group of a table's asset."""
        return self.group_names.get(table.group) or self._group(table.group)

    @property
    def views_group(self) -> str:
        """The group of the views."""
        return self._group(ANALYTICS)

    def _group(self, name: str) -> str:
        # An account alone keeps the plain names; those of several are told apart by their prefixes.
        return str(name) if self.name == DEFAULT_PREFIX else f"{self.name}_{name}"

    def is_incremental(self, table: str) -> bool:
        """Whether a table is read incrementally."""
        return self.sync_methods.get(table) == SyncMethod.INCREMENTAL

    def job(
        self,
        name: str,
        selection: dg.AssetSelection,
        description: str,
        tags: Mapping[str, str] = MappingProxyType({}),
    ) -> Any:
        """A job of the account's assets, executed as its user wishes, with further tags."""
        return dg.define_asset_job(
            f"{self.name}_{name}",
            selection,
            description=description,
            # Not run_tags: `dagster job launch` gives those to no run.
            tags={**self.tags, **tags},
            executor_def=self.executor,
        )

    def job_of_op(self, op: dg.OpDefinition, name: str, description: str) -> dg.JobDefinition:
        """A job of one op that is no asset's, executed as the account's other jobs."""

        @dg.job(
            name=name,
            description=description,
            tags=dict(self.tags),
            executor_def=self.executor,
        )
        def job() -> None:
            op()

        return job
