"""Which collections are due, and what is made of answers: pure, no HTTP and no SQL."""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random

import hypothesis
import hypothesis.strategies as st
import pytest

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.extract.fetch import Request, Response
from campaign_monitor_assets.extract.increments import (
    IncrementReader,
    Outcome,
    is_due,
    reason_for_full,
)
from campaign_monitor_assets.extract.paginator import Page
from campaign_monitor_assets.extract.settings import ExtractSettings
from campaign_monitor_assets.staging.records import (
    CollectionRead,
    ReadInFull,
    Reason,
    StoredCollection,
)

TABLE = CATALOGUE["active_subscribers"]
START = datetime(2026, 1, 1, 6)  # noqa: DTZ001 (UTC without a zone)
SINCE = START - timedelta(days=1)
PAGE_SIZE = 20
property_of = hypothesis.settings(max_examples=60, deadline=None)

People = dict[int, datetime]
"""For each key since when somebody is in a state."""


@property_of
@hypothesis.given(st.integers(1, 15), st.integers(0, 2**32), st.sampled_from([6, 24]))
def test_every_collection_is_read_in_full_in_time(days: int, seed: int, hours: int) -> None:
    """With runs at least daily no full reading is older than the days, and no run has them all."""
    # So many that chance alone hardly gives half of them to a run.
    names = [f"{seed}-{number}" for number in range(300)]
    full_at = dict.fromkeys(names, START)
    due: Counter[datetime] = Counter()
    for run in range(1, 3 * days * 24 // hours):
        now = START + timedelta(hours=hours * run)
        for name in names:
            if is_due(name, full_at[name], now, days):
                full_at[name] = now
                due[now] += 1
            assert now - full_at[name] < timedelta(days=days)
    if days >= 4:
        assert max(due.values()) < len(names) / 2


def test_rare_runs() -> None:
    """Where runs are rarer than the days, each reads in full."""
    assert all(is_due(str(number), START, START + timedelta(days=7), 7) for number in range(100))


@pytest.mark.parametrize(
    ("rows", "age", "reason"),
    [(140, 0, Reason.SMALL), (141, 0, None), (100_000, 7, Reason.DUE), (100_000, 0, None)],
)
def test_why_in_full(rows: int, age: int, reason: Reason | None) -> None:
    """What takes as few requests in full is read in full, and so is what is due."""
    stored = StoredCollection(rows, SINCE, rows, START)
    found = reason_for_full(
        "list", stored, least=7, page_size=20, now=START + timedelta(days=age), days=7
    )
    assert found == reason
    assert reason_for_full("new", None, least=7, page_size=20, now=START, days=7) is Reason.FIRST


@dataclass
class Api:
    """A list in all its states, which moves between any two requests."""

    rng: Random
    states: dict[str, People]
    restless: float
    moved: int = 0
    asked: int = 0
    lies: bool = False
    now: datetime = START
    keys: "count[int]" = field(default_factory=lambda: count(10_000))

    def move(self) -> None:
        """Lets somebody join, leave or come back."""
        self.now += timedelta(seconds=1)
        self.moved += 1
        active, gone = self.states["active"], self.states["unsubscribed"]
        what = self.rng.choice(["join", "leave", "come back"])
        if what == "join":
            active[next(self.keys)] = self.now
        elif what == "leave" and active:
            key = self.rng.choice(list(active))
            gone[key] = self.now
            del active[key]
        elif what == "come back" and gone:
            key = self.rng.choice(list(gone))
            active[key] = self.now
            del gone[key]

    def answer(self, request: Request) -> Response:
        """The page that is asked for, of what the list is now."""
        if self.rng.random() < self.restless:
            self.move()
        self.asked += 1
        assert request.page is not None
        state = (request.elsewhere or "/active").rpartition("/")[2]
        found = self.states.get(state, {})
        rows = sorted(((since, key) for key, since in found.items()), reverse=request.descending)
        if request.since:
            asked = datetime.fromisoformat(request.since)
            rows = [row for row in rows if row[0] >= asked]
            rows = rows[:-1] if self.lies else rows
        size, number = request.page.size, request.page.number
        keys = array("q", [key for _, key in rows[(number - 1) * size : number * size]])
        page = Page(
            request=request.page,
            keys=keys,
            total=len(rows),
            number=number,
            size=size,
            records=len(keys),
            pages=-(-len(rows) // size),
            by_date=True,
        )
        times = [f"{since}" for since, _ in rows[(number - 1) * size : number * size]]
        return Response(page=page, times=times if request.descending else ())


def read(api: Api, stored: People) -> tuple[Outcome, dict[str, set[int]]]:
    """What comes of reading, and the keys that were staged, by endpoint, of the last attempt."""
    older = sum(since < SINCE for since in stored.values())
    reader = IncrementReader(
        TABLE,
        {"ClientID": "c", "ListID": "l"},
        StoredCollection(len(stored), SINCE, older, START),
        ExtractSettings(page_size=PAGE_SIZE),
        count(1).__next__,
        "/lists/l/active",
    )
    task, staged = reader.read(), dict[tuple[int, str], set[int]]()
    try:
        batch: Sequence[Request] = next(task)
        while True:
            responses = [api.answer(request) for request in batch]
            for request, response in zip(batch, responses, strict=True):
                assert response.page is not None
                if not request.counts_only:
                    place = (request.read, "left" if request.elsewhere else "came")
                    staged.setdefault(place, set()).update(response.page.keys)
            batch = task.send(responses)
    except StopIteration as stop:
        outcome: Outcome = stop.value
    last = outcome.read if isinstance(outcome, CollectionRead) else 0
    return outcome, {name: keys for (number, name), keys in staged.items() if number == last}


def merged(stored: People, staged: dict[str, set[int]]) -> set[int]:
    """The merge, as the warehouse makes it."""
    older = {key for key, since in stored.items() if since < SINCE}
    return (older - staged.get("left", set())) | staged.get("came", set())


def account(seed: int, restless: float = 0) -> tuple[Api, People]:
    """A list that was stored at the start and has moved since."""
    rng = Random(seed)
    active = {key: START - timedelta(days=rng.randint(0, 90)) for key in range(400)}
    gone = {key: START - timedelta(days=rng.randint(0, 90)) for key in range(500, 540)}
    api = Api(rng, {"active": dict(active), "unsubscribed": gone}, restless)
    for _ in range(rng.randint(0, 30)):
        api.move()
    return api, active


@property_of
@hypothesis.given(st.integers(0, 10**9))
def test_a_quiet_list(seed: int) -> None:
    """Where nothing moves meanwhile, a candidate comes of seven small requests, and it is right."""
    api, stored = account(seed)
    outcome, staged = read(api, stored)
    assert isinstance(outcome, CollectionRead)
    assert merged(stored, staged) == set(api.states["active"])
    assert outcome.reported == len(api.states["active"])
    assert 7 <= api.asked <= 7 + -(-outcome.rows // PAGE_SIZE) * 2


@property_of
@hypothesis.given(st.integers(0, 10**9), st.sampled_from([0.02, 0.1, 0.5]))
def test_a_restless_list(seed: int, restless: float) -> None:
    """Whoever is there all along is in a candidate whose count fits; nobody who never was is."""
    api, stored = account(seed, restless)
    before = set(api.states["active"])
    outcome, staged = read(api, stored)
    if not isinstance(outcome, CollectionRead):
        assert isinstance(outcome, ReadInFull)
        return
    found, after = merged(stored, staged), set(api.states["active"])
    if len(found) == outcome.reported:
        moved = {key for key, since in api.states["active"].items() if since >= START}
        moved |= set(api.states["unsubscribed"])
        assert (before & after) - moved <= found
        assert found <= before | after


@property_of
@hypothesis.given(st.integers(0, 10**9))
def test_a_filter_that_leaves_out(seed: int) -> None:
    """A filter that leaves records out is noticed by the figures, or by the count of the merge."""
    api, stored = account(seed)
    api.lies = True
    truth = set(api.states["active"])
    outcome, staged = read(api, stored)
    if isinstance(outcome, CollectionRead):
        found = merged(stored, staged)
        assert found == truth or len(found) != outcome.reported
    else:
        assert isinstance(outcome, ReadInFull)
        assert "leaves some out" in outcome.detail
