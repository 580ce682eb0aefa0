"""Dagster's asset checks of each table; what they find is `warehouse.checks`."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import dagster as dg

from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.errors import DatabaseError
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
from campaign_monitor_assets.warehouse.full_readings import check_full_readings


@dataclass(frozen=True)
class TableChecks:
    """The checks of one table.

    Attributes:
        table: The table.
        account: Where it stands.
        checks: What is looked at.
    """

    table: Table
    account: Account
    checks: Sequence[Check]

    def specs(self, after: str | None = None) -> list[dg.AssetCheckSpec]:
        """What Dagster shows of the checks; `after` is a table that has to be read before."""
        return [
            dg.AssetCheckSpec(
                check.name,
                asset=self.account.key(self.table.name),
                description=check.description,
                additional_deps=[self.account.key(after)] if after else None,
                blocking=self.account.blocking_checks,
            )
            for check in self.checks
        ]

    def results(
        self,
        context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext,
        wanted: AbstractSet[dg.AssetCheckKey],
    ) -> Iterator[dg.AssetCheckResult]:
        """Runs those of the checks that are wanted, in one opening of the file."""
        asset = self.account.key(self.table.name)
        chosen = [check for check in self.checks if dg.AssetCheckKey(asset, check.name) in wanted]
        if not chosen:
            return
        warehouse: WarehouseResource = getattr(context.resources, self.account.warehouse)
        try:
            with warehouse.target.connect(read_only=True, warn=context.log.warning) as connection:
                subject = Subject(connection, self.account.schema, self.table)
                found = {check.name: check.run(subject) for check in chosen}
        except DatabaseError as error:
            # The table is stored all the same, and its children can be read.
            found = {check.name: Finding(passed=False, description=str(error)) for check in chosen}
        for name, finding in found.items():
            yield _result(finding)._replace(asset_key=asset, check_name=name)


def table_checks(table: Table, account: Account) -> TableChecks:
    """The checks that run in the step of their table, or alone."""
    checks = checks_of(table, warn_drop_percent=account.warn_drop_percent)
    if account.is_incremental(table.name):
        checks = (*checks, check_full_readings(account.full_refresh_days))
    return TableChecks(table, account, checks)


def build_checks_against_stats(
    tables: Sequence[Table], account: Account
) -> list[dg.AssetChecksDefinition]:
    """The checks against `list_stats`, where it is read.

    They are steps of their own, since they wait for that table and fall away where it fails.
    """
    if not any(table.name == STATS for table in tables):
        return []
    return [
        _build_step(TableChecks(table, account, [check_against_stats(table)]))
        for table in tables
        if table.stat is not None
    ]


def _build_step(checks: TableChecks) -> dg.AssetChecksDefinition:
    account, table = checks.account, checks.table

    @dg.multi_asset_check(
        name="__".join([*account.key_prefix, table.name, STATS, "checks"]),
        specs=checks.specs(after=STATS),
        required_resource_keys={account.warehouse},
    )
    def check_table(context: dg.AssetCheckExecutionContext) -> Any:
        yield from checks.results(context, context.selected_asset_check_keys)

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
