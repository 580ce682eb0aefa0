"""Requests to the API: authorized, rate limited, retried; what each response means."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, TypeVar
from urllib.parse import urlsplit

import tenacity
from requests.auth import AuthBase

from campaign_monitor_assets.api.auth import Credentials
from campaign_monitor_assets.api.http import RawResponse, Transport
from campaign_monitor_assets.api.network_errors import TransientError
from campaign_monitor_assets.api.rate_limit import RateLimiter
from campaign_monitor_assets.api.renewal import TokenRenewal
from campaign_monitor_assets.api.responses import (
    decoded,
    error_body,
    number_of,
    refusal,
    seconds,
    server_trouble,
)
from campaign_monitor_assets.api.settings import ApiSettings, checked_base_url
from campaign_monitor_assets.api.tokens import Wait
from campaign_monitor_assets.errors import (
    RequestCancelledError,
    RetriesExhaustedError,
    WaitTooLongError,
)

T = TypeVar("T")

_LONG_WAIT: Final = 10.0
"""Seconds of waiting that are told."""

_SECONDS_BETWEEN_NOTICES: Final = 60.0
_HOW_TO_END: Final = "To wait no longer, terminate the run (Ctrl-C)."
_NEVER: Final = float("-inf")


@dataclass(frozen=True)
class Response(Generic[T]):
    """A decoded response and what it took.

    Attributes:
        value: The decoded body.
        requests: Attempts, failed ones included.
        size: Bytes of the body.
        replaced: Characters of it that are none and were repaired.
    """

    value: T
    requests: int
    size: int
    replaced: int = 0


class ApiClient:
    """Sends requests to the API, from any number of threads.

    Args:
        settings: How requests are sent.
        credentials: What requests are authorized by.
        limiter: The rate limiter of the clients before this one; by default a new one.
        warn: Told of every transient error that is retried.
    """

    def __init__(
        self,
        settings: ApiSettings,
        credentials: Credentials,
        *,
        limiter: RateLimiter | None = None,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._base = checked_base_url(settings.base_url)
        self._host = urlsplit(self._base).netloc
        self._settings = settings
        self._credentials = credentials
        self._warn = warn
        self._closed = threading.Event()
        self._limiter = limiter or RateLimiter(
            settings.requests_per_second, connections=settings.connections
        )
        self._backoff = tenacity.wait_exponential(
            multiplier=settings.backoff, max=settings.max_backoff
        ) + tenacity.wait_random(0, settings.backoff)
        self._transport = Transport(settings, warn)
        self._renewal = TokenRenewal(self._transport, settings, self._base)
        self._notified = _NEVER

    @property
    def connections(self) -> int:
        """Maximum requests under way at once."""
        return self._settings.connections

    def close(self) -> None:
        """Ends all waiting and closes the connections."""
        self._closed.set()
        self._transport.close()

    def _sleep(self, seconds: float) -> bool:
        """Waits, but not longer than the client is open; whether it was closed."""
        return self._closed.wait(seconds)

    def _pause(self, seconds: float) -> None:
        self._sleep(seconds)

    def _require_bearable(self, seconds: float) -> None:
        """Fails where the API asks for a longer wait than a run is meant to sit out."""
        if seconds > self._settings.max_wait:
            until = datetime.now(UTC) + timedelta(seconds=seconds)
            raise WaitTooLongError(self._host, until, self._settings.max_wait)

    def _tell_of_waiting(self, seconds: float) -> None:
        self._require_bearable(seconds)
        now = time.monotonic()
        if seconds < _LONG_WAIT or now - self._notified < _SECONDS_BETWEEN_NOTICES:
            return
        self._notified = now
        self._warn(
            f"Waiting for {self._host}, which lets no request start for {seconds:.0f} s, as its"
            f" rate limit says; the run goes on then. {_HOW_TO_END}"
        )

    def get(
        self, path: str, decode: Callable[[bytes], T], query: Mapping[str, str | int] | None = None
    ) -> Response[T]:
        """Requests one endpoint and decodes the response, retrying after transient errors.

        Args:
            path: The endpoint below the base URL, without `.json`.
            decode: Decodes the body. Its `msgspec.ValidationError` means that the response is not
                of the promised form, any other `msgspec.DecodeError` that it is not JSON.
            query: The fields of the query.

        Raises:
            ApiError: The API refused the request; a retry would not help.
            UnexpectedResponseError: The response is JSON of another form.
            RetriesExhaustedError: No attempt was free of a transient error.
            WaitTooLongError: The API asks to wait for longer than `max_wait`.
            RequestCancelledError: The client was closed meanwhile.
        """
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self._settings.max_attempts),
            wait=self._wait_after,
            retry=tenacity.retry_if_exception_type(TransientError),
            sleep=self._pause,
            before_sleep=lambda state: self._warn_of(path, state),
        )
        attempts = 0
        try:
            for attempt in retrying:
                with attempt:
                    attempts += 1
                    is_last = attempts == self._settings.max_attempts
                    body = self._send(path, query or {}, is_last=is_last)
                    value, replaced = decoded(f"GET {path}", body, decode)
                    return Response(value, attempts, len(body), replaced)
        except tenacity.RetryError as error:
            last = error.last_attempt.exception()
            status = last.status if isinstance(last, TransientError) else None
            raise RetriesExhaustedError(path, self._host, attempts, str(last), status) from last
        raise AssertionError("tenacity either returns or raises")

    def _send(self, path: str, query: Mapping[str, str | int], *, is_last: bool) -> bytes:
        started = self._limiter.start(self._sleep, self._tell_of_waiting)
        if started is None:
            raise RequestCancelledError(f"GET {path}")
        try:
            if self._closed.is_set():
                raise RequestCancelledError(f"GET {path}")
            auth = self._credentials.auth
            url = f"{self._base}{path}.json"
            response = self._transport.send("GET", url, query=query, auth=auth)
            error = error_body(response)
            if error and error.Code == 121 and self._renew(auth):
                auth = self._credentials.auth
                response = self._transport.send("GET", url, query=query, auth=auth)
            return self._successful(path, response, started, is_last=is_last)
        finally:
            self._limiter.end()

    def _successful(
        self, path: str, response: RawResponse, started: float, *, is_last: bool
    ) -> bytes:
        """The body of a successful response; any other raises."""
        trouble = server_trouble(response)
        reset = seconds(response, "X-RateLimit-Reset", "Retry-After")
        if response.status == 429:
            known = self._settings.backoff if reset is None else reset
            self._limiter.refused(started, known, pause=not is_last)
        else:
            self._limiter.succeeded(number_of(response, "X-RateLimit-Remaining"), reset)
        if trouble is not None:
            raise trouble
        if response.status == 200:
            return response.body
        raise refusal(f"GET {path}", self._host, response)

    def _renew(self, expired: AuthBase) -> bool:
        wait = Wait(self._warn, self._closed.is_set)
        return self._credentials.renew(expired, self._renewal, wait)

    def _wait_after(self, state: tenacity.RetryCallState) -> float:
        backoff = self._backoff(state)
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, TransientError):
            return backoff
        self._limiter.troubled()
        wait = error.wait or backoff
        is_too_long = (error.wait or 0) > self._settings.max_wait
        is_last = state.attempt_number >= self._settings.max_attempts
        # The last attempt holds nobody up, but where nothing may be sent for long, nobody sends.
        if error.of_server and (is_too_long or not is_last):
            self._limiter.pause(wait)
        if is_too_long:
            self._require_bearable(wait)
        return wait

    def _warn_of(self, path: str, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        attempt = f"attempt {state.attempt_number} of {self._settings.max_attempts}"
        wait = state.next_action.sleep if state.next_action else 0
        how = f". {_HOW_TO_END}" if wait >= _LONG_WAIT else ""
        self._warn(f"GET {path}: {error}; {attempt}, the next one in {wait:.1f} s{how}")
