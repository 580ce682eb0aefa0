"""Partitions and chosen columns of users' own downstream assets."""

from datetime import datetime
from typing import Any, cast

import dagster as dg
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from campaign_monitor_assets_tests.project import PREFIX, Project, failures, key

STORE = f"{PREFIX}_io_manager"
STATES = dg.StaticPartitionsDefinition(["it's", "closed", "open"])
DAYS = dg.DailyPartitionsDefinition("2024-02-28", timezone="Europe/Berlin", end_offset=0)
BOTH = dg.MultiPartitionsDefinition({"day": DAYS, "state": STATES})


def _run(
    project: Project, *assets: dg.AssetsDefinition | dg.AssetSpec, **said: Any
) -> dg.ExecuteInProcessResult:
    found = dg.Definitions(assets=assets, resources=project.definitions().resources)
    job = found.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(instance=instance, raise_on_error=False, **said)


def _frame(kind: type, **columns: list[Any]) -> Any:
    if kind is pa.Table:
        return pa.table(columns)
    return kind(columns)


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, pa.Table])
def test_a_partition_replaces_its_own_rows(project: Project, kind: type) -> None:
    """A partition's rows are replaced and loaded alone; those of the others stay."""
    made = {"number": 1}

    def by_state(context: dg.AssetExecutionContext) -> Any:
        state, number = context.partition_key, made["number"]
        return _frame(kind, state=[state, state], number=[number, number + 1])

    by_state.__annotations__["return"] = kind
    upstream = dg.asset(
        by_state,
        key=[PREFIX, "by_state"],
        partitions_def=STATES,
        metadata={"partition_expr": "state"},
        io_manager_key=STORE,
    )
    seen: list[int] = []

    def look(by_state: Any) -> None:
        assert isinstance(by_state, kind)
        seen.append(len(cast("Any", by_state)))

    look.__annotations__["by_state"] = kind
    downstream = dg.asset(
        look,
        key="look",
        partitions_def=STATES,
        ins={"by_state": dg.AssetIn([PREFIX, "by_state"])},
    )
    for state, number in (("it's", 1), ("open", 5), ("it's", 8)):
        made["number"] = number
        result = _run(project, upstream, downstream, partition_key=state)
        assert result.success, failures(result)
    assert seen == [2, 2, 2]
    assert project.query("from by_state order by number") == [
        ("open", 5), ("open", 6), ("it's", 8), ("it's", 9),
    ]  # fmt: skip
    event, *_ = result.get_asset_materialization_events()
    told = event.step_materialization_data.materialization.metadata
    assert told["dagster/partition_row_count"].value == 2
    assert told["dagster/table_name"].value == "campaign_monitor.by_state"


@dg.asset(
    key=[PREFIX, "events"],
    partitions_def=DAYS,
    metadata={"partition_expr": "moment"},
    io_manager_key=STORE,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def events(context: dg.AssetExecutionContext) -> pd.DataFrame:
    """Two events a day."""
    days = [datetime.fromisoformat(day) for day in context.partition_keys]
    return pd.DataFrame({"moment": [day.replace(hour=hour) for day in days for hour in (0, 23)]})


def test_a_time_window_is_the_rows_of_its_days(project: Project) -> None:
    """A day begins at its midnight and ends before the next; a range of days is one window."""

    @dg.asset(
        partitions_def=DAYS,
        ins={
            "events": dg.AssetIn(
                [PREFIX, "events"],
                partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-1),
            )
        },
    )
    def pairs(events: pd.DataFrame) -> None:
        assert sorted({f"{at:%m-%d}" for at in events["moment"]}) == ["02-28", "02-29"]
        assert len(events) == 4

    for day in ("2024-02-28", "2024-02-29", "2024-03-01", "2024-02-29"):
        assert _run(project, events, partition_key=day).success
    assert project.query("select count(*), count(distinct moment) from events") == [(6, 6)]
    result = _run(
        project,
        dg.AssetSpec(
            [PREFIX, "events"], metadata={"partition_expr": "moment"}, partitions_def=DAYS
        ).with_io_manager_key(STORE),
        pairs,
        partition_key="2024-02-29",
    )
    assert result.success, failures(result)
    ranged = {
        "dagster/asset_partition_range_start": "2024-02-28",
        "dagster/asset_partition_range_end": "2024-03-01",
    }
    assert _run(project, events, tags=ranged).success
    assert project.query("select count(*), count(distinct moment) from events") == [(6, 6)]


