"""HTTP with the API: one request at a time, with its time-outs, retries, pace and errors."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests
import tenacity
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from campaign_monitor_assets.api.auth import Credentials
from campaign_monitor_assets.api.rate_limit import RateLimiter
from campaign_monitor_assets.errors import (
    ApiError,
    CampaignMonitorError,
    ConfigurationError,
    GaveUpError,
    UnexpectedAnswerError,
)

T = TypeVar("T")

VENDOR_URL: Final = "https://api.createsend.com/api/v3.3"

_BUSY_CODES: Final = frozenset({278, 287})
"""Refusals that pass by themselves: a segment that is being calculated or briefly unavailable."""

_LARGEST_NUMBER: Final = 3600.0
"""A larger number in a header is no number of seconds until a limit resets, nor worth minding."""

_BOM: Final = b"\xef\xbb\xbf"

_CHUNK: Final = 1 << 20
"""Bytes of an answer to read at a time: the 10 kB that requests reads make threads take turns."""


@dataclass(frozen=True)
class Response(Generic[T]):
    """A decoded answer, and what it took: requests sent, refused ones too, and bytes received."""

    value: T
    requests: int
    size: int


@dataclass(frozen=True, kw_only=True)
class HttpSettings:
    """How requests are sent; times are in seconds.

    Attributes:
        base_url: The API's URL with its version.
        connect_timeout: How long to wait for a connection.
        read_timeout: How long to wait for the next bytes of an answer.
        tries: How often one request is sent at the most.
        backoff: The first wait after a passing fault; it doubles with each.
        longest_backoff: No such wait is longer, unless the API says so.
        connections: How many connections are kept open, and so how many requests are under way.
        requests_per_second: The most requests a second; None: as many as the API allows.
    """

    base_url: str = VENDOR_URL
    connect_timeout: float = 10
    read_timeout: float = 60
    tries: int = 6
    backoff: float = 0.5
    longest_backoff: float = 60
    connections: int = 10
    requests_per_second: float | None = None


class _ErrorBody(msgspec.Struct):
    Code: int
    Message: str = ""


class _Token(msgspec.Struct):
    access_token: str


@dataclass(frozen=True)
class RawResponse:
    """An answer, read to its end."""

    status_code: int
    reason: str
    headers: Mapping[str, str]
    content: bytes


class TransientError(Exception):
    """A fault that the next try may not meet; `wait` is what the API asked for, if it did."""

    def __init__(self, what: str, *, wait: float | None = None, of_server: bool = False) -> None:
        super().__init__(what)
        self.wait = wait
        self.of_server = of_server


class RequestCancelledError(CampaignMonitorError):
    """The client was closed while a request waited."""


class ApiClient:
    """Asks the API over kept-alive connections, from any number of threads.

    Args:
        settings: How requests are sent.
        credentials: What requests are authorized by.
        limiter: The pace of the clients before this one; without it, a pace of its own.
        warn: Told of every fault that is tried again.
    """

    def __init__(
        self,
        settings: HttpSettings,
        credentials: Credentials,
        *,
        limiter: RateLimiter | None = None,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._base = _checked_base_url(settings.base_url)
        self._settings = settings
        self._credentials = credentials
        self._warn = warn
        self._closed = threading.Event()
        self._limiter = limiter or RateLimiter(settings.requests_per_second)
        self._backoff = tenacity.wait_exponential(
            multiplier=settings.backoff, max=settings.longest_backoff
        ) + tenacity.wait_random(0, settings.backoff)
        self._session = requests.Session()
        self._session.mount(
            self._base,
            HTTPAdapter(pool_connections=1, pool_maxsize=settings.connections, pool_block=True),
        )

    def close(self) -> None:
        """Ends all waiting and closes the connections."""
        self._closed.set()
        self._session.close()

    def _sleep(self, seconds: float) -> None:
        self._closed.wait(seconds)

    def get(
        self, path: str, decode: Callable[[bytes], T], query: Mapping[str, str | int] | None = None
    ) -> Response[T]:
        """Asks one endpoint and decodes its answer, trying again where a fault may pass.

        Args:
            path: The endpoint below the base URL, without `.json`.
            decode: Takes the body apart. Its `msgspec.ValidationError` means that the answer is
                not what was promised, any other `msgspec.DecodeError` that it is no JSON.
            query: The query's fields.

        Raises:
            ApiError: The API refused; asking again would not help.
            UnexpectedAnswerError: The answer is JSON of another form.
            GaveUpError: A fault lasted over all tries.
        """
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self._settings.tries),
            wait=self._wait_after,
            retry=tenacity.retry_if_exception_type(TransientError),
            sleep=self._sleep,
            before_sleep=lambda state: self._warn_of(path, state),
        )
        tries = 0
        try:
            for attempt in retrying:
                with attempt:
                    tries += 1
                    body = self._send(path, query or {})
                    return Response(_decoded(path, body, decode), tries, len(body))
        except tenacity.RetryError as error:
            last = error.last_attempt.exception()
            raise GaveUpError(path, tries, str(last)) from last
        raise AssertionError("tenacity either returns or raises")

    def _send(self, path: str, query: Mapping[str, str | int]) -> bytes:
        started = self._limiter.start(self._sleep)
        try:
            if self._closed.is_set():
                raise RequestCancelledError(f"GET {path} was given up: the run has ended.")
            auth = self._credentials.auth
            response = self._exchange(path, query, auth)
            expired = response.status_code == 401 and _error_of(response).Code == 121
            if expired and self._credentials.renew(auth, self._renewed):
                response = self._exchange(path, query, self._credentials.auth)
            return self._judged(path, response, started)
        finally:
            self._limiter.end()

    def _judged(self, path: str, response: RawResponse, started: float) -> bytes:
        """The body of an answer that is none of refusal or fault."""
        reset = _number(response, "X-RateLimit-Reset", "Retry-After")
        if response.status_code == 429:
            self._limiter.refused(started, self._settings.backoff if reset is None else reset)
            raise TransientError("HTTP 429, too many requests", wait=reset, of_server=True)
        self._limiter.succeeded(_number(response, "X-RateLimit-Remaining"), reset)
        if response.status_code == 200:
            return response.content
        if response.status_code >= 500:
            wait = _number(response, "Retry-After")
            raise TransientError(_described(response), wait=wait, of_server=True)
        error = _error_of(response)
        if error.Code in _BUSY_CODES:
            raise TransientError(f"code {error.Code}, {error.Message!r}")
        raise ApiError(
            status=response.status_code, code=error.Code, message=error.Message, path=path
        )

    def _exchange(self, path: str, query: Mapping[str, str | int], auth: AuthBase) -> RawResponse:
        return self._request("GET", f"{self._base}{path}.json", params=query, auth=auth)

    def _request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | int] | None = None,
        data: Mapping[str, str] | None = None,
        auth: AuthBase | None = None,
    ) -> RawResponse:
        timeout = (self._settings.connect_timeout, self._settings.read_timeout)
        try:
            with self._session.request(
                method,
                url,
                params=params,
                data=data,
                auth=auth,
                timeout=timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = b"".join(response.iter_content(_CHUNK))
                status, reason = response.status_code, response.reason or ""
                return RawResponse(status, reason, response.headers, content)
        except requests.Timeout as error:
            raise TransientError(f"no answer in time ({type(error).__name__})") from None
        except requests.RequestException as error:
            raise TransientError(f"the connection failed ({type(error).__name__})") from None

    def _renewed(self, refresh_token: str) -> str:
        parts = urlsplit(self._base)
        response = self._request(
            "POST",
            f"{parts.scheme}://{parts.netloc}/oauth/token",
            data={"grant_type": "refresh_token", "refresh_token": refresh_token},
        )
        if response.status_code == 429 or response.status_code >= 500:
            raise TransientError(f"renewing the token: {_described(response)}")
        try:
            return msgspec.json.decode(response.content, type=_Token).access_token
        except msgspec.DecodeError:
            raise ApiError(
                status=response.status_code,
                code=121,
                message="the expired token was not renewed",
                path="/oauth/token",
            ) from None

    def _wait_after(self, state: tenacity.RetryCallState) -> float:
        backoff = self._backoff(state)
        fault = state.outcome.exception() if state.outcome else None
        if not isinstance(fault, TransientError):
            return backoff
        wait = fault.wait or backoff
        if fault.of_server:
            self._limiter.pause(wait)
        return wait

    def _warn_of(self, path: str, state: tenacity.RetryCallState) -> None:
        fault = state.outcome.exception() if state.outcome else None
        self._warn(f"GET {path}: {fault}; try {state.attempt_number} of {self._settings.tries}")


def _checked_base_url(url: str) -> str:
    parts = urlsplit(url)
    loopback = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme == "https" or (parts.scheme == "http" and loopback):
        return url.rstrip("/")
    raise ConfigurationError(
        f"The base URL {url!r} is not accepted: https is needed (http only for this machine), since"
        f" every request carries the key. The vendor's is {VENDOR_URL}."
    )


def _decoded(path: str, body: bytes, decode: Callable[[bytes], T]) -> T:
    body = body.removeprefix(_BOM)
    if not body.strip():
        raise TransientError("HTTP 200 with an empty body")
    try:
        if not body.isascii():
            body.decode()
        return decode(body)
    except msgspec.ValidationError as error:
        if not _is_json(body):
            raise TransientError(_no_json(body)) from None
        raise UnexpectedAnswerError(path, "the catalogue's shape", str(error)) from None
    except RecursionError:
        problem = "it is nested more deeply than can be read"
        raise UnexpectedAnswerError(path, "the catalogue's shape", problem) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise TransientError(_no_json(body)) from None


def _is_json(body: bytes) -> bool:
    # A body of another form is refused before its end is looked at, and may be a part of one.
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except RecursionError:
        return True
    except msgspec.DecodeError:
        return False
    return True


def _no_json(body: bytes) -> str:
    return f"HTTP 200 with {len(body)} bytes that are no JSON"


def _error_of(response: RawResponse) -> _ErrorBody:
    try:
        return msgspec.json.decode(response.content, type=_ErrorBody)
    except msgspec.DecodeError:
        return _ErrorBody(Code=response.status_code, Message=response.reason)


def _described(response: RawResponse) -> str:
    kind = response.headers.get("Content-Type", "unknown content")
    return f"HTTP {response.status_code} ({kind}, {len(response.content)} bytes)"


def _number(response: RawResponse, *headers: str) -> float | None:
    for header in headers:
        try:
            number = float(response.headers[header])
        except (KeyError, ValueError):
            continue
        if 0 <= number <= _LARGEST_NUMBER:
            return number
    return None
