"""Dagster's asset checks of each table, from one factory; what they find is `warehouse.checks`."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.orchestration.account import Account
from campaign_monitor_assets.orchestration.preview import markdown_table
from campaign_monitor_assets.orchestration.warehouse import WarehouseResource
from campaign_monitor_assets.warehouse.checks import (
    STATS,
    Check,
    Finding,
    Subject,
    check_against_stats,
    checks_of,
)


def build_checks(
    tables: Sequence[Table], account: Account, *, warn_drop_percent: float
) -> list[dg.AssetChecksDefinition]:
    """The checks of each table, in one op a table so that the file is opened once."""
    alone = [
        _build_check(table, account, checks_of(table, warn_drop_percent=warn_drop_percent))
        for table in tables
    ]
    if not any(table.name == STATS for table in tables):
        return alone
    # In an op of their own, since they wait for the other table and fall away where it fails.
    against_stats = [
        _build_check(table, account, [check_against_stats(table)], after=STATS)
        for table in tables
        if table.stat is not None
    ]
    return alone + against_stats


def _build_check(
    table: Table, account: Account, checks: Sequence[Check], after: str | None = None
) -> dg.AssetChecksDefinition:
    """One op for checks of a table; `after` is a table that has to be read before, if it is."""
    key = account.key(table.name)

    @dg.multi_asset_check(
        name="__".join([*account.key_prefix, table.name, *([after] if after else []), "checks"]),
        specs=[
            dg.AssetCheckSpec(
                check.name,
                asset=key,
                description=check.description,
                additional_deps=[account.key(after)] if after else None,
            )
            for check in checks
        ],
        can_subset=True,
        required_resource_keys={account.warehouse},
    )
    def check_table(context: dg.AssetCheckExecutionContext) -> Any:
        warehouse: WarehouseResource = getattr(context.resources, account.warehouse)
        wanted = {key.name for key in context.selected_asset_check_keys}
        with warehouse.target.connect(read_only=True, warn=context.log.warning) as connection:
            subject = Subject(connection, account.schema, table)
            found = {check.name: check.run(subject) for check in checks if check.name in wanted}
        for name, finding in found.items():
            yield _result(finding)._replace(asset_key=key, check_name=name)

    return check_table


def _result(finding: Finding) -> dg.AssetCheckResult:
    metadata: dict[str, Any] = dict(finding.figures)
    if finding.worst is not None:
        worst = markdown_table(finding.worst.heads, finding.worst.rows)
        metadata["worst"] = dg.MetadataValue.md(worst)
    severity = dg.AssetCheckSeverity
    return dg.AssetCheckResult(
        passed=finding.passed,
        severity=severity.ERROR if finding.is_error else severity.WARN,
        description=finding.description,
        metadata=metadata,
    )