def test_partitions_of_two_dimensions(project: Project) -> None:
    """Rows are replaced where both dimensions agree; each has its own column or SQL."""
    made = {"number": 1}

    @dg.asset(
        key=[PREFIX, "pairs"],
        partitions_def=BOTH,
        metadata={"partition_expr": {"day": "strptime(day, '%Y%m%d')", "state": "state"}},
        io_manager_key=STORE,
    )
    def both(context: dg.AssetExecutionContext) -> pl.DataFrame:
        keys = context.partition_key.keys_by_dimension
        return pl.DataFrame(
            {"day": [keys["day"].replace("-", "")], "state": [keys["state"]], **made}
        )

    days, states = ("2024-02-28", "2024-02-29"), ("open", "it's")
    order = [(days[0], states[0]), (days[0], states[1]), (days[1], states[0]), (days[0], states[0])]
    for number, (day, state) in enumerate(order):
        made["number"] = number
        result = _run(
            project, both, partition_key=dg.MultiPartitionKey({"day": day, "state": state})
        )
        assert result.success, failures(result)
    assert project.query("from pairs order by number") == [
        ("20240228", "it's", 1), ("20240229", "open", 2), ("20240228", "open", 3),
    ]  # fmt: skip


@pytest.mark.parametrize("definition", [STATES, DAYS, BOTH])
def test_partitions_without_an_expression(project: Project, definition: Any) -> None:
    """An asset whose metadata doesn't say what it is partitioned by is told how to."""

    @dg.asset(key=[PREFIX, "lacking"], partitions_def=definition, io_manager_key=STORE)
    def lacking() -> pd.DataFrame:
        return pd.DataFrame({"a": [1]})

    first = definition.get_partition_keys()[0]
    [text] = failures(_run(project, lacking, partition_key=first)).values()
    assert "campaign_monitor/lacking" in text
    assert "'partition_expr'" in text


def test_only_the_chosen_columns(with_parents: Project) -> None:
    """The metadata `columns` of an input loads those columns and no other."""

    @dg.asset(ins={"lists": dg.AssetIn(key("lists"), metadata={"columns": ["Name", "ListID"]})})
    def names(lists: pd.DataFrame) -> None:
        assert list(lists.columns) == ["Name", "ListID"]
        assert len(lists) == with_parents.count("lists")

    result = with_parents.materialize(more=[names])
    assert result.success, failures(result)


@pytest.mark.parametrize("given", [None, [{"a": 1}], "text"])
def test_what_can_not_be_stored(with_parents: Project, given: Any) -> None:
    """An output that is no DataFrame is refused with what is allowed; the table stays."""

    @dg.asset(key=[PREFIX, "lists"], io_manager_key=STORE)
    def mine() -> Any:
        return given

    before = with_parents.query("from lists order by all")
    [text] = failures(_run(with_parents, mine)).values()
    assert "a pandas or polars DataFrame or a pyarrow Table" in text
    assert with_parents.query("from lists order by all") == before


def test_an_input_of_a_type_that_is_none(with_parents: Project) -> None:
    """An input that is annotated with something else is told what it may be annotated with."""

    @dg.asset(ins={"lists": dg.AssetIn(key("lists"))})
    def names(lists: dict[str, str]) -> None:
        raise AssertionError(lists)

    [text] = failures(with_parents.materialize(more=[names])).values()
    assert "a pandas or polars DataFrame or a pyarrow Table" in text


def test_a_users_own_assets_use_the_resource(with_parents: Project) -> None:
    """The warehouse is a DuckDBResource: `get_connection` reads, and writes in a transaction."""

    @dg.asset(required_resource_keys={f"{PREFIX}_warehouse"})
    def counted(context: dg.AssetExecutionContext) -> None:
        with getattr(context.resources, f"{PREFIX}_warehouse").get_connection() as connection:
            connection.execute("create table campaign_monitor.mine as select 1 as a")

    assert _run(with_parents, counted).success
    assert with_parents.query("from mine") == [(1,)]
