"""A project as a user has it, run in this process against a sandbox; what tests look at it with."""

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.event_log import InMemoryEventLogStorage

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets.orchestration.io_manager import SnapshotIOManager
from campaign_monitor_assets.orchestration.resource import CampaignMonitorResource
from campaign_monitor_assets.orchestration.warehouse import WarehouseResource
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets_tests import warehouses

PREFIX = "campaign_monitor"
TODAY = "2026-11-01"
"""The day of the sandbox that tests share. Those with one of their own mostly leave it at today."""
THE_ELEVEN = frozenset(
    {
        "clients",
        "campaigns",
        "scheduled_campaigns",
        "draft_campaigns",
        "lists",
        "segments",
        "templates",
        "suppression_list",
        "active_subscribers",
        "unsubscribed_subscribers",
        "bounced_subscribers",
    }
)
"""The tables that nobody does without; the others of the default can be told from lists."""

QUICK: Mapping[str, Any] = {
    "max_attempts": 3,
    "backoff": 0.01,
    "read_timeout": 5,
    "retry_delays": [],
}
"""How requests are sent where a test says nothing: as ever, but with hardly a wait."""


def key(table: str) -> dg.AssetKey:
    """The key of a table's asset."""
    return dg.AssetKey([PREFIX, table])


def definitions(**attributes: Any) -> dg.Definitions:
    """All tables of the catalogue, as the component makes them with these attributes."""
    return _definitions(json.dumps(attributes, sort_keys=True))


@functools.cache
def _definitions(attributes: str) -> dg.Definitions:
    said = {"tables": list(CATALOGUE), **json.loads(attributes)}
    return dg.build_defs_for_component(CampaignMonitorComponent(**said))


@functools.cache
def _op_of(table: str) -> str:
    for asset in definitions().assets or ():
        if isinstance(asset, dg.AssetsDefinition) and key(table) in asset.keys:
            return asset.op.name
    raise KeyError(table)


class _NoEventLog(InMemoryEventLogStorage):
    """Keeps no event: those of a run are in its result, and to write them takes a tenth of it."""

    def store_event(self, event: dg.EventLogEntry) -> None:
        pass


@functools.cache
def _instance() -> dg.DagsterInstance:
    """Where runs are recorded that no test looks up: making one takes a fifth of a small run."""
    instance = dg.DagsterInstance.ephemeral()
    instance.event_log_storage.__class__ = _NoEventLog
    return instance


