"""What can go wrong on purpose: rules that spoil answers, and records that come and go."""

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal

import msgspec

from .account import Row, moment_of, stamp
from .api import Answer, Api, Request, error
from .endpoints import UNKNOWN

What = Literal[
    "429", "500", "502", "503", "504", "html200", "notjson", "empty", "body", "error", "gone",
    "object_for_array", "no_results", "cut", "reset", "slow", "churn",
]  # fmt: skip

HTML: Final = b"<html><head><title>Error</title></head><body><h1>Unavailable</h1></body></html>"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One fault: which requests it strikes, how often, and what becomes of their answers."""

    what: What
    path: str = ""
    """A regular expression, searched for in the path without its base."""
    page: int | None = None
    """Strike only requests for this page."""
    skip: int = 0
    """Let the first so many matching requests through."""
    times: int | None = 1
    """Strike so many requests; null: for ever."""
    reset_after: int | None = None
    """For 429: the seconds in X-RateLimit-Reset; null: no such header."""
    seconds: float = 0.0
    """For slow: how long to wait before the true answer."""
    status: int = 200
    """For body and error: the status of the answer."""
    code: int = 500
    """For error: the code of the answer."""
    text: str = ""
    """For body: the body, as text."""
    base64: str = ""
    """For body: the body, as base64."""
    content_type: str = "application/json; charset=utf-8"
    leave: int = 0
    """For churn: so many records leave, the first of the view, or those at `positions`."""
    arrive: int = 0
    """For churn: so many records arrive."""
    positions: tuple[int, ...] = ()
    """For churn: where in the view of the request, all its pages together, records leave."""
    arrive_by: Literal["date", "email"] = "date"
    """For churn: newcomers are the latest of all, or the first by e-mail address besides."""


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
    return msgspec.json.decode(text, type=list[Rule])


def spoiled(rule: Rule, api: Api, request: Request) -> Answer:
    """The answer that a rule gives in the place of the true one."""
    match rule.what:
        case "429":
            limit = [("X-RateLimit-Limit", "1"), ("X-RateLimit-Remaining", "0")]
            if rule.reset_after is not None:
                limit.append(("X-RateLimit-Reset", str(rule.reset_after)))
            answer = error(429, 429, "Too many requests")
            return Answer(429, answer.body, headers=tuple(limit))
        case "500":
            return error(500, 500, "Sorry, we've encountered an unhandled error.")
        case "502" | "503" | "504":
            return Answer(int(rule.what), HTML, "text/html")
        case "html200":
            return Answer(200, HTML, "text/html")
        case "notjson":
            return Answer(200, b'{"Results":[{"EmailAddress":')
        case "empty":
            return Answer(200, b"")
        case "error":
            return error(rule.status, rule.code, "An error that a fault asked for")
        case "gone":
            found = api.resolve(request.path)
            return error(*UNKNOWN[found[0].kind if found else "account"])
        case "body":
            body = base64.b64decode(rule.base64) if rule.base64 else rule.text.encode()
            return Answer(rule.status, body, rule.content_type)
        case "object_for_array":
            return _altered(api.answer(request), lambda content: {"Unexpected": content})
        case "no_results":
            return _altered(
                api.answer(request),
                lambda content: {name: v for name, v in content.items() if name != "Results"},
            )
        case "cut" | "reset" | "slow" | "churn":
            return api.answer(request)


def _altered(answer: Answer, alter: Any) -> Answer:
    content = msgspec.json.decode(answer.body)
    return Answer(answer.status, msgspec.json.encode(alter(content)))


@dataclass
class Churn:
    """Lets records leave and arrive between two requests."""

    api: Api
    arrived: int = 0

    def strike(self, rule: Rule, request: Request) -> None:
        """Move records of the collection that the request pages through."""
        viewed = self.api.view(request)
        if viewed is None:
            return
        collection, parent, view, page = viewed
        positions = rule.positions or range(rule.leave)
        leaving = {id(view[at]) for at in positions if at < len(view)}
        # A row may stand in a table twice, as one object: equal events leave together.
        rows = list(self.api.account.get(collection, parent))
        if len(rows) == len(view) and not leaving <= {id(row) for row in rows}:
            rows = view
        stay = [row for row in rows if id(row) not in leaving]
        dated = page.dated if page.dated != "EmailAddress" else "Date"
        stay += [self._newcomer(rule, row, dated) for row in self._models(rows, rule.arrive)]
        self.api.account.replace(collection, parent, stay)

    def _models(self, rows: list[Row], count: int) -> list[Row]:
        return [max(rows, key=lambda row: str(row.get("Date", "")))] * count if rows else []

    def _newcomer(self, rule: Rule, model: Row, dated: str) -> Row:
        self.arrived += 1
        prefix = "0" if rule.arrive_by == "email" else "newcomer."
        row = model | {"EmailAddress": f"{prefix}{self.arrived:06}@example.net"}
        if dated in row:
            latest = max(moment_of(row[dated]), self.api.account.now)
            row[dated] = stamp(latest + timedelta(seconds=self.arrived))
            if "ListJoinedDate" in row:
                row["ListJoinedDate"] = row[dated]
        return row
