"""The paginator by property: a simulated server that moves rows, caps pages or lies; no HTTP."""

import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest

from campaign_monitor_assets.extract.paginator import (
    Judgement,
    Page,
    PageRequest,
    Verdict,
    judge,
    next_requests,
)

Rows = list[int]


def served(request: PageRequest, rows: Rows, cap: int | None = None) -> Page:
    """The page that an honest server gives, which may give fewer rows than it is asked for."""
    size = min(request.size, cap or request.size)
    begin = (request.number - 1) * size
    keys = array("q", rows[begin : begin + size])
    return Page(
        request=request,
        keys=keys,
        total=len(rows),
        number=request.number,
        size=size,
        records=len(keys),
        pages=math.ceil(len(rows) / size),
        by_date=True,
    )


def attempt(
    serve: Callable[[PageRequest], Page], page_size: int, *, has_key: bool = True
) -> tuple[list[Page], Judgement]:
    pages: list[Page] = []
    while requests := next_requests(pages, page_size=page_size):
        pages += [serve(request) for request in requests]
    return pages, judge(pages, has_key=has_key)


def staged(pages: Sequence[Page]) -> Rows:
    return [key for page in pages for key in page.keys[page.request.skip :]]


@hypothesis.given(
    st.integers(0, 400),
    st.sampled_from([10, 11, 20, 37, 100]),
    st.sampled_from([None, 1, 7, 10, 19]),
)
def test_a_collection_at_rest(total: int, page_size: int, cap: int | None) -> None:
    """Every row of a collection that doesn't move is read once, whatever a page may hold."""
    rows = list(range(total))
    pages, judgement = attempt(lambda request: served(request, rows, cap), page_size)
    assert judgement.verdict is Verdict.CONSISTENT, judgement.detail
    assert sorted(staged(pages)) == rows
    full = min(max(page_size, 11), cap or 1000)
    size = full if cap and cap < max(page_size, 11) else max(full - 1, 1)
    assert len(pages) <= math.ceil(total / size) + 2


MOVES = st.dictionaries(
    st.integers(0, 30),
    st.tuples(st.lists(st.integers(0, 199), max_size=5), st.integers(0, 5)),
    max_size=4,
)


@hypothesis.settings(max_examples=300)
@hypothesis.given(
    st.integers(1, 200), st.sampled_from([10, 20, 37]), st.sampled_from([None, 7, 15]), MOVES
)
def test_a_collection_that_moves(
    total: int, page_size: int, cap: int | None, moves: dict[int, tuple[list[int], int]]
) -> None:
    """Whatever leaves and arrives between pages, a consistent attempt misses no row that stays."""
    rows, asked, before = list(range(total)), 0, set(range(total))

    def serve(request: PageRequest) -> Page:
        nonlocal asked, rows
        page = served(request, rows, cap)
        leaving, arriving = moves.get(asked, ([], 0))
        rows = [row for at, row in enumerate(rows) if at not in leaving]
        rows += [10_000 * (asked + 1) + number for number in range(arriving)]
        asked += 1
        return page

    pages, judgement = attempt(serve, page_size)
    found = staged(pages)
    if judgement.verdict is Verdict.CONSISTENT:
        assert before & set(rows) <= set(found)
        assert len(found) == len(set(found))
    assert judgement.verdict is not Verdict.CONTRADICTORY


FIGURES = ["total", "number", "size", "records", "pages"]
ABSURD = [
    *product(FIGURES, [-1, 0, 10**12, 10**30]),
    *product(["size", "records", "pages"], [None]),
]


@pytest.mark.parametrize(("figure", "value"), ABSURD)
@pytest.mark.parametrize("at", [1, 3, 5])
def test_an_absurd_figure(figure: str, value: int | None, at: int) -> None:
    """Whichever figure of whichever page is absurd: all rows, or a contradiction; few requests."""
    rows = list(range(90))

    def serve(request: PageRequest) -> Page:
        changed: dict[str, Any] = {figure: value} if request.number == at else {}
        return replace(served(request, rows), **changed)

    pages, judgement = attempt(serve, 20)
    assert len(pages) <= 5
    if value is None:
        assert judgement.verdict is Verdict.CONSISTENT
        assert sorted(staged(pages)) == rows
    else:
        assert judgement.verdict is Verdict.CONTRADICTORY
        assert f"page {at} of " in judgement.detail
        assert str(value) in judgement.detail


@pytest.mark.parametrize("total", [100, 10**5, 10**8])
def test_a_total_that_only_the_first_page_gives(total: int) -> None:
    """Pages beyond the total that the last page gives are not requested."""
    rows = list(range(90))

    def serve(request: PageRequest) -> Page:
        page = served(request, rows)
        pages = math.ceil(total / request.size)
        return replace(page, total=total, pages=pages) if request.number == 1 else page

    pages, judgement = attempt(serve, 20)
    assert len(pages) <= 7
    assert judgement.verdict in {Verdict.CHANGED, Verdict.CONTRADICTORY}


def test_a_server_that_gives_page_one_for_every_page() -> None:
    """Even if it gives the number that was asked for, rows that come again are no other rows."""
    rows = list(range(90))

    def serve(request: PageRequest) -> Page:
        first = served(replace(request, number=1), rows)
        return replace(first, request=request, number=request.number)

    _, judgement = attempt(serve, 20)
    assert judgement.verdict is Verdict.CONTRADICTORY


def test_keys_that_the_account_has_twice() -> None:
    """They are told from pages that came twice, and only where the table has a key."""
    rows = [*range(60), 5, *range(60, 90)]
    _, keyed = attempt(lambda request: served(request, rows), 20)
    assert keyed.verdict is Verdict.REPEATS_KEYS
    _, events = attempt(lambda request: served(request, rows), 20, has_key=False)
    assert events.verdict is Verdict.CONSISTENT


def test_attempts_that_are_alike() -> None:
    """Two attempts have one fingerprint if, and only if, all their pages are the same."""
    rows = [*range(60), 5, *range(60, 90)]
    one, two = (attempt(lambda request: served(request, rows), 20)[1] for _ in range(2))
    other = attempt(lambda request: served(request, [*rows[:-1], 1000]), 20)[1]
    assert one.fingerprint == two.fingerprint != other.fingerprint
