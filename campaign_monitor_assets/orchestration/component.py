"""The Dagster component: from a few lines of YAML to the definitions of one account."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import dagster as dg
from pydantic import Field

from campaign_monitor_assets.api.settings import VENDOR_URL
from campaign_monitor_assets.catalogue import CATALOGUE, Group, Table
from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.orchestration.account import Wiring
from campaign_monitor_assets.orchestration.assets import build_assets
from campaign_monitor_assets.orchestration.checks import build_checks
from campaign_monitor_assets.orchestration.io_manager import SnapshotIOManager
from campaign_monitor_assets.orchestration.jobs import build_jobs
from campaign_monitor_assets.orchestration.resource import CampaignMonitorResource
from campaign_monitor_assets.orchestration.schedules import (
    Frequency,
    build_schedules,
    freshness_policy,
    parse_frequency,
)
from campaign_monitor_assets.orchestration.views import build_analytics


class CampaignMonitorComponent(dg.Component, dg.Model, dg.Resolvable):
    """A Campaign Monitor account in DuckDB: assets, checks, schedules, jobs and resources."""

    key_prefix: str = Field(
        default="campaign_monitor",
        description="What stands before a table's name in its asset's key; parts are divided by /."
        " Two accounts in one code location need two prefixes.",
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
    api_key_variable: str = Field(
        default="CAMPAIGN_MONITOR_API_KEY",
        description="The name of the environment variable that holds the API key.",
    )
    access_token_variable: str = Field(
        default="CAMPAIGN_MONITOR_ACCESS_TOKEN",
        description="The name of the environment variable that holds the OAuth token.",
    )
    refresh_token_variable: str = Field(
        default="CAMPAIGN_MONITOR_REFRESH_TOKEN",
        description="The name of the environment variable that holds the OAuth refresh token.",
    )
    base_url_variable: str = Field(
        default="CAMPAIGN_MONITOR_BASE_URL",
        description="The name of the environment variable that holds the API's URL, if not the"
        " vendor's.",
    )
    database: str = Field(default="data/account.duckdb", description="The path of the DuckDB file.")
    database_schema: str = Field(
        default="campaign_monitor", description="The schema of the tables in DuckDB."
    )
    memory_limit: str = Field(default="192MB", description="How much memory DuckDB may use.")
    include_tracking_preference: bool = Field(
        default=False, description="Ask for each subscriber's consent to tracking."
    )
    include_sms_preference: bool = Field(
        default=False, description="Ask for each subscriber's consent to SMS."
    )
    page_size: int = Field(default=1000, ge=10, le=1000, description="Rows a page.")
    connections: int = Field(default=10, ge=1, le=100, description="Requests under way at once.")
    requests_per_second: float | None = Field(
        default=None, gt=0, description="The most requests a second; unset: what the API allows."
    )
    tries: int = Field(default=6, ge=1, description="How often one request is sent at the most.")
    read_timeout: float = Field(
        default=60, gt=0, description="Seconds to wait for the next bytes of an answer."
    )
    lock_wait: float = Field(
        default=600, ge=0, description="Seconds to wait for the DuckDB file while it is in use."
    )
    staging_directory: str | None = Field(
        default=None, description="Where rows are staged; by default a folder beside the file."
    )
    rereads: int = Field(
        default=3, ge=0, description="How often a collection that moved is read again."
    )
    retry_delays: list[float] = Field(
        default=[60, 300, 900],
        description="Seconds after which a table is read again, once each, where all attempts of a"
        " request met a transient error.",
    )
    warn_drop_percent: float = Field(
        default=50, ge=0, le=100, description="Warn of a snapshot that falls by more than this."
    )
    refuse_drop_percent: float | None = Field(
        default=None,
        ge=0,
        le=100,
        description="Refuse to publish a snapshot that falls by more than this; unset: publish.",
    )
    report_windows: dict[str, int] = Field(
        default={},
        description="For a campaign report: read again only the campaigns sent in so many days;"
        " the rows of the others stay. By default every campaign is read each time.",
    )
    analytics: bool = Field(
        default=True,
        description="Whether there are views beside the tables: those whose tables are all read.",
    )
    analytics_schema: str | None = Field(
        default=None,
        description="The schema of the views in DuckDB; by default the tables' with _analytics.",
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

    @property
    def name(self) -> str:
        """The key prefix as one word, which the names of jobs and schedules begin with."""
        return "_".join(self._prefix())

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002
        """The definitions of the account.

        Raises:
            ConfigurationError: A setting is not accepted.
        """
        if self.timezone not in available_timezones():
            raise ConfigurationError(
                f"timezone: {self.timezone!r} is no time zone. Allowed: the IANA names, such as"
                " 'Europe/Berlin' or 'Australia/Sydney'."
            )
        tables = self._tables()
        frequencies = self._frequencies(tables)
        wiring = self._wiring(frequencies)
        views = []
        if self.analytics:
            schema = self.analytics_schema or f"{self.database_schema}_analytics"
            views = build_analytics(tables, wiring, schema)
        return dg.Definitions(
            assets=[*build_assets(tables, wiring), *views],
            asset_checks=build_checks(tables, wiring, warn_drop_percent=self.warn_drop_percent),
            schedules=build_schedules(
                frequencies,
                wiring,
                timezone=self.timezone,
                running=self.schedules_running,
                tags=self.tags,
            ),
            jobs=build_jobs(tables, views, wiring, self.tags),
            resources={wiring.api: self._api(), wiring.store: self._store()},
        )

    def _prefix(self) -> tuple[str, ...]:
        parts = tuple(self.key_prefix.split("/"))
        if not all(re.fullmatch(r"\w+", part, re.ASCII) for part in parts):
            raise ConfigurationError(
                f"key_prefix: {self.key_prefix!r} is not accepted. Allowed: letters, digits and _,"
                " in parts that are divided by /."
            )
        return parts

    def _tables(self) -> list[Table]:
        wanted = self.tables
        if wanted == []:
            raise ConfigurationError(
                f"tables: none are named. Allowed: {', '.join(CATALOGUE)}; leave the key out for"
                " the default ones."
            )
        if wanted is None:
            return [table for table in CATALOGUE.values() if table.default]
        _require_known("tables", wanted, CATALOGUE)
        for name in wanted:
            parent = CATALOGUE[name].parent
            if parent is not None and parent not in wanted:
                raise ConfigurationError(
                    f"tables: {name!r} needs its parent {parent!r}, which is not among them."
                    f" Add {parent!r}; given: {', '.join(wanted)}."
                )
        return [table for table in CATALOGUE.values() if table.name in wanted]

    def _frequencies(self, tables: Sequence[Table]) -> dict[str, Frequency | None]:
        _require_known("frequencies", self.frequencies, {table.name: table for table in tables})
        return {
            table.name: parse_frequency(
                self.frequencies.get(table.name, table.cadence), f"frequencies.{table.name}"
            )
            for table in tables
        }

    def _wiring(self, frequencies: Mapping[str, Frequency | None]) -> Wiring:
        _require_known("group_names", self.group_names, {group.value: group for group in Group})
        reports = {name: table for name, table in CATALOGUE.items() if table.has_window}
        _require_known("report_windows", self.report_windows, reports)
        for table, days in self.report_windows.items():
            if days < 1:
                raise ConfigurationError(
                    f"report_windows.{table}: {days} is not accepted. Allowed: days, 1 or more;"
                    " leave the table out to read every campaign each time."
                )
        if "analytics" in self.group_names.values():
            raise ConfigurationError(
                "group_names: 'analytics' is the group of the views. Choose another name."
            )
        prefix, name = self._prefix(), self.name
        return Wiring(
            key_prefix=prefix,
            schema=self.database_schema,
            api=f"{name}_api",
            store=f"{name}_io_manager",
            pool=self.pool or name,
            group_names=self.group_names,
            owners=self.owners,
            tags=self.tags,
            windows=self.report_windows,
            freshness={
                table: freshness_policy(frequency)
                for table, frequency in frequencies.items()
                if frequency is not None
            },
        )

    def _api(self) -> CampaignMonitorResource:
        return CampaignMonitorResource(
            api_key=_from_environment(self.api_key_variable),
            access_token=_from_environment(self.access_token_variable),
            refresh_token=_from_environment(self.refresh_token_variable),
            api_key_variable=self.api_key_variable,
            access_token_variable=self.access_token_variable,
            base_url=_from_environment(self.base_url_variable) or VENDOR_URL,
            clients=self.clients,
            include_tracking_preference=self.include_tracking_preference,
            include_sms_preference=self.include_sms_preference,
            page_size=self.page_size,
            connections=self.connections,
            requests_per_second=self.requests_per_second,
            tries=self.tries,
            read_timeout=self.read_timeout,
            rereads=self.rereads,
            retry_delays=self.retry_delays,
        )

    def _store(self) -> SnapshotIOManager:
        return SnapshotIOManager(
            database=self.database,
            memory_limit=self.memory_limit,
            lock_wait=self.lock_wait,
            staging_directory=self.staging_directory,
            refuse_drop_percent=self.refuse_drop_percent,
        )


def load_component() -> CampaignMonitorComponent:
    """The component as the YAML file beside this module configures it."""
    text = Path(__file__).parents[1].joinpath("campaign_monitor.yaml").read_text()
    component: CampaignMonitorComponent = CampaignMonitorComponent.resolve_from_yaml(text)
    return component


def _from_environment(variable: str) -> dg.EnvVar | None:
    # An EnvVar that is not set would fail with a text that doesn't say where to find the key. Only
    # whether it is set is looked at here; its value is read when a run starts.
    return dg.EnvVar(variable) if os.environ.get(variable) else None


def _require_known(where: str, given: Any, allowed: Mapping[str, object]) -> None:
    unknown = [name for name in given if name not in allowed]
    if unknown:
        raise ConfigurationError(
            f"{where}: {', '.join(map(repr, unknown))} is not known here."
            f" Allowed: {', '.join(allowed)}."
        )
