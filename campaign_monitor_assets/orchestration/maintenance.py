"""The job that keeps a DuckLake small, and its schedule."""

from datetime import timedelta

import dagster as dg

from campaign_monitor_assets.orchestration.account import Account
from campaign_monitor_assets.orchestration.failing import telling_dagster
from campaign_monitor_assets.orchestration.schedules import parse_frequency
from campaign_monitor_assets.orchestration.warehouse import WarehouseResource
from campaign_monitor_assets.warehouse.lake_settings import is_lake
from campaign_monitor_assets.warehouse.maintenance import maintain
from campaign_monitor_assets.warehouse.settings import WarehouseSettings


def build_maintenance(
    account: Account, settings: WarehouseSettings, *, timezone: str, running: bool
) -> tuple[list[dg.JobDefinition], list[dg.ScheduleDefinition]]:
    """The job and the schedule of one account; none where its warehouse is a DuckDB file.

    Args:
        account: The account.
        settings: Its warehouse.
        timezone: The schedule's time zone, an IANA name.
        running: Whether the schedule is on at once.

    Raises:
        AttributeRefusedError: `maintenance` is no frequency.
    """
    if not is_lake(settings.database):
        return [], []
    job = _build_job(account)
    frequency = parse_frequency(settings.maintenance, "warehouse.maintenance")
    if frequency is None:
        return [job], []
    status = dg.DefaultScheduleStatus.RUNNING if running else dg.DefaultScheduleStatus.STOPPED
    schedule = dg.ScheduleDefinition(
        name=job.name,
        job=job,
        cron_schedule=frequency.cron,
        execution_timezone=timezone,
        default_status=status,
        description="Keeps the DuckLake small.",
    )
    return [job], [schedule]


def _build_job(account: Account) -> dg.JobDefinition:
    name = f"{account.name}_maintenance"

    @dg.op(name=f"{name}_op", required_resource_keys={account.warehouse})
    @telling_dagster(name)
    def keep_small(context: dg.OpExecutionContext) -> None:
        """Expires snapshots of the lake, deletes files and puts small ones together."""
        warehouse: WarehouseResource = getattr(context.resources, account.warehouse)
        keep = timedelta(days=warehouse.keep_snapshots_days)
        context.log.info(maintain(warehouse.target, keep=keep, warn=context.log.warning).note)

    return account.job_of_op(
        keep_small,
        name,
        "Keeps the DuckLake small: snapshots older than keep_snapshots_days go, files that none"
        " needs are deleted a day later, and small ones are put together.",
    )
