"""The matrix of faults: a passing one is outlived, a lasting one changes nothing in DuckDB."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.project import Project, checks, failures, metadata, people

TRIES = 4

FAULTS: dict[str, dict[str, Any]] = {
    "429": {"what": "429"},
    "429 with a reset": {"what": "429", "reset_after": 1},
    "500": {"what": "500"},
    "502": {"what": "502"},
    "503": {"what": "503"},
    "504": {"what": "504"},
    "reset": {"what": "reset"},
    "cut": {"what": "cut"},
    "not JSON": {"what": "notjson"},
    "HTML with status 200": {"what": "html200"},
    "empty": {"what": "empty"},
    "slow": {"what": "slow", "seconds": 1.5},
}
LAST_ANSWERS = {
    "429": "HTTP 429",
    "429 with a reset": "HTTP 429",
    "500": "HTTP 500 (application/json",
    "502": "HTTP 502 (text/html",
    "503": "HTTP 503 (text/html",
    "504": "HTTP 504 (text/html",
    "reset": "the connection to 127.0.0.1",
    "cut": "the connection to 127.0.0.1",
    "not JSON": "HTTP 200 with 28 bytes that are not JSON",
    "HTML with status 200": "bytes that are not JSON",
    "empty": "HTTP 200 with an empty body",
    "slow": "no response from 127.0.0.1",
}


@dataclass(frozen=True)
class Endpoint:
    """A kind of endpoint: a table of it, its key, and where its answers are struck."""

    table: str
    key: str
    path: str
    places: Mapping[str, Mapping[str, int]]
    answers: int


ENDPOINTS = {
    "page": Endpoint(
        "active_subscribers",
        "EmailAddress",
        "{first_list}/active",
        {"first": {"page": 1}, "middle": {"page": 3}, "last": {"page": 5}},
        answers=7,
    ),
    "array": Endpoint(
        "templates",
        "TemplateID",
        "/templates",
        {"first": {}, "middle": {"skip": 1}, "last": {"skip": 2}},
        answers=3,
    ),
    "object": Endpoint(
        "list_details",
        "ListID",
        r"lists/[^/]+\.json",
        {"first": {}, "middle": {"skip": 1}, "last": {"skip": 2}},
        answers=3,
    ),
}


Case = tuple[str, str, str]
"""A fault, a kind of endpoint, and a place."""


def cases(shift: int) -> list[list[Case]]:
    """Each fault once, three in a run: one at each kind of endpoint, and each place in turn.

    The cases of the shifts 0, 1 and 2 together have each fault at each kind and in each place.
    """
    kinds, places = list(ENDPOINTS), ("first", "middle", "last")
    each = [
        (fault, kinds[(at + shift) % 3], places[(at // 3 + shift) % 3])
        for at, fault in enumerate(FAULTS)
    ]
    return [each[at : at + 3] for at in range(0, len(each), 3)]


def names_of(run: list[Case]) -> str:
    return " and ".join("-".join(case) for case in run)


@pytest.fixture(scope="module")
def _old(running: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """An account of three lists, one of several pages, and the last snapshot of it."""
    running.reset()
    old = Project(running, tmp_path_factory.mktemp("old") / "account.duckdb")
    assert old.materialize("clients", "lists").success
    old.change(
        "delete from lists where ListID not in (select ListID from lists order by 1 limit 3)"
    )
    fill(old, people(50))
    tables = [endpoint.table for endpoint in ENDPOINTS.values()]
    assert old.materialize(*tables, page_size=20).success
    return old


@pytest.fixture
def old(_old: Project, box: Sandbox, tmp_path: Path) -> Project:
    """The same, and an account that has moved on since."""
    assert box is _old.box
    project = _old.copy_to(tmp_path / "account.duckdb")
    fill(project, people(90))
    return project


def lists(project: Project) -> list[str]:
    return [name for (name,) in project.query("select ListID from lists order by 1")]


def fill(project: Project, rows: list[dict[str, Any]]) -> None:
    for list_id, each in zip(lists(project), (rows, [], people(5)), strict=True):
        project.box.mutate("active_subscribers", list_id, each)


def spoil(project: Project, run: list[Case], times: int | None) -> None:
    first_list = lists(project)[0]
    project.box.faults(
        [
            {
                "path": ENDPOINTS[kind].path.replace("{first_list}", first_list),
                "times": times,
                **FAULTS[fault],
                **ENDPOINTS[kind].places[place],
            }
            for fault, kind, place in run
        ]
    )


def truth(project: Project, endpoint: Endpoint) -> Counter[str]:
    wanted = {*lists(project), *(name for (name,) in project.query("select ClientID from clients"))}
    found = project.box.account(endpoint.table)[endpoint.table]
    contents = [rows for parent, rows in found.items() if parent in wanted]
    rows = [row for rows in contents for row in (rows if isinstance(rows, list) else [rows])]
    return Counter(row[endpoint.key] for row in rows)


def stored(project: Project, endpoint: Endpoint) -> Counter[str]:
    rows = project.query(f"select {endpoint.key} from {endpoint.table}")
    return Counter(value for (value,) in rows)


def whole(project: Project, table: str) -> list[tuple[Any, ...]]:
    return sorted(project.query(f"select * from {table}"), key=str)


def settings(run: list[Case]) -> dict[str, Any]:
    slow = {"read_timeout": 0.4} if any(fault == "slow" for fault, *_ in run) else {}
    return {"max_attempts": TRIES, "backoff": 0.01, "page_size": 20, **slow}


def outlives(project: Project, run: list[Case]) -> None:
    times = TRIES - 1
    spoil(project, run, times)
    struck = [ENDPOINTS[kind] for _, kind, _ in run]
    result = project.materialize(*(endpoint.table for endpoint in struck), **settings(run))
    assert result.success, failures(result)
    # A busy machine may let another answer be too late as well, and the sandbox not see who left.
    is_exact = "read_timeout" not in settings(run)
    counted = 0
    for endpoint in struck:
        assert stored(project, endpoint) == truth(project, endpoint)
        assert checks(result, endpoint.table)["row_count_matches_source"].passed
        requests = metadata(result, endpoint.table)["requests"]
        expected = endpoint.answers + times
        assert requests == expected if is_exact else requests >= expected
        counted += requests
    arrived = len(project.box.requests()["requests"])
    assert counted == arrived if is_exact else counted >= arrived


def fails_cleanly(project: Project, run: list[Case]) -> None:
    spoil(project, run, None)
    struck = {ENDPOINTS[kind].table: (fault, ENDPOINTS[kind]) for fault, kind, _ in run}
    before = {table: whole(project, table) for table in struck}
    result = project.materialize(*struck, "draft_campaigns", **settings(run))
    failed = failures(result)
    assert failed.keys() == struck.keys()
    for table, (fault, endpoint) in struck.items():
        text = failed[table]
        assert "RetriesExhaustedError" in text
        assert re.search(endpoint.path.replace("{first_list}", lists(project)[0])[:-6], text)
        assert f"after {TRIES} attempts" in text
        assert LAST_ANSWERS[fault] in text
        assert whole(project, table) == before[table]
    assert project.count("draft_campaigns") > 0
    assert project.leftovers() == []


@pytest.mark.parametrize("run", cases(0), ids=names_of)
def test_faults_that_pass(old: Project, run: list[Case]) -> None:
    """A fault that passes before the last try costs requests, and no row."""
    outlives(old, run)


@pytest.mark.parametrize("run", cases(1), ids=names_of)
def test_faults_that_stay(old: Project, run: list[Case]) -> None:
    """A lasting fault fails its table with a clear error; the old rows and others are whole."""
    fails_cleanly(old, run)


@pytest.mark.slow
@pytest.mark.parametrize("run", [*cases(1), *cases(2)], ids=names_of)
def test_more_faults_that_pass(old: Project, run: list[Case]) -> None:
    """The same, for each pair of a fault and a kind of endpoint or place."""
    outlives(old, run)


@pytest.mark.slow
@pytest.mark.parametrize("run", [*cases(0), *cases(2)], ids=names_of)
def test_more_faults_that_stay(old: Project, run: list[Case]) -> None:
    """The same, for each pair of a fault and a kind of endpoint or place."""
    fails_cleanly(old, run)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "strategy", "history"),
    [
        ("500", "merge", True),
        ("cut", "merge", False),
        ("not JSON", "replace", True),
        ("reset", "replace", False),
    ],
)
def test_a_fault_amid_a_reading(
    old: Project,
    fault: str,
    strategy: str,
    history: bool,  # noqa: FBT001
) -> None:
    """Old rows and their history stay whole however they are written, and the next run is right."""
    page = ENDPOINTS["page"]
    relations = [page.table, *([f"campaign_monitor_history.{page.table}"] * history)]
    store = {"write_strategy": strategy, "history": [page.table] * history}
    project = replace(old, store=store)
    assert project.materialize(page.table, page_size=20).success
    fill(project, people(70, first=10))
    case = [(fault, "page", "middle")]
    spoil(project, case, None)
    before = [whole(project, relation) for relation in relations]
    assert page.table in failures(project.materialize(page.table, **settings(case)))
    assert [whole(project, relation) for relation in relations] == before
    project.box.faults([])
    assert project.materialize(page.table, page_size=20).success
    assert stored(project, page) == truth(project, page)
    if history:
        valid = f"select {page.key} from {relations[1]} where _valid_to is null"
        assert Counter(value for (value,) in project.query(valid)) == truth(project, page)


ERRORS = [
    (400, 1, "list of error codes"),
    (401, 100, "API key is not valid"),
    (403, 403, "only agency accounts"),
    (404, 404, "list of error codes"),
]


@pytest.mark.parametrize("first", range(len(ERRORS)))
def test_errors_of_ours(old: Project, first: int) -> None:
    """An error that asking again can't mend is asked once, and says what to do."""
    met = {kind: ERRORS[(first + at) % len(ERRORS)] for at, kind in enumerate(ENDPOINTS)}
    tables = [ENDPOINTS[kind].table for kind in met]
    rules: list[dict[str, Any]] = []
    for kind, (status, code, _) in met.items():
        path = ENDPOINTS[kind].path.replace("{first_list}", lists(old)[0])
        rule = {"what": "error", "path": path, "status": status, "code": code, "times": None}
        rules.append({**rule, **ENDPOINTS[kind].places["last"]})
    old.box.faults(rules)
    before = [whole(old, table) for table in tables]
    failed = failures(old.materialize(*tables, page_size=20, connections=1))
    statuses = old.box.requests()["statuses"]
    for table, (status, code, advice) in zip(tables, met.values(), strict=True):
        assert f"HTTP {status}, code {code}" in failed[table]
        assert advice in failed[table]
        assert statuses[str(status)] == 1
    assert [whole(old, table) for table in tables] == before


