"""Completeness: what is read is what is there, however the account moves meanwhile."""

import json
from collections import Counter
from itertools import product
from typing import Any

import dagster as dg
import hypothesis
import hypothesis.strategies as st
import pytest

from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.project import Project, checks, failures, metadata, people

TABLE = "active_subscribers"
COUNT = "row_count_matches_source"
SIZES = [1001, 1999, 2000, 2500, 3000]
SWAPS = [
    pytest.param(*swap, marks=[] if at % 10 == 0 else [pytest.mark.slow])
    for at, swap in enumerate(product(SIZES, (1, 2, 3), (1, 300)))
]


@pytest.fixture
def one_list(with_parents: Project) -> Project:
    """A project that knows of one list only."""
    with_parents.change("delete from lists where ListID <> (select min(ListID) from lists)")
    return with_parents


def list_of(project: Project) -> str:
    return str(project.query("select ListID from lists")[0][0])


def fill(project: Project, rows: list[dict[str, Any]]) -> None:
    project.box.mutate(TABLE, list_of(project), rows)


def churn(project: Project, **rule: Any) -> dict[str, Any]:
    return {"what": "churn", "path": f"lists/{list_of(project)}/active", **rule}


def truth(project: Project) -> set[str]:
    rows = project.box.account(TABLE)[TABLE][list_of(project)]
    return {row["EmailAddress"] for row in rows}


def stored(project: Project) -> Counter[str]:
    return Counter(address for (address,) in project.query(f"select EmailAddress from {TABLE}"))


def requests(box: Sandbox) -> int:
    return len(box.requests()["requests"])


def assert_complete(project: Project, result: dg.ExecuteInProcessResult) -> None:
    assert result.success, failures(result)
    assert stored(project) == Counter(truth(project))
    count = checks(result, TABLE)[COUNT]
    assert count.passed, count.description
    assert metadata(result, TABLE)["collections_read_again"] >= 1


def test_everything_is_read(project: Project) -> None:
    """A list of each size, over several pages, in one, and empty, is stored row by row."""
    result = project.materialize("clients", "lists", TABLE)
    assert result.success, failures(result)
    truth_of_all = {
        (list_id, row["EmailAddress"], row["Name"], row["Date"])
        for list_id, rows in project.box.account(TABLE)[TABLE].items()
        for row in rows
    }
    assert len(truth_of_all) > 3400
    found = project.query(
        f"select ListID, EmailAddress, Name, strftime(Date, '%Y-%m-%d %H:%M:%S') from {TABLE}"
    )
    assert Counter(found) == Counter(truth_of_all)
    figures = metadata(result, TABLE)
    assert (figures["dagster/row_count"], figures["reported"], figures["staged"]) == (
        len(truth_of_all),
    ) * 3


@pytest.mark.parametrize(
    "total", [2000, *(pytest.param(each, marks=pytest.mark.slow) for each in (1001, 2500))]
)
def test_records_leave_after_the_first_page(one_list: Project, total: int) -> None:
    """300 records that leave after page 1 are gone from the table, and nobody else is."""
    fill(one_list, people(total))
    one_list.box.faults([churn(one_list, page=1, leave=300)])
    assert_complete(one_list, one_list.materialize(TABLE))
    assert len(truth(one_list)) == total - 300


def test_records_leave_on_every_page(one_list: Project) -> None:
    """Records that leave at each of the first requests make the list be read until it rests."""
    fill(one_list, people(3400))
    one_list.box.faults([churn(one_list, leave=30, times=6)])
    assert_complete(one_list, one_list.materialize(TABLE))
    assert len(truth(one_list)) == 3400 - 6 * 30


@pytest.mark.parametrize(("total", "after", "count"), SWAPS)
def test_as_many_leave_as_arrive(one_list: Project, total: int, after: int, count: int) -> None:
    """A swap that leaves every total as it was is noticed, whenever it happens."""
    fill(one_list, people(total))
    moves = churn(one_list, skip=after - 1, leave=count, arrive=count)
    one_list.box.faults([moves])
    result = one_list.materialize(TABLE)
    assert result.success, failures(result)
    assert len(truth(one_list)) == total
    assert max(stored(one_list).values()) == 1
    there_throughout = {row["EmailAddress"] for row in people(total)} & truth(one_list)
    assert there_throughout <= set(stored(one_list))
    assert checks(result, TABLE)[COUNT].passed
    if after == 1:
        # Whoever left after the first page of all had still to be seen as gone.
        assert stored(one_list) == Counter(truth(one_list))


@pytest.mark.parametrize("page_size", [10, 11, 20])
def test_a_swap_between_small_pages(one_list: Project, page_size: int) -> None:
    """Even the smallest pages overlap, so that a swap right after page 1 is noticed."""
    fill(one_list, people(60))
    one_list.box.faults([churn(one_list, page=1, leave=5, arrive=5)])
    assert_complete(one_list, one_list.materialize(TABLE, page_size=page_size))


