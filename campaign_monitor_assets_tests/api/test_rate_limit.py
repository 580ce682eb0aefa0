"""The limiter, by a clock that a test moves: the limit is kept, whatever the vendor says of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.api.rate_limit import RateLimiter
from campaign_monitor_assets_tests.project import Project, at_once, failures


@dataclass
class Vendor:
    """Lets so many requests through in each window of its clock; a request takes some time."""

    limit: int
    window: float
    tells: bool
    now: float = 100.25
    used: dict[int, int] = field(default_factory=dict)
    passed: int = 0
    refused: int = 0

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    def ask(self, limiter: RateLimiter, taking: float) -> None:
        started = limiter.start(self.sleep)
        assert started is not None
        window = int(self.now / self.window)
        self.used[window] = self.used.get(window, 0) + 1
        reset = (window + 1) * self.window - self.now
        if self.used[window] > self.limit:
            self.refused += 1
            limiter.refused(started, reset)
        else:
            self.passed += 1
            left = self.limit - self.used[window]
            limiter.succeeded(*((left, reset) if self.tells else ()))
        limiter.end()
        self.now += taking


@pytest.mark.parametrize(("limit", "window"), [(5, 1), (100, 60), (50, 1)])
@pytest.mark.parametrize("tells", [True, False])
def test_a_limit_is_kept(limit: int, window: float, tells: bool) -> None:  # noqa: FBT001
    """Told of the limit nothing is refused; otherwise few are, and little time is lost."""
    vendor = Vendor(limit, window, tells)
    limiter = RateLimiter(clock=lambda: vendor.now)
    began = vendor.now
    while vendor.passed < 40 * limit:
        vendor.ask(limiter, taking=0.002)
    assert vendor.refused <= (0 if tells else vendor.passed // 20)
    assert vendor.now - began < 1.5 * 40 * window


def test_without_a_limit_nothing_waits() -> None:
    """Where nothing is refused and nothing said of a limit, no request waits."""
    vendor = Vendor(10**9, 1, tells=False)
    limiter = RateLimiter(clock=lambda: vendor.now)
    for _ in range(1000):
        vendor.ask(limiter, taking=0)
    assert vendor.now == Vendor(0, 1, tells=False).now


def test_the_users_own_bound() -> None:
    """A bound of the user's own is kept from the first request on."""
    vendor = Vendor(10**9, 1, tells=False)
    limiter = RateLimiter(2, clock=lambda: vendor.now)
    for _ in range(21):
        vendor.ask(limiter, taking=0)
    assert vendor.now - Vendor(0, 1, tells=False).now == pytest.approx(10)


def test_a_refusal_of_the_first_request() -> None:
    """A limit that somebody else had used up slows nothing once it resets."""
    vendor = Vendor(100, 60, tells=False)
    vendor.used[int(vendor.now / 60)] = 100
    limiter = RateLimiter(clock=lambda: vendor.now)
    began = vendor.now
    while vendor.passed < 100:
        vendor.ask(limiter, taking=0.002)
    assert vendor.refused == 1
    assert vendor.now - began < 60


def test_answers_that_come_after_a_refusal_count() -> None:
    """What was let through counts, though a refusal of the same burst was answered before."""
    vendor = Vendor(5, 1, tells=False)
    limiter = RateLimiter(clock=lambda: vendor.now)
    for before in (5, 1):
        started = [limiter.start(vendor.sleep) for _ in range(10)]
        reset = 1 - vendor.now % 1
        for _ in range(before):
            limiter.succeeded()
        for each in started[5:]:
            assert each is not None
            limiter.refused(each, reset)
        for _ in range(5 - before):
            limiter.succeeded()
        for _ in started:
            limiter.end()
    limiter.start(vendor.sleep)
    began = vendor.now
    for _ in range(10):
        limiter.start(vendor.sleep)
    assert vendor.now - began == pytest.approx(10 / 5, rel=0.1)


def test_everything_waits_after_a_refusal() -> None:
    """After a refusal nothing at all starts until the limit resets."""
    vendor = Vendor(1, 10, tells=False)
    limiter = RateLimiter(clock=lambda: vendor.now)
    vendor.ask(limiter, taking=0)
    vendor.ask(limiter, taking=0)
    assert vendor.refused == 1
    vendor.ask(limiter, taking=0)
    assert (vendor.now, vendor.passed) == (110, 2)


def test_a_sync_within_a_limit(project: Project) -> None:
    """A sync against five requests a second ends, and hardly a request is refused."""
    with sandbox.start("--rate", "5") as box:
        limited = Project(box, project.path)
        result = limited.materialize("clients", "lists", "segments", "templates", "list_stats")
        statuses = box.requests()["statuses"]
    assert result.success, failures(result)
    assert statuses["200"] == 20
    assert statuses.get("429", 0) < 0.05 * sum(statuses.values())


LISTS = 150
AT_FIRST = 10


@pytest.fixture(scope="module")
def of_many_lists(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """An account in which one table takes more requests than there are connections."""
    with sandbox.start("--bulk", f"{LISTS}x1", "--latency", "0.05") as box:
        project = Project(box, tmp_path_factory.mktemp("many") / "account.duckdb")
        assert project.materialize("clients", "lists").success
        yield project


def _requests(
    synced: Project, folder: Path, faults: Sequence[Mapping[str, Any]] = (), **api: Any
) -> list[Mapping[str, Any]]:
    """The requests for the lists' figures."""
    project = synced.copy_to(folder / "account.duckdb")
    project.box.reset()
    project.box.faults(faults)
    result = project.materialize("list_stats", **api)
    assert result.success, failures(result)
    assert project.count("list_stats") == LISTS
    return list(project.box.requests()["requests"])


def test_more_are_under_way_while_all_goes_well(of_many_lists: Project, tmp_path: Path) -> None:
    """Ten requests are begun with; where none is refused or fails, there are soon more."""
    requests = _requests(of_many_lists, tmp_path)
    assert at_once(requests[:AT_FIRST]) <= AT_FIRST
    assert AT_FIRST < at_once(requests) <= 20


def test_never_more_than_the_user_allows(of_many_lists: Project, tmp_path: Path) -> None:
    """`connections` bounds them, however well it goes: below ten and above."""
    assert at_once(_requests(of_many_lists, tmp_path, connections=3)) == 3
    assert AT_FIRST < at_once(_requests(of_many_lists, tmp_path, connections=12)) <= 12


@pytest.mark.parametrize("fault", [{"what": "429", "reset_after": 0}, {"what": "503"}])
def test_trouble_ends_the_growth(
    of_many_lists: Project, tmp_path: Path, fault: Mapping[str, Any]
) -> None:
    """After a refusal or a fault of the server's there are no more than at first."""
    requests = _requests(of_many_lists, tmp_path, faults=[{"path": "/stats", "skip": 90, **fault}])
    [trouble] = [each for each in requests if each["status"] != 200]
    assert at_once(_before(requests, trouble["started"])) > AT_FIRST
    after = [each for each in requests if each["started"] > trouble["ended"]]
    # Those that were under way then are still answered.
    settled = [each for each in after[AT_FIRST:] if each["started"] > trouble["ended"] + 0.1]
    assert len(settled) > AT_FIRST
    assert at_once(settled) <= AT_FIRST


def _before(requests: Iterable[Mapping[str, Any]], moment: float) -> list[Mapping[str, Any]]:
    return [each for each in requests if each["started"] < moment]