@pytest.mark.parametrize(
    ("kind", "what"),
    [("page", "object_for_array"), ("page", "no_results"), ("array", "object_for_array")],
)
def test_json_of_another_form(old: Project, kind: str, what: str) -> None:
    """JSON that is not what the endpoint promises fails the table and says what was expected."""
    endpoint = ENDPOINTS[kind]
    old.box.faults([{"what": what, "path": endpoint.table.split("_")[0], "times": None}])
    before = whole(old, endpoint.table)
    [text] = failures(old.materialize(endpoint.table, page_size=20)).values()
    assert "UnexpectedResponseError" in text
    assert "Expected `" in text or "required field `Results`" in text
    assert whole(old, endpoint.table) == before


@pytest.mark.parametrize("body", ["{}", '{"Unexpected": {}}', '{"Code": 500, "Message": "no"}'])
def test_an_object_without_its_fields(old: Project, body: str) -> None:
    """An object that has none of the fields that it should have does not become an empty row."""
    paths = {
        "list_details": ENDPOINTS["object"].path,
        "client_details": r"clients/[^/]+\.json",
        "list_stats": "/stats",
    }
    rule = {"what": "body", "text": body, "times": None}
    old.box.faults([{**rule, "path": path} for path in paths.values()])
    failed = failures(old.materialize(*paths))
    assert failed.keys() == paths.keys()
    assert all("UnexpectedResponseError" in text for text in failed.values())


