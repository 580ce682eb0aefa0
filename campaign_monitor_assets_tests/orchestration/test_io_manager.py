"""The IO manager: empty collections, new columns, DataFrames of downstream assets."""

from typing import Any

import dagster as dg
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.project import PREFIX, Project, failures, key

FRAMES: dict[str, Any] = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
STORE = f"{PREFIX}_io_manager"


def downstream(frame: str, make: Any) -> dg.AssetsDefinition:
    """An asset of a user's own that makes a table of the lists."""
    type_ = pa.Table if frame == "pyarrow" else FRAMES[frame]

    def by_client(lists: Any) -> Any:
        assert isinstance(lists, type_)
        return make(lists)

    by_client.__annotations__ = {"lists": type_, "return": type_}
    asset: dg.AssetsDefinition = dg.asset(
        by_client,
        key=[PREFIX, "mine"],
        ins={"lists": dg.AssetIn(key("lists"))},
        io_manager_key=STORE,
    )
    return asset


def sync(project: Project, asset: dg.AssetsDefinition) -> dg.ExecuteInProcessResult:
    return project.materialize(more=[asset])


def described(project: Project) -> dict[str, str]:
    return {name: kind for name, kind, *_ in project.query("describe mine")}


@pytest.mark.parametrize("frame", FRAMES)
def test_frames(with_parents: Project, frame: str) -> None:
    """A DataFrame of any of the three kinds goes in and comes out as it was."""
    result = sync(with_parents, downstream(frame, lambda lists: lists))
    assert result.success, failures(result)
    assert with_parents.query("from mine order by all") == with_parents.query(
        "from lists order by all"
    )
    assert described(with_parents)["_synced_at"].startswith("TIMESTAMP")


@pytest.mark.parametrize("frame", FRAMES)
def test_frames_that_change(with_parents: Project, frame: str) -> None:
    """Columns in another order, more of them, and no rows at all: the table is as the frame."""
    make = FRAMES[frame]
    versions: list[dict[str, list[Any]]] = [
        {"a": [1, 2], "b": ["x", "y"]},
        {"b": ["z"], "a": [3]},
        {"a": [4], "new column": [True], "b": ["w"]},
        {"b": ["v"]},
    ]
    for version in versions:
        result = sync(with_parents, downstream(frame, lambda _, now=version: make(now)))
        assert result.success, failures(result)
        columns = list(described(with_parents))
        # Of a lake's tables only those that are made anew have the order of the frame.
        assert (columns if warehouses.KIND == "file" else sorted(columns)) == (
            list(version) if warehouses.KIND == "file" else sorted(version)
        )
        chosen = ", ".join(f'"{column}"' for column in version)
        rows = with_parents.query(f"select {chosen} from mine order by all")
        assert rows == sorted(zip(*version.values(), strict=True))


@pytest.mark.parametrize("frame", FRAMES)
def test_an_empty_frame(with_parents: Project, frame: str) -> None:
    """A frame without rows is a table without rows, with the frame's columns and types."""
    result = sync(with_parents, downstream(frame, lambda lists: lists[:0]))
    assert result.success, failures(result)
    assert with_parents.count("mine") == 0
    assert described(with_parents)["ListID"] == "VARCHAR"


@pytest.mark.parametrize("frame", FRAMES)
def test_a_frame_that_fails(with_parents: Project, frame: str) -> None:
    """An asset that fails leaves its table as it was, and so does a frame that can't be stored."""

    def fails(_: Any) -> Any:
        raise ValueError

    assert sync(with_parents, downstream(frame, lambda lists: lists)).success
    before = with_parents.query("from mine order by all")
    assert not sync(with_parents, downstream(frame, fails)).success
    nothing = pa.table({}) if frame == "pyarrow" else FRAMES[frame]()
    assert not sync(with_parents, downstream(frame, lambda _: nothing)).success
    assert with_parents.query("from mine order by all") == before


def test_an_untyped_input_is_a_pandas_frame(with_parents: Project) -> None:
    """An asset that doesn't say what it wants gets a pandas DataFrame."""

    @dg.asset(key=[PREFIX, "mine"], ins={"lists": dg.AssetIn(key("lists"))}, io_manager_key=STORE)
    def mine(lists):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        assert isinstance(lists, pd.DataFrame)
        return lists.groupby("ClientID", as_index=False).size()

    result = sync(with_parents, mine)
    assert result.success, failures(result)
    assert with_parents.query("select sum(size) from mine") == with_parents.query(
        "select count(*) from lists"
    )


def test_an_empty_collection(with_parents: Project) -> None:
    """A collection without rows is an empty table with all its columns, types and comments."""
    for client in with_parents.box.account("templates")["templates"]:
        with_parents.box.mutate("templates", client, [])
    result = with_parents.materialize("templates")
    assert result.success, failures(result)
    assert with_parents.count("templates") == 0
    columns = with_parents.query(
        "select column_name, data_type, comment from duckdb_columns()"
        " where table_name = 'templates' order by column_index"
    )
    assert [column[:2] for column in columns] == [
        ("ClientID", "VARCHAR"),
        ("TemplateID", "VARCHAR"),
        ("Name", "VARCHAR"),
        ("PreviewURL", "VARCHAR"),
        ("ScreenshotURL", "VARCHAR"),
        ("_synced_at", "TIMESTAMP"),
    ]
    assert all(comment for *_, comment in columns)


def test_children_of_nothing(with_parents: Project) -> None:
    """Where there is no parent nothing is asked, and the children's table is empty."""
    with_parents.change("delete from lists")
    result = with_parents.materialize("active_subscribers")
    assert result.success, failures(result)
    assert with_parents.count("active_subscribers") == 0
    assert with_parents.box.requests()["requests"] == []


def test_children_without_their_parents_table(project: Project) -> None:
    """Where the parent's table is not there the run says which one to materialize."""
    assert project.materialize("clients").success
    [text] = failures(project.materialize("active_subscribers")).values()
    assert "campaign_monitor.lists is not in the DuckDB file yet" in text


def test_a_column_that_goes_again(with_parents: Project) -> None:
    """A field that the API stops sending leaves the table with the next snapshot."""
    box = with_parents.box
    [(client,)] = with_parents.query("select min(ClientID) from clients")
    rows = box.account("templates")["templates"][client]
    box.mutate("templates", client, [{**rows[0], "Colour": "red"}])
    assert with_parents.materialize("templates").success
    assert with_parents.query("select Colour from templates where Colour is not null") == [
        ('"red"',)
    ]
    box.mutate("templates", client, rows)
    assert with_parents.materialize("templates").success
    assert "Colour" not in {name for name, *_ in with_parents.query("describe templates")}


def test_a_field_that_can_not_be_loaded(with_parents: Project) -> None:
    """What DuckDB refuses to load fails the table, and the old one is whole."""
    assert with_parents.materialize("templates").success
    before = with_parents.query("from templates order by all")
    body = '[{"TemplateID": 1, "Name": "somebody.private@example.com", "TemplateID": 2}]'
    rule = {"what": "body", "path": "/templates", "text": body, "times": None}
    with_parents.box.faults([rule])
    [text] = failures(with_parents.materialize("templates")).values()
    assert "DatabaseError" in text
    assert "somebody.private" not in text
    assert with_parents.query("from templates order by all") == before