def test_the_last_record_leaves(one_list: Project) -> None:
    """A total that falls is noticed even where no row that was read has shifted."""
    fill(one_list, people(2500))
    one_list.box.faults([churn(one_list, skip=1, positions=[2499])])
    assert_complete(one_list, one_list.materialize(TABLE))
    assert len(truth(one_list)) == 2499


@pytest.mark.parametrize("given", [4, 6])
@pytest.mark.parametrize("lasting", [True, False])
def test_a_page_that_is_not_as_long_as_it_says(
    one_list: Project,
    given: int,
    lasting: bool,  # noqa: FBT001
) -> None:
    """A row short or over is noticed and read again; where it stays so, nothing is published."""
    fill(one_list, people(5))
    body = {"Results": people(given), "PageNumber": 1, "TotalNumberOfRecords": 5}
    rule = {"what": "body", "path": "/active", "text": json.dumps({**body, "NumberOfPages": 1})}
    one_list.box.faults([{**rule, "times": None if lasting else 1}])
    result = one_list.materialize(TABLE)
    if not lasting:
        assert_complete(one_list, result)
        return
    [text] = failures(result).values()
    assert f"holds {given} rows and says PageNumber 1, TotalNumberOfRecords 5" in text
    assert one_list.query("from duckdb_tables() where table_name = ?", TABLE) == []


def test_additions_alone(one_list: Project) -> None:
    """Records that are added while a list is read shift nothing, so it is read once."""
    fill(one_list, people(2500))
    one_list.box.faults([churn(one_list, arrive=7, times=3)])
    result = one_list.materialize(TABLE)
    assert result.success, failures(result)
    assert requests(one_list.box) == 3
    assert "collections_read_again" not in metadata(result, TABLE)
    assert {row["EmailAddress"] for row in people(2500)} <= set(stored(one_list))
    assert set(stored(one_list)) <= truth(one_list)
    assert checks(result, TABLE)[COUNT].passed


def test_only_the_list_that_moved_is_read_again(with_parents: Project) -> None:
    """One list's movement costs a second reading of that list, not of the table."""
    assert with_parents.materialize(TABLE).success
    undisturbed = requests(with_parents.box)
    with_parents.box.reset()
    [(moved,)] = with_parents.query(
        f"select ListID from {TABLE} group by ListID order by count(*) desc limit 1"
    )
    with_parents.box.faults(
        [{"what": "churn", "path": f"lists/{moved}/active", "page": 1, "leave": 300}]
    )
    result = with_parents.materialize(TABLE)
    log = with_parents.box.requests()["requests"]
    of_moved = [entry for entry in log if moved in entry["path"]]
    assert result.success, failures(result)
    assert len(log) - len(of_moved) == undisturbed - 4
    assert len(of_moved) == 4 + 4


@pytest.mark.parametrize("consistency_retries", [0, 1])
def test_a_list_that_never_stands_still(one_list: Project, consistency_retries: int) -> None:
    """It is kept as it was read last, each key once; its row-count check warns with the numbers."""
    fill(one_list, people(2500))
    one_list.box.faults([churn(one_list, leave=40, arrive=40, times=None)])
    result = one_list.materialize(TABLE, consistency_retries=consistency_retries)
    assert result.success, failures(result)
    assert requests(one_list.box) == 3 * (consistency_retries + 1)
    assert max(stored(one_list).values()) == 1
    assert len(stored(one_list)) > 2000
    found = checks(result, TABLE)[COUNT]
    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.WARN
    assert found.metadata["reported"].value == 2500
    assert found.metadata["dagster/row_count"].value == len(stored(one_list))
    assert found.metadata["inconsistent_collections"].value == 1
    assert checks(result, TABLE)["primary_key_unique"].passed
    assert metadata(result, TABLE)["inconsistent_collections"][0]["ListID"] == list_of(one_list)


@pytest.mark.parametrize(
    "page", [2, None, *(pytest.param(each, marks=pytest.mark.slow) for each in (1, 3))]
)
def test_a_list_deleted_meanwhile(with_parents: Project, page: int | None) -> None:
    """A list that is deleted before or while it is read is left out with a note; others arrive."""
    [(gone,)] = with_parents.query("select ListID from lists order by hash(Name) limit 1")
    with_parents.box.mutate(TABLE, gone, people(2500))
    rule = {"what": "gone", "path": f"lists/{gone}/active", "times": None}
    with_parents.box.faults([rule if page is None else {**rule, "page": page}])
    result = with_parents.materialize(TABLE)
    assert result.success, failures(result)
    others = with_parents.box.account(TABLE)[TABLE]
    lists = {list_id for (list_id,) in with_parents.query(f"select distinct ListID from {TABLE}")}
    assert lists == {list_id for list_id, rows in others.items() if rows and list_id != gone}
    assert [each["ListID"] for each in metadata(result, TABLE)["deleted_parents"]] == [gone]
    assert checks(result, TABLE)[COUNT].passed


