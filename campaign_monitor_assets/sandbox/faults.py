"""What can go wrong on purpose: rules that spoil answers, and records that come and go."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, Literal

import msgspec

from .account import Row, moment_of, stamp
from .api import Answer, Api, Request, error
from .endpoints import UNKNOWN
from .pages import CAP, MISSES, REVERSED, TIES

What = Literal[
    "429", "500", "502", "503", "504", "html200", "notjson", "empty", "body", "error", "gone",
    "object_for_array", "no_results", "cut", "reset", "slow", "churn", "ties", "envelope", "cap",
    "date",
]  # fmt: skip

HTML: Final = b"<html><head><title>Error</title></head><body><h1>Unavailable</h1></body></html>"
CONSTANT: Final[Mapping[str, Answer]] = {
    "500": error(500, 500, "Sorry, we've encountered an unhandled error."),
    "502": Answer(502, HTML, "text/html"),
    "503": Answer(503, HTML, "text/html"),
    "504": Answer(504, HTML, "text/html"),
    "html200": Answer(200, HTML, "text/html"),
    "notjson": Answer(200, b'{"Results":[{"EmailAddress":'),
    "empty": Answer(200, b""),
}
"""The faults that need nothing but their name."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One fault: which requests it strikes, how often, and what becomes of their answers."""

    what: What
    path: str = ""
    """A regular expression, searched for in the path without its base."""
    page: int | None = None
    """Strike only requests for this page."""
    dated: bool = False
    """Strike only requests that name a `date`."""
    skip: int = 0
    """Let the first so many matching requests through."""
    times: int | None = 1
    """Strike so many requests; null: for ever."""
    reset_after: int | None = None
    """For 429: the seconds in X-RateLimit-Reset; null: no such header."""
    seconds: float = 0.0
    """How long to wait before the answer; slow: the true one."""
    status: int = 200
    """For body and error: the status of the answer."""
    code: int = 500
    """For error: the code of the answer."""
    text: str = ""
    """For body: the body, as text."""
    base64: str = ""
    """For body: the body, as base64."""
    put: Mapping[str, Any] = {}
    """For envelope: what the fields around the rows say."""
    drop: tuple[str, ...] = ()
    """For envelope: the fields that are missing."""
    rows: int = 0
    """For cap: a page holds so many rows at most, and its envelope says so."""
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = {}
    """For body: further headers; they go before the sandbox's own."""
    shift: float = 0
    """For date: the filter looks at a time so many hours later than it is asked to."""
    ignores: Literal["", "time", "date"] = ""
    """For date: the filter takes the day alone, or nothing at all."""
    misses: int = 0
    """For date: the filter leaves out so many records, the newest first."""
    leave: int = 0
    """For churn: so many records leave, the first of the view, or those at `positions`."""
    arrive: int = 0
    """For churn: so many records arrive."""
    positions: tuple[int, ...] = ()
    """For churn: where in the view of the request, all its pages together, records leave."""
    arrive_by: Literal["date", "email"] = "date"
    """For churn: newcomers are the last by date; by address, the last or (email) the first."""


@dataclass
class Armed:
    """A rule, and how often requests have matched it so far."""

    rule: Rule
    matched: int = 0

    def strikes(self, request: Request) -> bool:
        """Whether the rule strikes this request; counts it if it matches."""
        rule = self.rule
        if not re.search(rule.path, request.path):
            return False
        if rule.dated and "date" not in request.query:
            return False
        if rule.page is not None and request.query.get("page", "1") != str(rule.page):
            return False
        self.matched += 1
        struck = self.matched - rule.skip
        return struck > 0 and (rule.times is None or struck <= rule.times)


@dataclass
class Faults:
    """The rules that stand now."""

    rules: Sequence[Rule] = ()
    _armed: list[Armed] = field(init=False)

    def __post_init__(self) -> None:
        """Arm the first rules."""
        self.replace(self.rules)

    def replace(self, rules: Sequence[Rule]) -> None:
        """Let these rules stand from now on, none of them having struck yet."""
        self._armed = [Armed(rule) for rule in rules]

    def striking(self, request: Request) -> Iterator[Rule]:
        """The first rule that spoils the answer, and all those that move records after it."""
        spoiled = False
        for armed in self._armed:
            moves = armed.rule.what == "churn"
            if (moves or not spoiled) and armed.strikes(request):
                spoiled = spoiled or not moves
                yield armed.rule


