"""The Dagster component: from a few lines of YAML to the definitions of one account."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal, Self

import dagster as dg
from pydantic import BaseModel, Field, field_validator

from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.extract.incremental import FULL_REFRESH_DAYS
from campaign_monitor_assets.orchestration.account import DEFAULT_PREFIX, Account
from campaign_monitor_assets.orchestration.assets import build_assets
from campaign_monitor_assets.orchestration.attributes import (
    ApiAttributes,
    ExtractAttributes,
    PrivacyAttributes,
    WarehouseAttributes,
    accepting_renamed,
    in_their_place,
    resolved_privacy,
)
from campaign_monitor_assets.orchestration.checks import build_checks_against_stats
from campaign_monitor_assets.orchestration.choices import (
    check_tables_of_warehouse,
    checked_group_names,
    checked_prefix,
    checked_sync_methods,
    checked_time_zone,
    checked_windows,
    chosen_frequencies,
    chosen_tables,
    require_variable_names,
)
from campaign_monitor_assets.orchestration.io_manager import SnapshotIOManager
from campaign_monitor_assets.orchestration.jobs import build_jobs
from campaign_monitor_assets.orchestration.resource import CampaignMonitorResource
from campaign_monitor_assets.orchestration.schedules import (
    Frequency,
    build_schedules,
    freshness_policy,
)
from campaign_monitor_assets.orchestration.views import build_analytics, chosen_views
from campaign_monitor_assets.orchestration.warehouse import WarehouseResource
from campaign_monitor_assets.paths import absolute


class CampaignMonitorComponent(dg.Component, dg.Model, dg.Resolvable):
    """A Campaign Monitor account in DuckDB: assets, checks, schedules, jobs and resources."""

    key_prefix: str = Field(
        default=DEFAULT_PREFIX,
        description="Asset key prefix; separate parts with /. Two accounts in one code location"
        " need two prefixes.",
    )
    tables: list[str] | None = Field(
        default=None, description="The tables to read, each with its parents; by default fourteen."
    )
    frequencies: dict[str, str] = Field(
        default={},
        description="For a table how often it is read: every 5 minutes, every 30 minutes, hourly,"
        " every 6 hours, every 12 hours, daily, weekly, monthly, manual, or a cron string. By"
        " default light tables hourly, subscribers, reports and the suppression list daily.",
    )
    timezone: str = Field(default="UTC", description="The schedules' time zone, an IANA name.")
    schedules_running: bool = Field(
        default=False,
        description="Whether schedules are on at once; otherwise they are switched on in the UI.",
    )
    clients: list[str] = Field(
        default=[], description="Read only these clients, by ClientID or name; empty: all."
    )
    report_windows: dict[str, int] = Field(
        default={},
        description="For a campaign report: read again only the campaigns sent in so many days;"
        " the rows of the others stay. By default every campaign is read each time.",
    )
    sync_methods: dict[str, Literal["full_refresh", "incremental"]] = Field(
        default={},
        description="For a table how it is read: full_refresh, which is the default, or"
        " incremental: only what was added since the last snapshot, proved by the API's count, and"
        " in full where that fails.",
    )
    full_refresh_days: float = Field(
        default=FULL_REFRESH_DAYS,
        ge=1,
        description="Within how many days each list, campaign, … of an incrementally read table is"
        " read in full, spread over the runs.",
    )
    analytics: bool = Field(
        default=True,
        description="Whether there are views beside the tables: those whose tables are all read.",
    )
    group_names: dict[str, str] = Field(
        default={},
        description="Other names for the groups account, campaigns, lists, subscribers,"
        " campaign_reports and journeys.",
    )
    owners: list[str] = Field(
        default=[], description="The assets' owners: e-mail addresses, or teams as team:name."
    )
    tags: dict[str, str] = Field(default={}, description="Tags of the assets and of the runs.")
    pool: str | None = Field(
        default=None,
        description="The pool that keeps the tables of this account from being read at once; by"
        " default the key prefix.",
    )
    executor: Literal["in_process", "project"] = Field(
        default="in_process",
        description="What executes jobs and schedules: in_process, all tables of a run in one"
        " process (threads do the waiting, a process for each table costs seconds); or project, the"
        " executor of your project's definitions.",
    )
    api: ApiAttributes = Field(
        default=ApiAttributes(), description="How requests are authorized and sent."
    )
    extract: ExtractAttributes = Field(
        default=ExtractAttributes(), description="How tables are read."
    )
    warehouse: WarehouseAttributes = Field(
        default=WarehouseAttributes(), description="Where rows go, and how DuckDB works."
    )
    privacy: Annotated[
        PrivacyAttributes,
        dg.Resolver(
            resolved_privacy, model_field_type=Literal["keep", "pseudonymous"] | PrivacyAttributes
        ),
    ] = Field(default=PrivacyAttributes(), description="What becomes of personal data.")

    @field_validator("clients")
    @classmethod
    def _without_blanks(cls, given: list[str]) -> list[str]:
        # A template that splits an environment variable, set or not, leaves some.
        return [client.strip() for client in given if client.strip()]

    @classmethod
    def model(cls) -> type[BaseModel]:
        """The YAML's schema, which Dagster derives, and the attributes of earlier versions."""
        return accepting_renamed(super().model(), cls)

    @classmethod
    def resolve_from_model(cls, context: dg.ResolutionContext, model: BaseModel) -> Self:
        """The component as its YAML says.

        Raises:
            ConfigurationError: An attribute is given twice, by its old name and by its new one.
        """
        resolved: Self = super().resolve_from_model(context, in_their_place(model))
        return resolved

    @property
    def name(self) -> str:
        """The key prefix as one word, which the names of jobs and schedules begin with."""
        return "_".join(checked_prefix(self.key_prefix))

    @property
    def schema_of_tables(self) -> str:
        """The schema of the tables in DuckDB."""
        return self.warehouse.schema_ or self.name

    @property
    def schema_of_views(self) -> str:
        """The schema of the views in DuckDB."""
        return self.warehouse.analytics_schema or f"{self.schema_of_tables}_analytics"

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The definitions of the account.

        Raises:
            ConfigurationError: A setting is not accepted.
        """
        require_variable_names("api", self.api)
        require_variable_names("privacy", self.privacy)
        require_own_place(self, context)
        time_zone = checked_time_zone(self.timezone)
        tables = chosen_tables(self.tables)
        check_tables_of_warehouse(self.warehouse)
        frequencies = chosen_frequencies(self.frequencies, tables)
        account = self._account(tables, frequencies)
        views = chosen_views(tables, self.warehouse.history) if self.analytics else []
        view_assets, view_checks = build_analytics(views, account, self.schema_of_views)
        warehouse = self.warehouse_resource()
        return dg.Definitions(
            assets=[*build_assets(tables, account), *view_assets],
            asset_checks=[*build_checks_against_stats(tables, account), *view_checks],
            schedules=build_schedules(
                frequencies,
                views,
                account,
                timezone=time_zone,
                running=self.schedules_running,
            ),
            jobs=build_jobs(tables, views, account),
            resources={
                account.api_resource: self._api(),
                account.warehouse: warehouse,
                account.io_manager: SnapshotIOManager(warehouse=warehouse),
            },
        )

    def _account(
        self, tables: Sequence[Table], frequencies: Mapping[str, Frequency | None]
    ) -> Account:
        name, privacy = self.name, self.privacy.resolve(os.environ)
        return Account(
            key_prefix=checked_prefix(self.key_prefix),
            schema=self.schema_of_tables,
            api_resource=f"{name}_api",
            warehouse=f"{name}_warehouse",
            io_manager=f"{name}_io_manager",
            pool=self.pool or name,
            group_names=checked_group_names(self.group_names),
            owners=self.owners,
            tags=self.tags,
            windows=checked_windows(self.report_windows),
            sync_methods=checked_sync_methods(self.sync_methods, tables, privacy),
            full_refresh_days=self.full_refresh_days,
            privacy=privacy,
            executor=dg.in_process_executor if self.executor == "in_process" else None,
            warn_drop_percent=self.warehouse.warn_drop_percent,
            schema_was=None if self.warehouse.schema_ or name == DEFAULT_PREFIX else DEFAULT_PREFIX,
            freshness={
                table: freshness_policy(frequency, self.timezone)
                for table, frequency in frequencies.items()
                if frequency is not None
            },
        )

    def warehouse_resource(self) -> WarehouseResource:
        """The DuckDB file as runs have it."""
        settings = self.warehouse.model_dump(by_alias=True)
        return WarehouseResource(
            **settings | {"schema": self.schema_of_tables}, privacy=self.privacy.model_dump()
        )

    def _api(self) -> CampaignMonitorResource:
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


def require_own_place(
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
    mine = _places(component)
    for other in tree.get_all_components(CampaignMonitorComponent):
        for path, schema in mine & _places(other) if other is not component else ():
            raise ConfigurationError(
                f"The accounts {component.key_prefix!r} and {other.key_prefix!r} would overwrite"
                f" each other in the schema {schema!r} of {path}. Give each a schema of its own"
                " (`warehouse: {schema: …}`; by default it follows the key_prefix; capitals make no"
                " difference), or a database of its own."
            )


def _places(component: CampaignMonitorComponent) -> set[tuple[Path, str]]:
    path = absolute(component.warehouse.database, "database").resolve()
    schemas = [component.schema_of_tables, component.schema_of_views]
    return {(path, schema.lower()) for schema in schemas}
