"""The jobs of an account: everything, one for each group, and a check of the credentials."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from campaign_monitor_assets.analytics import View
from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.orchestration.account import Account
from campaign_monitor_assets.orchestration.failing import telling_dagster
from campaign_monitor_assets.orchestration.forgetting import build_forget_job
from campaign_monitor_assets.orchestration.resource import CampaignMonitorResource
from campaign_monitor_assets.orchestration.views import SKIPPING, view_key, view_selection
from campaign_monitor_assets.orchestration.warehouse import WarehouseResource


def build_jobs(
    tables: Sequence[Table],
    views: Sequence[View],
    account: Account,
) -> list[Any]:
    """All jobs of one account, as `dg.Definitions` takes them."""
    by_group: dict[str, list[str]] = {}
    for table in tables:
        group = account.group_names.get(table.group, str(table.group))
        by_group.setdefault(group, []).append(table.name)
    every_view = dg.AssetSelection.assets(*(view_key(view.name, account) for view in views))
    everything = account.job(
        "all",
        dg.AssetSelection.assets(*(account.key(table.name) for table in tables)) | every_view,
        "Reads every table of the account and makes the views on them.",
    )
    groups = [
        account.job(
            f"group_{group}",
            dg.AssetSelection.assets(*map(account.key, names)).upstream()
            | view_selection(names, views, account),
            f"Reads the tables of the group {group} and what they depend on, and makes the views"
            " on them.",
            SKIPPING,
        )
        for group, names in by_group.items()
    ]
    if views:
        groups.append(
            account.job(
                "group_analytics",
                every_view,
                "Makes the views on the tables as they are.",
            )
        )
    return [
        everything,
        *groups,
        _check_credentials_job(tables, account),
        build_forget_job(account),
    ]


def _check_credentials_job(tables: Sequence[Table], account: Account) -> dg.JobDefinition:
    name = f"{account.name}_check_credentials"

    @dg.op(name=f"{name}_op", required_resource_keys={account.api_resource, account.warehouse})
    @telling_dagster(name)
    def check_credentials(context: dg.OpExecutionContext) -> None:
        """Fails where the credentials are refused or the database can't be written."""
        api: CampaignMonitorResource = getattr(context.resources, account.api_resource)
        warehouse: WarehouseResource = getattr(context.resources, account.warehouse)
        incremental = [name for name in account.sync_methods if account.is_incremental(name)]
        found = api.survey(tables, incremental, context.log.warning)
        for line in found.lines():
            context.log.info(line)
        warehouse.target.require_writable()
        context.log.info(f"The {warehouse.target.label} can be written.")

    return account.job_of_op(
        check_credentials,
        name,
        "Says whether the credentials work, which clients they see, and what the first full sync"
        " will cost.",
    )