def test_campaigns_shift_to_the_right(with_parents: Project) -> None:
    """Where the newest come first, one that leaves behind page 1 is noticed as well."""
    box = with_parents.box
    client = box.account("clients")["clients"][0]["ClientID"]
    model = box.account("campaigns")["campaigns"][client][0]
    rows = [
        model | {"CampaignID": f"{number:032x}", "SentDate": f"2026-01-{1 + number // 24:02} 10:00"}
        for number in range(90)
    ]
    box.mutate("campaigns", client, rows)
    path = f"clients/{client}/campaigns"
    box.faults([{"what": "churn", "path": path, "page": 1, "positions": [3, 50, 80]}])
    result = with_parents.materialize("campaigns", page_size=20)
    assert result.success, failures(result)
    left = {row["CampaignID"] for row in box.account("campaigns")["campaigns"][client]}
    found = with_parents.query("select CampaignID from campaigns where ClientID = ?", client)
    assert len(left) == 87
    assert Counter(found) == Counter((each,) for each in left)


def test_recipients_ordered_by_address(with_parents: Project) -> None:
    """Where newcomers come first and others leave, rows shift to the right: noticed as well."""
    box = with_parents.box
    campaigns = with_parents.query("select CampaignID from campaigns limit 1")
    with_parents.change("delete from campaigns where CampaignID <> ?", campaigns[0][0])
    recipients = box.account("campaign_recipients")["campaign_recipients"]
    model = recipients[campaigns[0][0]][0]
    rows = [model | {"EmailAddress": f"person.{number:03}@example.com"} for number in range(90)]
    box.mutate("campaign_recipients", campaigns[0][0], rows)
    moves = {"positions": [85, 86], "arrive": 2, "arrive_by": "email"}
    box.faults([{"what": "churn", "path": "recipients", "page": 1, **moves}])
    result = with_parents.materialize("campaign_recipients", page_size=20)
    assert result.success, failures(result)
    after = box.account("campaign_recipients")["campaign_recipients"][campaigns[0][0]]
    found = with_parents.query("select EmailAddress from campaign_recipients")
    assert Counter(found) == Counter((row["EmailAddress"],) for row in after)


Move = tuple[int, list[int], int]
MOVES = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.lists(st.integers(0, 99), max_size=8, unique=True),
        st.integers(0, 8),
    ),
    min_size=1,
    max_size=4,
)


def _move_and_read(project: Project, total: int, page_size: int, moves: list[Move]) -> None:
    project.box.reset()
    before = people(total)
    fill(project, before)
    project.box.faults(
        [
            churn(project, skip=skip, positions=positions, arrive=arrive)
            for skip, positions, arrive in moves
            if positions or arrive
        ]
    )
    result = project.materialize(TABLE, page_size=page_size, consistency_retries=2)
    assert result.success, failures(result)
    found, after = stored(project), truth(project)
    assert max(found.values(), default=1) == 1
    there_throughout = {row["EmailAddress"] for row in before} & after
    count = checks(result, TABLE)[COUNT]
    missed = there_throughout - set(found)
    assert not (count.passed and missed), f"{missed} were missed without a word"
    assert count.passed or count.severity is dg.AssetCheckSeverity.WARN


PROPERTY = hypothesis.settings(
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
    max_examples=4,
)


@PROPERTY
@hypothesis.given(st.integers(1, 110), st.sampled_from([10, 20, 37]), MOVES)
def test_any_movement(one_list: Project, total: int, page_size: int, moves: list[Move]) -> None:
    """Whatever leaves and arrives whenever, no record that stays is missed without a warning."""
    _move_and_read(one_list, total, page_size, moves)


@pytest.mark.slow
@hypothesis.settings(PROPERTY, max_examples=15)
@hypothesis.given(st.integers(1, 110), st.sampled_from([10, 20, 37]), MOVES)
def test_any_movement_at_length(
    one_list: Project, total: int, page_size: int, moves: list[Move]
) -> None:
    """The same, tried for longer."""
    _move_and_read(one_list, total, page_size, moves)


def test_records_of_one_date_may_come_in_any_order(one_list: Project) -> None:
    """Where an order by date does not hold from page to page, addresses tell what is there."""
    fill(one_list, [row | {"Date": "2026-01-01 10:00:00"} for row in people(2500)])
    path = f"lists/{list_of(one_list)}/active"
    one_list.box.faults([{"what": "ties", "path": path, "page": 2, "times": None}])
    result = one_list.materialize(TABLE)
    assert_complete(one_list, result)
    assert metadata(result, TABLE)["collections_read_again"] == 1
