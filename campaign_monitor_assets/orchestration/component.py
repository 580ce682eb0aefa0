"""The Dagster component: from a few lines of YAML to the definitions of one account."""

import os
from collections.abc import Mapping
from types import ModuleType

import dagster as dg

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.errors import AttributeRefusedError, ConfigurationError
from campaign_monitor_assets.orchestration.account import ANALYTICS, DEFAULT_PREFIX, Account
from campaign_monitor_assets.orchestration.account_attributes import AccountAttributes, Described
from campaign_monitor_assets.orchestration.alert_sensors import build_alert_sensors
from campaign_monitor_assets.orchestration.assets import build_assets
from campaign_monitor_assets.orchestration.checks import build_checks_against_stats
from campaign_monitor_assets.orchestration.choices import (
    checked_prefix,
    chosen_frequencies,
    chosen_tables,
)
from campaign_monitor_assets.orchestration.io_manager import SnapshotIOManager
from campaign_monitor_assets.orchestration.jobs import build_jobs
from campaign_monitor_assets.orchestration.maintenance import build_maintenance
from campaign_monitor_assets.orchestration.resource import CampaignMonitorResource
from campaign_monitor_assets.orchestration.run_problems import watched_of
from campaign_monitor_assets.orchestration.scaffolding import AccountScaffolder
from campaign_monitor_assets.orchestration.schedules import (
    Frequency,
    build_schedules,
    freshness_policy,
)
from campaign_monitor_assets.orchestration.views import build_analytics, chosen_views
from campaign_monitor_assets.orchestration.warehouse import WarehouseResource


@dg.scaffold_with(AccountScaffolder)
class CampaignMonitorComponent(dg.Component, AccountAttributes):
    """A Campaign Monitor account in DuckDB: assets, checks, schedules, jobs and resources."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The definitions of the account.

        Raises:
            ConfigurationError: A setting is not accepted.
        """
        self.require_possible()
        _require_own_place(self, context)
        tables = chosen_tables(self.tables)
        frequencies = chosen_frequencies(self.frequencies, tables)
        account = self._account(frequencies)
        history = self.warehouse.history
        views = chosen_views(tables, history, account.privacy) if self.analytics else []
        view_assets, view_checks = build_analytics(views, tables, account, self.schema_of_views)
        warehouse = self.warehouse_resource()
        assets = [self._translated(each) for each in (*build_assets(tables, account), *view_assets)]
        checks = [*build_checks_against_stats(tables, account), *view_checks]
        schedules = build_schedules(
            frequencies, views, account, timezone=self.timezone, running=self.schedules_running
        )
        maintenance_jobs, maintenance_schedules = build_maintenance(
            account, self.warehouse, timezone=self.timezone, running=self.schedules_running
        )
        schedules += maintenance_schedules
        jobs = [*build_jobs(tables, views, account), *maintenance_jobs]
        watched = watched_of(self.name, self.notify, assets, checks, [*jobs, *schedules])
        return dg.Definitions(
            assets=assets,
            asset_checks=checks,
            schedules=schedules,
            sensors=build_alert_sensors(watched),
            jobs=jobs,
            resources={
                account.api_resource: self.api_resource(),
                account.warehouse: warehouse,
                account.io_manager: SnapshotIOManager(warehouse=warehouse),
            },
        )

    def _account(self, frequencies: Mapping[str, Frequency | None]) -> Account:
        name, privacy = self.name, self.privacy.resolve(os.environ)
        return Account(
            key_prefix=checked_prefix(self.key_prefix),
            schema=self.schema_of_tables,
            api_resource=f"{name}_api",
            warehouse=f"{name}_warehouse",
            io_manager=f"{name}_io_manager",
            pool=self.pool or name,
            group_names=self.group_names,
            owners=self.owners,
            tags=self.tags,
            windows=self.report_windows,
            sync_methods=self.sync_methods,
            full_refresh_days=self.full_refresh_days,
            privacy=privacy,
            blocking_checks=self.blocking_checks,
            executor=dg.in_process_executor if self.executor == "in_process" else None,
            warn_drop_percent=self.warehouse.warn_drop_percent,
            schema_was=None if self.warehouse.schema_ or name == DEFAULT_PREFIX else DEFAULT_PREFIX,
            freshness={
                table: freshness_policy(frequency, self.timezone)
                for table, frequency in frequencies.items()
                if frequency is not None
            },
        )

    def _translated(self, assets: dg.AssetsDefinition) -> dg.AssetsDefinition:
        translation = self.translation
        if translation is None:
            return assets

        def translate(spec: dg.AssetSpec) -> dg.AssetSpec:
            *prefix, name = spec.key.path
            is_table = tuple(prefix) == checked_prefix(self.key_prefix)
            group = str(CATALOGUE[name].group) if is_table else ANALYTICS
            translated = translation(spec, Described(name, group))
            if translated.key != spec.key:
                raise AttributeRefusedError(
                    "translation",
                    f"{spec.key.to_user_string()} would become {translated.key.to_user_string()},"
                    " but jobs, checks and other assets know it by its key. Set `key_prefix` for"
                    " keys of another kind.",
                )
            return translated

        return assets.map_asset_specs(translate)

    def warehouse_resource(self) -> WarehouseResource:
        """The DuckDB file as runs have it."""
        settings = self.warehouse.model_dump(by_alias=True)
        return WarehouseResource(
            **settings | {"schema": self.schema_of_tables}, privacy=self.privacy.model_dump()
        )

    def api_resource(self) -> CampaignMonitorResource:
        """The API as runs have it."""
        api = self.api
        settings = {**self.extract.model_dump(), **api.model_dump()}
        return CampaignMonitorResource(
            **settings | {"base_url": _from_environment(api.base_url_variable) or api.base_url},
            api_key=_from_environment(api.api_key_variable),
            access_token=_from_environment(api.access_token_variable),
            refresh_token=_from_environment(api.refresh_token_variable),
            clients=self.clients,
        )


def _from_environment(variable: str) -> dg.EnvVar | None:
    # An EnvVar that is not set would fail with a text that doesn't say where to find the key. Only
    # whether it is set is looked at here; its value is read when a run starts.
    return dg.EnvVar(variable) if os.environ.get(variable) else None


def _require_own_place(
    component: CampaignMonitorComponent, context: dg.ComponentLoadContext
) -> None:
    """Keeps two accounts of a project from overwriting each other's tables or views.

    Raises:
        ConfigurationError: Another component of the project writes into a schema of this one.
    """
    tree = context.component_tree
    # A component that is built alone, without a folder of definitions, knows of no other.
    if not isinstance(tree.defs_module, ModuleType):
        return
    for other in tree.get_all_components(CampaignMonitorComponent):
        for path, schema in component.places & other.places if other is not component else ():
            raise ConfigurationError(
                f"The accounts {component.key_prefix!r} and {other.key_prefix!r} would overwrite"
                f" each other in the schema {schema!r} of {path}. Give each a schema of its own"
                " (`warehouse: {schema: …}`; by default it follows the key_prefix; capitals make no"
                " difference), or a database of its own."
            )