@pytest.mark.parametrize(
    ("fault", "backoff"), [({"what": "429", "reset_after": 1}, 0.01), ({"what": "500"}, 1)]
)
def test_everything_waits(with_parents: Project, fault: dict[str, Any], backoff: float) -> None:
    """After a refusal or a fault of the vendor's all requests wait, not the one that met it."""
    with sandbox.start("--latency", "0.2") as box:
        box.faults([{"path": "lists/[^/]+", **fault}])
        distant = Project(box, with_parents.path)
        result = distant.materialize("list_details", connections=2, backoff=backoff)
        log = box.requests()["requests"]
    assert result.success, failures(result)
    [refused] = [entry for entry in log if entry["status"] != 200]
    later = [entry for entry in log if entry["started"] > refused["ended"]]
    waited = [entry for entry in later if entry["started"] > refused["ended"] + 0.9]
    # Of the ten, the other connection's next may have begun before the refusal was heard of.
    assert len(waited) >= 8


# OAuth ------------------------------------------------------------------------------------


EXPIRED: dict[str, Any] = {
    "access_token": "sandbox-expired-token",
    "refresh_token": "sandbox-refresh-token",
}


def token_requests(box: Sandbox) -> int:
    return sum(entry["path"] == "/oauth/token" for entry in box.requests()["requests"])


