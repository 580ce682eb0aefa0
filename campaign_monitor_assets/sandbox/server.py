"""HTTP/1.1 on loopback: connections, limits, faults and the log. One process, one loop."""

import asyncio
import gzip
import re
import socket
import struct
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from http.client import responses
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import msgspec

from .account import ACCOUNT, Account, Json
from .api import Answer, Api, Request, error
from .bulk import Bulk
from .faults import Churn, Faults, Rule, parse_rules, spoiled
from .life import Days, Life, Move, move
from .pages import Query

BASE: Final = "/api/v3.3"
TOKEN_PATH: Final = "/oauth/token"
CONTROL: Final = "/_sandbox/"
MOST_HEAD: Final = 65_536
WAYS: Final = frozenset({"slow", "cut", "reset"})
"""Faults of the way that an answer takes: it is the true one."""


@dataclass(frozen=True)
class Entry:
    """One request in the log; status 0 stands for a connection that was reset."""

    path: str
    query: dict[str, str]
    status: int
    started: float
    ended: float


@dataclass
class Log:
    """The requests so far, those to the controls excepted."""

    connections: int = 0
    entries: list[Entry] = field(default_factory=list)

    def content(self) -> dict[str, Any]:
        """The log as the control path gives it."""
        statuses = Counter(str(entry.status) for entry in self.entries)
        return {
            "connections": self.connections,
            "statuses": dict(statuses),
            "requests": [asdict(entry) for entry in self.entries],
        }


@dataclass
class RateLimit:
    """So many requests within each second of the clock, over all connections."""

    rate: int
    window: int = -1
    used: int = 0

    def admit(self) -> tuple[bool, tuple[tuple[str, str], ...]]:
        """Whether one more request is let through, and the headers that tell of the limit."""
        window = int(time.monotonic())
        if window != self.window:
            self.window, self.used = window, 0
        self.used += 1
        left = max(self.rate - self.used, 0)
        headers = (
            ("X-RateLimit-Limit", str(self.rate)),
            ("X-RateLimit-Remaining", str(left)),
            ("X-RateLimit-Reset", "1"),
        )
        return self.used <= self.rate, headers