@dataclass(frozen=True)
class Project:
    """A DuckDB file, a sandbox and how the one is filled from the other."""

    box: Sandbox
    path: Path
    api: Mapping[str, Any] = field(default_factory=dict)
    store: Mapping[str, Any] = field(default_factory=dict)
    component: Mapping[str, Any] = field(default_factory=dict)

    @property
    def warehouse(self) -> WarehouseSettings:
        """What is said of the warehouse."""
        return WarehouseSettings(**{**warehouses.settings(self.path), **self.store})

    def definitions(self, *more: dg.AssetsDefinition, **api: Any) -> dg.Definitions:
        """The component's assets and checks, with resources that point to sandbox and file."""
        credentials = {} if "access_token" in api else {"api_key": self.box.key}
        found = definitions(**self.component)
        warehouse = WarehouseResource(**{**warehouses.settings(self.path), **self.store})
        return dg.Definitions(
            assets=[*(found.assets or ()), *more],
            asset_checks=found.asset_checks,
            resources={
                f"{PREFIX}_api": CampaignMonitorResource(
                    **{**QUICK, **credentials, "base_url": self.box.url, **self.api, **api}
                ),
                f"{PREFIX}_warehouse": warehouse,
                f"{PREFIX}_io_manager": SnapshotIOManager(warehouse=warehouse),
            },
        )

    def materialize(
        self,
        *tables: str,
        config: Mapping[str, Any] | None = None,
        more: Sequence[dg.AssetsDefinition] = (),
        instance: dg.DagsterInstance | None = None,
        **api: Any,
    ) -> dg.ExecuteInProcessResult:
        """Materializes tables with their checks in a real run; a failure is in the result.

        Args:
            tables: Their names in the catalogue.
            config: What is said in the launchpad, for each of the tables.
            more: Further assets, which are materialized too.
            instance: Where the run is recorded; of no interest by default.
            api: Settings of the API resource.
        """
        job = self.definitions(*more, **api).resolve_implicit_global_asset_job_def()
        said = {} if config is None else {_op_of(table): {"config": config} for table in tables}
        return job.execute_in_process(
            run_config={"ops": said},
            asset_selection=[
                *map(key, tables),
                *(each for assets in more for each in assets.keys),
            ],
            instance=instance or _instance(),
            raise_on_error=False,
        )

    def check(self, *tables: str) -> dg.ExecuteInProcessResult:
        """Runs the checks of tables and nothing else."""
        job = dg.define_asset_job(
            "only_checks", dg.AssetSelection.checks_for_assets(*map(key, tables))
        )
        found = self.definitions()
        resolved = dg.Definitions(
            assets=found.assets,
            asset_checks=found.asset_checks,
            resources=found.resources,
            jobs=[job],
        ).resolve_job_def("only_checks")
        return resolved.execute_in_process(instance=_instance(), raise_on_error=False)

    def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows of the DuckDB file; tables need no schema before their names."""
        with warehouses.opened(self.path, read_only=True) as connection:
            connection.execute(f"use {PREFIX}")
            return connection.execute(sql, list(parameters)).fetchall()

    def change(self, sql: str, *parameters: object) -> None:
        """Tampers with the DuckDB file."""
        with warehouses.opened(self.path) as connection:
            connection.execute(f"use {PREFIX}")
            connection.execute(sql, list(parameters))

    def count(self, table: str) -> int:
        """The rows of a table."""
        return int(self.query(f"select count(*) from {table}")[0][0])

    def leftovers(self) -> list[str]:
        """What stands in the folder beside the DuckDB file."""
        return warehouses.beside(self.path)

    def copy_to(self, path: Path) -> "Project":
        """The same project with a copy of its file."""
        warehouses.copy(self.path, path)
        return Project(self.box, path, self.api, self.store, self.component)


def failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """For each step that failed itself the texts of its error and of what caused it."""
    found = {}
    for event in result.all_events:
        if event.is_step_failure and event.step_key:
            foreseen = event.step_failure_data.user_failure_data
            texts = [str(value.value) for value in (foreseen.metadata if foreseen else {}).values()]
            error = event.step_failure_data.error
            while error is not None:
                texts.append(error.message)
                error = error.cause
            found[event.step_key.removeprefix(f"{PREFIX}__")] = "\n".join(texts)
    return found


def metadata(result: dg.ExecuteInProcessResult, table: str) -> dict[str, Any]:
    """The metadata of a table's materialization in a run."""
    [found] = [
        event.step_materialization_data.materialization
        for event in result.all_events
        if event.is_step_materialization and event.asset_key == key(table)
    ]
    return {name: value.value for name, value in found.metadata.items()}


def checks(result: dg.ExecuteInProcessResult, table: str) -> dict[str, dg.AssetCheckEvaluation]:
    """What the checks of a table found in a run, by the check's name."""
    return {
        found.check_name: found
        for found in result.get_asset_check_evaluations()
        if found.asset_key == key(table)
    }


def people(count: int, *, first: int = 0) -> list[dict[str, Any]]:
    """Made-up subscribers, in the order in which they joined."""
    start = datetime(2020, 1, 1, tzinfo=UTC)
    return [
        {
            "EmailAddress": f"person.{number}@example.com",
            "Name": f"Person {number}",
            "Date": f"{start + timedelta(minutes=number):%Y-%m-%d %H:%M:%S}",
            "ListJoinedDate": f"{start + timedelta(minutes=number):%Y-%m-%d %H:%M:%S}",
            "State": "Active",
            "CustomFields": [],
            "ReadsEmailWith": "",
        }
        for number in range(first, first + count)
    ]


def at_once(requests: Iterable[Mapping[str, Any]]) -> int:
    """The most requests of a sandbox's log that were under way at a time."""
    changes = sorted(
        change
        for request in requests
        for change in ((request["started"], 1), (request["ended"], -1))
    )
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most
