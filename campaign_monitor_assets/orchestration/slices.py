"""Where an asset's rows stand in DuckDB: schema, table, columns and partitions, as Dagster says."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import dagster as dg

from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.warehouse.frames import PartitionKeys, PartitionWindows, TableSlice
from campaign_monitor_assets.warehouse.names import TableName

Context = dg.InputContext | dg.OutputContext
Partition = PartitionKeys | PartitionWindows


def slice_of_output(context: dg.OutputContext, schema: str | None) -> TableSlice:
    """Where an output goes.

    Args:
        context: The output.
        schema: The schema of assets whose metadata names none; None: their key's last prefix.

    Raises:
        ConfigurationError: The asset has partitions, but no `partition_expr`.
    """
    return TableSlice(
        _table(context, context, schema), partitions=tuple(_partitions(context, context))
    )


def slice_of_input(context: dg.InputContext, schema: str | None) -> TableSlice:
    """Where an input comes from, otherwise as `slice_of_output`."""
    output = context.upstream_output
    if output is None:
        raise ConfigurationError(
            f"The input {context.name} has no asset or output that it could be loaded from."
        )
    columns = (context.definition_metadata or {}).get("columns") or ()
    return TableSlice(
        _table(context, output, schema),
        columns=tuple(columns),
        partitions=tuple(_partitions(context, output)),
    )


def _table(context: Context, output: dg.OutputContext, schema: str | None) -> TableName:
    metadata = output.definition_metadata or {}
    named = metadata.get("schema") or schema
    if context.has_asset_key:
        *prefix, name = context.asset_key.path
        return TableName(named or (prefix[-1] if prefix else "public"), name)
    return TableName(named or "public", metadata.get("table") or output.name)


def _partitions(context: Context, output: dg.OutputContext) -> Iterator[Partition]:
    if not (context.has_asset_key and context.has_asset_partitions):
        return
    expression = (output.definition_metadata or {}).get("partition_expr")
    definition = context.asset_partitions_def
    keys = context.asset_partition_keys
    if not isinstance(definition, dg.MultiPartitionsDefinition):
        yield _partition(definition, keys, _checked(expression, context.asset_key))
        return
    several = [definition.get_partition_key_from_str(key) for key in keys]
    for dimension in definition.partitions_defs:
        name = dimension.name
        found = expression.get(name) if isinstance(expression, Mapping) else None
        yield _partition(
            dimension.partitions_def,
            list(dict.fromkeys(key.keys_by_dimension[name] for key in several)),
            _checked(found, context.asset_key, name),
        )


def _checked(expression: Any, key: dg.AssetKey, dimension: str | None = None) -> str:
    if isinstance(expression, str):
        return expression
    example = "'day'" if dimension is None else f"{{{dimension!r}: 'day', …}}"
    raise ConfigurationError(
        f"The asset {key.to_user_string()} has partitions, but its metadata doesn't say by which"
        f" column. Give it metadata={{'partition_expr': {example}}}, a column's name or SQL."
    )


def _partition(
    definition: dg.PartitionsDefinition, keys: Sequence[str], expression: str
) -> Partition:
    if not isinstance(definition, dg.TimeWindowPartitionsDefinition):
        return PartitionKeys(expression, tuple(keys))
    windows: list[tuple[datetime, datetime]] = []
    for start, end in sorted(
        cast("tuple[datetime, datetime]", tuple(definition.time_window_for_partition_key(key)))
        for key in keys
    ):
        if windows and windows[-1][1] == start:
            windows[-1] = (windows[-1][0], end)
        else:
            windows.append((start, end))
    return PartitionWindows(expression, tuple(windows))