@dataclass
class Server:
    """Serves the API, its token path and the controls of the sandbox."""

    api: Api
    faults: Faults
    latency: float = 0.0
    rate: int = 0
    gzip: bool = False
    reticent: bool = False
    """Whether only refusals tell of the limit: no more than that is published of the API."""
    log: Log = field(default_factory=Log)
    _limit: RateLimit = field(init=False)
    _churn: Churn = field(init=False)

    def __post_init__(self) -> None:
        """Prepare what stands between the wire and the API."""
        self._limit = RateLimit(self.rate)
        self._churn = Churn(self.api)

    async def start(self, host: str, port: int) -> asyncio.Server:
        """Listen; the port is the system's choice where it is 0."""
        return await asyncio.start_server(self._serve, host, port, limit=MOST_HEAD, backlog=512)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        known = False
        try:
            # Whoever hangs up in the middle wants no answer; the end of the sandbox cancels all.
            with suppress(OSError, asyncio.CancelledError):
                while (request := await _receive(reader)) is not None:
                    # The controls' own connections are no part of what is measured.
                    if not known and not request.path.startswith(CONTROL):
                        known = True
                        self.log.connections += 1
                    if not await self._respond(request, writer):
                        break
        finally:
            writer.close()

    async def _respond(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection stays open."""
        keep = request.headers.get("connection", "").lower() != "close"
        if request.path.startswith(CONTROL):
            return await _send(writer, self._control(request), keep=keep)
        # A slow answer belongs to the log of its beginning, whatever is reset meanwhile.
        log, started = self.log, time.monotonic()
        admitted, headers = self._limit.admit() if self.rate else (True, ())
        striking = list(self.faults.striking(request)) if admitted else []
        rule = next((each for each in striking if each.what != "churn"), None)
        answer = self._answer(request, rule) if admitted else error(429, 429, "Too many requests")
        for each in striking:
            if each.what == "churn":
                self._churn.strike(each, request)
        pause = self.latency + (rule.seconds if rule else 0.0)
        if pause:
            await asyncio.sleep(pause)
        status = 0 if rule and rule.what == "reset" else answer.status
        ended = time.monotonic()
        log.entries.append(Entry(request.path, dict(request.query), status, started, ended))
        if rule and rule.what == "reset":
            _reset(writer)
            return False
        told = headers if not (admitted and self.reticent) else ()
        answer = self._packed(answer, request, told)
        cut = rule is not None and rule.what == "cut"
        lost = len(answer.body) - len(answer.body) // 2 if cut else 0
        return await _send(writer, answer, keep=keep and not cut, lost=lost)

    def _answer(self, request: Request, rule: Rule | None) -> Answer:
        if rule is not None and rule.what not in WAYS:
            return spoiled(rule, self.api, request)
        if request.path == TOKEN_PATH and request.method == "POST":
            return self.api.grant(request)
        if not request.based:
            return error(404, 404, "We couldn't find the resource you're looking for.")
        return self.api.answer(request)

    def _packed(
        self, answer: Answer, request: Request, headers: tuple[tuple[str, str], ...]
    ) -> Answer:
        body = answer.body
        if self.gzip and body and "gzip" in request.headers.get("accept-encoding", ""):
            body = gzip.compress(body, 1, mtime=0)
            headers += (("Content-Encoding", "gzip"),)
        # A fault that speaks of the limit has the last word on it.
        said = {name for name, _ in answer.headers}
        headers = tuple(each for each in headers if each[0] not in said)
        return Answer(answer.status, body, answer.content_type, answer.headers + headers)

    def _control(self, request: Request) -> Answer:
        content: Json = {}
        try:
            match request.method, request.path.removeprefix(CONTROL):
                case "GET", "account":
                    content = account_content(self.api.account, request.query)
                case "GET", "requests":
                    content = self.log.content()
                case "POST", "reset":
                    self.log = Log()
                    self.faults.replace(())
                    self.api.reset()
                case "POST", "live":
                    days = msgspec.json.decode(request.body, type=Days)
                    happened = Life(self.api.account, days).live()
                    content = {"now": str(self.api.account.now), "events": happened}
                case "POST", "move":
                    moved = msgspec.json.decode(request.body, type=Move)
                    content = {"moved": move(self.api.account, moved)}
                case "POST", "faults":
                    self.faults.replace(parse_rules(request.body))
                case "POST", "mutate":
                    change = msgspec.json.decode(request.body, type=Change)
                    self.api.account.replace(change.collection, change.parent, change.rows)
                case _:
                    return error(404, 404, "No such control")
        except (msgspec.MsgspecError, KeyError, re.error) as problem:
            return error(400, 400, str(problem))
        return _json(content)


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a parent holds from now on; rows of null: the parent is unknown."""

    collection: str
    rows: Json
    parent: str = ACCOUNT


def account_content(account: Account, query: Query) -> dict[str, Any]:
    """Everything the account holds now, or one collection of it."""
    names = [query["collection"]] if "collection" in query else list(account.tables)
    content: dict[str, Any] = {}
    for name in names:
        parents = {parent: _encodable(rows) for parent, rows in account.tables[name].items()}
        content[name] = parents.get(ACCOUNT, parents)
    return content


def _encodable(rows: Json) -> Json:
    if isinstance(rows, Bulk):
        return msgspec.Raw(b"[%b]" % rows.rendered(consent=True))
    return rows


def _json(content: Json) -> Answer:
    return Answer(200, msgspec.json.encode(content))


async def _receive(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection; None where there is no more."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {
            name.lower(): value.strip()
            for name, colon, value in (line.partition(":") for line in lines)
            if colon
        }
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    except (EOFError, ValueError, asyncio.LimitOverrunError):
        # The connection ended, or what speaks there is not HTTP.
        return None
    path, _, search = target.partition("?")
    path = unquote(path)
    based = path.startswith(f"{BASE}/")
    query = dict(parse_qsl(search, keep_blank_values=True))
    return Request(method, path.removeprefix(BASE) if based else path, query, headers, body, based)


async def _send(writer: asyncio.StreamWriter, answer: Answer, *, keep: bool, lost: int = 0) -> bool:
    """Send an answer in one piece, but for the last `lost` bytes of its body."""
    told = {
        "Content-Type": answer.content_type,
        "Content-Length": str(len(answer.body)),
        "Connection": "keep-alive" if keep or lost else "close",
        **dict(answer.headers),
    }
    head = [
        f"HTTP/1.1 {answer.status} {responses.get(answer.status, 'Unknown')}",
        *(f"{name}: {value}" for name, value in told.items()),
    ]
    body = memoryview(answer.body)[: len(answer.body) - lost]
    writer.write(b"".join(("\r\n".join(head).encode(), b"\r\n\r\n", body)))
    await writer.drain()
    return keep


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    # Lingering for no time at all makes the system send a reset in the place of a farewell.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
