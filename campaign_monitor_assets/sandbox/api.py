"""The imitated API itself: who may ask, and what is answered. Knows nothing of sockets."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import parse_qs

import msgspec

from .account import ACCOUNT, OBJECTS, Account, Json, Row
from .endpoints import UNKNOWN, Endpoint, resolve
from .extras import extra
from .pages import Page, Query, RefusedError, Views, read_query, render, render_rows

JSON: Final = "application/json; charset=utf-8"

TokenState = Literal["works", "expired", "revoked", "lacking"]
TOKEN_ERRORS: Final[Mapping[TokenState, tuple[int, str]]] = {
    "expired": (121, "Expired OAuth Token"),
    "revoked": (122, "Revoked OAuth Token"),
    "lacking": (60, "The OAuth token lacks a permission"),
}


@dataclass(frozen=True)
class Answer:
    """What goes back over the wire."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Request:
    """What came over the wire; the path is without base, the query with single values."""

    method: str
    path: str
    query: Query
    headers: Mapping[str, str]
    body: bytes = b""
    based: bool = True
    """Whether the path stood below the base of the API."""


def error(status: int, code: int, message: str) -> Answer:
    """An error as the API words it."""
    return Answer(status, msgspec.json.encode({"Code": code, "Message": message}))


@dataclass
class Api:
    """Answers requests from what the account holds now."""

    account: Account
    key: str = "sandbox-account-key"
    agency: bool = True
    views: Views = field(default_factory=Views)
    _tokens: dict[str, TokenState] = field(init=False)
    _refresh_tokens: set[str] = field(init=False)
    _granted: int = field(init=False)

    def __post_init__(self) -> None:
        """Stand as at the start."""
        self.reset()

    def reset(self) -> None:
        """Put account and tokens back as they were at the start."""
        self.account.reset()
        self._refresh_tokens = {"sandbox-refresh-token"}
        self._granted = 0
        self._tokens = {
            "sandbox-access-token": "works",
            "sandbox-expired-token": "expired",
            "sandbox-revoked-token": "revoked",
            "sandbox-limited-token": "lacking",
        }

    def answer(self, request: Request) -> Answer:
        """The true answer to a request, free of faults."""
        try:
            client = self._authenticate(request.headers.get("authorization", ""))
            if not request.path.endswith(".json"):
                return Answer(200, b'<?xml version="1.0"?><Results/>', "application/xml")
            return Answer(200, self._read(request, client))
        except RefusedError as refusal:
            return error(refusal.status, refusal.code, refusal.message)

    def _authenticate(self, credentials: str) -> str:
        """The only client that the credentials may see; empty: they may see all."""
        scheme, _, secret = credentials.partition(" ")
        if not secret:
            raise RefusedError(401, 50, "Must supply a valid HTTP Basic Authorization header")
        if scheme.lower() == "bearer":
            state = self._tokens.get(secret)
            if state == "works":
                return ACCOUNT
            raise RefusedError(
                401, *TOKEN_ERRORS.get(state or "works", (120, "Invalid OAuth Token"))
            )
        try:
            key = base64.b64decode(secret, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            key = ""
        if key == self.key:
            return ACCOUNT
        for client, details in self.account.tables["client_details"].items():
            if details.get("ApiKey") == key:
                return client
        raise RefusedError(401, 100, "Invalid API Key")

    def resolve(self, path: str) -> tuple[Endpoint, str] | None:
        """The endpoint of a path with its suffix, and the identifier in it."""
        return resolve(path.removesuffix(".json").strip("/"))

    def _read(self, request: Request, client: str) -> bytes:
        if request.method != "GET":
            raise RefusedError(*UNKNOWN["account"])
        found = self.resolve(request.path)
        if found is None:
            content = extra(self.account, request.path, request.query)
            if content is None:
                raise RefusedError(*UNKNOWN["account"])
            return msgspec.json.encode(content)
        endpoint, parent = found
        self._authorize(endpoint, parent, client)
        content = self._content(endpoint, parent)
        if content is None:
            raise RefusedError(*UNKNOWN[endpoint.kind])
        if not endpoint.paged:
            if endpoint.collection in OBJECTS or not isinstance(content, list):
                return msgspec.json.encode(content)
            return b"[%b]" % render_rows(_about(content, request.query), request.query)
        page = read_query(endpoint, request.query, self.account.now)
        return render(self.views.view(content, page), page, request.query)

    def _authorize(self, endpoint: Endpoint, parent: str, client: str) -> None:
        if endpoint.kind == "account":
            if not self.agency:
                raise RefusedError(403, 403, "Agency accounts only")
            if client:
                raise RefusedError(401, 100, "Invalid API Key")
            return
        owner = parent if endpoint.kind == "client" else self.account.owners.get(parent, client)
        if client and owner != client:
            raise RefusedError(*UNKNOWN["client"])

    def _content(self, endpoint: Endpoint, parent: str) -> Json:
        if endpoint.collection == "segments" and endpoint.kind == "list":
            # The segments of a list are those of its client that stand on it.
            if parent not in self.account.tables["list_details"]:
                return None
            rows = self.account.get("segments", self.account.owners[parent]) or []
            return [row for row in rows if row["ListID"] == parent]
        return self.account.get(endpoint.collection, parent)

    def paging(self, request: Request) -> tuple[str, str, Page] | None:
        """The collection and the parent that a request pages through; None: it does not."""
        found = self.resolve(request.path)
        if found is None or not found[0].paged:
            return None
        endpoint, parent = found
        if self.account.get(endpoint.collection, parent) is None:
            return None
        return endpoint.collection, parent, read_query(endpoint, request.query, self.account.now)

    def grant(self, request: Request) -> Answer:
        """Exchange a refresh token for a new access token and a new refresh token."""
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if form.get("grant_type") != "refresh_token" or (
            form.get("refresh_token") not in self._refresh_tokens
        ):
            refusal = {"error": "invalid_grant", "error_description": "Invalid refresh token"}
            return Answer(400, msgspec.json.encode(refusal))
        self._granted += 1
        number = self._granted + 1
        access, refresh = f"sandbox-access-token-{number}", f"sandbox-refresh-token-{number}"
        self._tokens[access] = "works"
        # A refresh token is used up by its first use.
        self._refresh_tokens = {refresh}
        fresh = {"access_token": access, "expires_in": 1_209_600, "refresh_token": refresh}
        return Answer(200, msgspec.json.encode(fresh))


def _about(rows: list[Row], query: Query) -> list[Row]:
    # Administrators and people can be asked for one by one.
    address = query.get("email")
    if not address:
        return rows
    return [row for row in rows if row.get("EmailAddress") == address]
