"""What a page says of itself, each figure absurd: all rows arrive, or nothing is published."""

import contextlib
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from campaign_monitor_assets.api.auth import Credentials
from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.api.settings import ApiSettings
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.errors import UnexpectedResponseError
from campaign_monitor_assets.extract.errors import ContradictoryPagesError
from campaign_monitor_assets.extract.settings import ExtractSettings
from campaign_monitor_assets.extract.tables import read_tables
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets.staging.files import StagingWriter
from campaign_monitor_assets.staging.records import Staged
from campaign_monitor_assets_tests.project import Project, checks, failures, metadata, people

TABLE = "active_subscribers"
FIGURES = [
    "PageNumber",
    "PageSize",
    "RecordsOnThisPage",
    "TotalNumberOfRecords",
    "NumberOfPages",
]
VALUES: dict[str, Any] = {
    "missing": ...,
    "null": None,
    "negative": -1,
    "zero": 0,
    "huge": 10**12,
    "string": "90",
    "float": 90.5,
}
TOLERATED = {
    (figure, value)
    for figure in ("PageSize", "RecordsOnThisPage", "NumberOfPages")
    for value in ("missing", "null")
}
"""What the other figures suffice for."""


def list_of(box: Sandbox, rows: list[dict[str, Any]]) -> str:
    lists = box.account("lists")["lists"].values()
    list_id = min(str(row["ListID"]) for rows in lists for row in rows)
    box.mutate(TABLE, list_id, rows)
    return list_id


def read(box: Sandbox, folder: Path, list_id: str, **settings: Any) -> Staged:
    """Reads one list into staged files."""
    client = ApiClient(
        ApiSettings(base_url=box.url, max_attempts=2, backoff=0.01), Credentials(api_key=box.key)
    )
    parents = [{"ClientID": "c", "ListID": list_id}]
    with contextlib.closing(client):
        writer = StagingWriter(CATALOGUE[TABLE], folder, datetime(2026, 1, 1), 1)  # noqa: DTZ001
        [staged] = read_tables(client, [writer], parents, ExtractSettings(**settings))
    return staged


@pytest.mark.parametrize(
    ("page", "figure", "value"),
    [
        # Each figure and value on one of the pages; all of the matrix takes longer.
        pytest.param(*case, marks=[] if at % 3 == at // 35 else [pytest.mark.slow])
        for at, case in enumerate(product((1, 3, 5), FIGURES, VALUES))
    ],
)
def test_an_absurd_figure(box: Sandbox, tmp_path: Path, page: int, figure: str, value: str) -> None:
    """All rows are read, or the error names the figures; requests have a bound."""
    list_id = list_of(box, people(90))
    change: dict[str, Any] = (
        {"drop": [figure]} if VALUES[value] is ... else {"put": {figure: VALUES[value]}}
    )
    box.faults([{"what": "envelope", "path": "/active", "page": page, "times": None, **change}])
    if (figure, value) in TOLERATED:
        staged = read(box, tmp_path, list_id, page_size=20)
        assert (staged.rows, staged.reported, staged.inconsistent) == (90, 90, ())
    else:
        with pytest.raises((ContradictoryPagesError, UnexpectedResponseError), match=figure):
            read(box, tmp_path, list_id, page_size=20)
    assert len(box.requests()["requests"]) <= 4 * 5


@pytest.mark.parametrize(("total", "cap"), [(2500, 100), (49, 2), (25, 10), (2500, 999), (11, 11)])
def test_pages_that_hold_fewer_rows_than_asked_for(
    with_parents: Project, total: int, cap: int
) -> None:
    """A server that caps its pages and says so is paged by its own size, and every row arrives."""
    box = with_parents.box
    list_id = list_of(box, people(total))
    with_parents.change("delete from lists where ListID <> ?", list_id)
    box.faults([{"what": "cap", "rows": cap, "path": "/active", "times": None}])
    result = with_parents.materialize(TABLE)
    assert result.success, failures(result)
    assert with_parents.query(f"select count(distinct EmailAddress) from {TABLE}") == [(total,)]
    assert checks(result, TABLE)["row_count_matches_source"].passed
    assert "inconsistent_collections" not in metadata(result, TABLE)


def test_a_capped_list_that_moves_after_page_one(box: Sandbox, tmp_path: Path) -> None:
    """A swap after page 1 is noticed where pages can't overlap as well."""
    list_id = list_of(box, people(90))
    path = f"lists/{list_id}/active"
    box.faults(
        [
            {"what": "cap", "rows": 15, "path": path, "times": None},
            {"what": "churn", "path": path, "page": 1, "leave": 5, "arrive": 5},
        ]
    )
    staged = read(box, tmp_path, list_id, page_size=20)
    assert (staged.rows, staged.retries, staged.inconsistent) == (90, 1, ())


@pytest.mark.parametrize(
    "change",
    [
        {"put": {"PageNumber": 1}},
        {"put": {"TotalNumberOfRecords": 0}},
        {"put": {"TotalNumberOfRecords": -1}},
        {"put": {"TotalNumberOfRecords": 10**12}},
    ],
)
def test_a_contradiction_keeps_the_old_snapshot(
    with_parents: Project, change: dict[str, Any]
) -> None:
    """Figures that can't be right fail the table with what they are; the old rows stay."""
    box = with_parents.box
    list_id = list_of(box, people(2500))
    with_parents.change("delete from lists where ListID <> ?", list_id)
    assert with_parents.materialize(TABLE).success
    box.faults([{"what": "envelope", "path": "/active", "times": None, **change}])
    [text] = failures(with_parents.materialize(TABLE)).values()
    assert "ContradictoryPagesError" in text
    [(figure, value)] = change["put"].items()
    assert f"{figure} {value}" in text
    assert list_id in text
    assert with_parents.count(TABLE) == 2500


def test_a_passing_contradiction_costs_a_retry(box: Sandbox, tmp_path: Path) -> None:
    """A page that contradicts itself once is read again with its collection."""
    list_id = list_of(box, people(90))
    change = {"put": {"TotalNumberOfRecords": 7}}
    box.faults([{"what": "envelope", "path": "/active", "page": 3, "times": 1, **change}])
    staged = read(box, tmp_path, list_id, page_size=20)
    assert (staged.rows, staged.retries, staged.inconsistent) == (90, 1, ())


def test_an_order_that_is_not_the_one_asked_for(box: Sandbox, tmp_path: Path) -> None:
    """Where a server orders by something else than the date, arrivals may shift rows."""
    list_id = list_of(box, people(90))
    path = f"lists/{list_id}/active"
    box.faults(
        [
            {
                "what": "envelope",
                "path": path,
                "put": {"ResultsOrderedBy": "email"},
                "times": None,
            },
            {"what": "churn", "path": path, "arrive": 3, "times": 1},
        ]
    )
    assert read(box, tmp_path, list_id, page_size=20).retries == 1