def test_an_expired_token_is_renewed_once(old: Project) -> None:
    """The first request that meets the expired token renews it for all tables of the run."""
    result = old.materialize("templates", "list_details", "list_stats", **EXPIRED)
    assert result.success, failures(result)
    assert stored(old, ENDPOINTS["object"]) == truth(old, ENDPOINTS["object"])
    assert token_requests(old.box) == 1


def test_a_token_that_stays_expired(old: Project) -> None:
    """A renewed token that is refused as expired too is not renewed for ever."""
    old.box.faults([{"what": "error", "status": 401, "code": 121, "path": "/lists", "times": None}])
    [text] = failures(old.materialize("list_details", connections=1, **EXPIRED)).values()
    assert "code 121" in text
    assert token_requests(old.box) == 1


def test_a_fault_while_the_token_is_renewed(old: Project) -> None:
    """A fault of the token's path passes as any other does."""
    old.box.faults([{"what": "503", "path": "oauth/token", "times": 2}])
    result = old.materialize("list_details", **EXPIRED, max_attempts=TRIES)
    assert result.success, failures(result)
    assert token_requests(old.box) == 3


@pytest.mark.parametrize(
    ("token", "refresh", "said", "advice"),
    [
        ("sandbox-expired-token", None, "code 121", "CAMPAIGN_MONITOR_REFRESH_TOKEN"),
        ("sandbox-expired-token", "made-up", "refused to renew", "authorize anew, and set"),
        ("sandbox-revoked-token", "sandbox-refresh-token", "code 122", "authorize anew"),
        ("sandbox-limited-token", "sandbox-refresh-token", "code 60", "lacks a permission"),
        ("made-up-token", "sandbox-refresh-token", "code 120", "not valid"),
    ],
)
def test_tokens_that_cannot_be_used(
    old: Project, token: str, refresh: str | None, said: str, advice: str
) -> None:
    """A token that no renewal mends fails at once, with what to do; neither token is told."""
    given: dict[str, Any] = {
        "access_token": token,
        **({"refresh_token": refresh} if refresh else {}),
    }
    [text] = failures(old.materialize("clients", **given)).values()
    assert said in text
    assert advice in text
    assert token not in text
    assert "sandbox-refresh-token" not in text
    assert old.box.requests()["statuses"]["401"] == 1