def parse_rules(text: bytes) -> list[Rule]:
    """Read rules from JSON; a misspelt field or an unknown fault is an error."""
    rules = msgspec.json.decode(text, type=list[Rule])
    for rule in rules:
        re.compile(rule.path)
    return rules


def spoiled(rule: Rule, api: Api, request: Request) -> Answer:
    """The answer that a rule gives in the place of the true one."""
    match rule.what:
        case "429":
            answer = _too_many(rule.reset_after)
        case "error":
            answer = error(rule.status, rule.code, "An error that a fault asked for")
        case "gone":
            found = api.resolve(request.path)
            answer = error(*UNKNOWN[found[0].kind if found else "account"])
        case "ties" | "cap" | "date":
            answer = api.answer(replace(request, query=_bent(rule, request.query)))
        case "envelope":
            content = msgspec.json.decode(api.answer(request).body) | dict(rule.put)
            kept = {name: value for name, value in content.items() if name not in rule.drop}
            answer = Answer(200, msgspec.json.encode(kept))
        case "body":
            body = base64.b64decode(rule.base64) if rule.base64 else rule.text.encode()
            answer = Answer(rule.status, body, rule.content_type, tuple(rule.headers.items()))
        case "object_for_array":
            content = msgspec.json.decode(api.answer(request).body)
            answer = Answer(200, msgspec.json.encode({"Unexpected": content}))
        case "no_results":
            content = msgspec.json.decode(api.answer(request).body)
            content.pop("Results", None)
            answer = Answer(200, msgspec.json.encode(content))
        case _:
            answer = CONSTANT.get(rule.what) or api.answer(request)
    return answer


def _bent(rule: Rule, query: Mapping[str, str]) -> dict[str, str]:
    """A query that asks for something else than it says."""
    if rule.what == "ties":
        return {**query, TIES: REVERSED}
    if rule.what == "cap":
        return {**query, CAP: str(rule.rows)}
    if "date" not in query:
        return dict(query)
    since = moment_of(query["date"]) + timedelta(hours=rule.shift)
    formats = {"": "%Y-%m-%d %H:%M", "time": "%Y-%m-%d", "date": ""}
    return {**query, MISSES: str(rule.misses), "date": since.strftime(formats[rule.ignores])}


def _too_many(reset_after: int | None) -> Answer:
    headers = [("X-RateLimit-Limit", "1"), ("X-RateLimit-Remaining", "0")]
    if reset_after is not None:
        headers.append(("X-RateLimit-Reset", str(reset_after)))
    return Answer(429, error(429, 429, "Too many requests").body, headers=tuple(headers))


@dataclass
class Churn:
    """Lets records leave and arrive between two requests."""

    api: Api
    arrived: int = 0

    def strike(self, rule: Rule, request: Request) -> None:
        """Move records of the collection that the request pages through."""
        paging = self.api.paging(request)
        if paging is None:
            return
        collection, parent, page = paging
        # A list of its own: bulk rows would be made anew, and be others, at every look.
        rows = list(self.api.account.get(collection, parent))
        view = self.api.views.view(rows, page)
        positions = rule.positions or range(rule.leave)
        leaving = {id(view[at]) for at in positions if at < len(view)}
        stay = [row for row in rows if id(row) not in leaving]
        dated = page.dated if page.dated != "EmailAddress" else "Date"
        stay += [self._newcomer(rule, row, dated) for row in self._models(rows, rule.arrive)]
        self.api.account.replace(collection, parent, stay)

    def _models(self, rows: list[Row], count: int) -> list[Row]:
        return [max(rows, key=lambda row: str(row.get("Date", "")))] * count if rows else []

    def _newcomer(self, rule: Rule, model: Row, dated: str) -> Row:
        self.arrived += 1
        prefix = "0" if rule.arrive_by == "email" else "zz.newcomer."
        row = model | {"EmailAddress": f"{prefix}{self.arrived:06}@example.net"}
        if dated in row:
            latest = max(moment_of(row[dated]), self.api.account.now)
            row[dated] = stamp(latest + timedelta(seconds=self.arrived))
            if "ListJoinedDate" in row:
                row["ListJoinedDate"] = row[dated]
        return row
