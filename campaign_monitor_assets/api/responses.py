"""What a response says: its decoded body, its error code, the numbers in its headers."""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

import msgspec

from campaign_monitor_assets.api.http import RawResponse
from campaign_monitor_assets.api.network_errors import TransientError
from campaign_monitor_assets.api.repair import repair
from campaign_monitor_assets.errors import (
    ApiError,
    RedirectedError,
    UnexpectedResponseError,
    UnexpectedStatusError,
)
from campaign_monitor_assets.wording import quoted

T = TypeVar("T")

_MOST_SECONDS: Final = 366 * 86_400.0
"""A larger number in a header is no number of seconds until something may be asked again."""

_FIRST_MOMENT: Final = 1e9
"""A number as large as this is a moment, in seconds since 1970, as other APIs give it."""

_BUSY_CODES: Final = frozenset({278, 287})
"""Transient refusals: a segment that is being calculated, or briefly unavailable."""

_BOM: Final = b"\xef\xbb\xbf"


class ErrorBody(msgspec.Struct, frozen=True):
    """The API's own description of an error."""

    Code: int
    Message: str


class _NotJsonError(Exception):
    """The body can't be decoded."""


def decoded(request: str, body: bytes, decode: Callable[[bytes], T]) -> tuple[T, int]:
    """The decoded body of a successful response, and how many of its characters were repaired.

    Args:
        request: Method and endpoint, for errors.
        body: The body.
        decode: Decodes it.

    Raises:
        TransientError: The body is empty or not JSON, as when it was cut or comes from a proxy.
        UnexpectedResponseError: It is JSON of another form.
    """
    body = body.removeprefix(_BOM)
    if not body.strip():
        raise TransientError("HTTP 200 with an empty body")
    try:
        return _decoded(request, body, decode), 0
    except _NotJsonError:
        # Only now: a sound body costs nothing.
        repaired, characters = repair(body)
    if characters:
        with suppress(_NotJsonError):
            return _decoded(request, repaired, decode), characters
    raise TransientError(f"HTTP 200 with {len(body)} bytes that are not JSON")


def _decoded(request: str, body: bytes, decode: Callable[[bytes], T]) -> T:
    try:
        if not body.isascii():
            body.decode()
        return decode(body)
    except msgspec.ValidationError as error:
        if not _is_json(body):
            raise _NotJsonError from None
        raise UnexpectedResponseError(request, "the catalogue's shape", str(error)) from None
    except RecursionError:
        problem = "it is nested more deeply than can be read"
        raise UnexpectedResponseError(request, "the catalogue's shape", problem) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _NotJsonError from None


def _is_json(body: bytes) -> bool:
    # A body of another form is rejected before its end is looked at, and may have been cut.
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except RecursionError:
        return True
    except msgspec.DecodeError:
        return False
    return True


def error_body(response: RawResponse) -> ErrorBody | None:
    """The API's own description of why it refused a request.

    Only this makes a status an error code: a redirect with status 301 is no campaign that was
    deleted (code 301), and a proxy's 403 is no refusal of the API's.

    Returns:
        None where the status is no client error or the body is not such a description.
    """
    if not 400 <= response.status <= 499:
        return None
    try:
        return msgspec.json.decode(response.body.removeprefix(_BOM), type=ErrorBody)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def server_trouble(response: RawResponse) -> TransientError | None:
    """The transient error that a status stands for; None: the server is in no trouble."""
    if response.status == 429:
        wait = seconds(response, "X-RateLimit-Reset", "Retry-After")
        return TransientError("HTTP 429, too many requests", wait=wait, of_server=True, status=429)
    if response.status >= 500 or response.status == 408:
        wait = seconds(response, "Retry-After")
        return TransientError(str(response), wait=wait, of_server=True, status=response.status)
    return None


def refusal(request: str, host: str, response: RawResponse) -> Exception:
    """What a response means that is neither a success nor trouble of the server's.

    Args:
        request: Method and endpoint.
        host: The host that was asked.
        response: What was answered.
    """
    error = error_body(response)
    if error is None:
        location = response.headers.get("Location")
        if 300 <= response.status <= 399 and location is not None:
            return RedirectedError(request, host, response.status, location)
        return UnexpectedStatusError(request, host, str(response))
    if error.Code in _BUSY_CODES:
        said = f"code {error.Code}, {quoted(error.Message)}"
        return TransientError(said, status=response.status)
    return ApiError(request, response.status, error.Code, error.Message)


class _OAuthError(msgspec.Struct, frozen=True):
    error: str


def oauth_error(response: RawResponse) -> str | None:
    """The short name that OAuth has for a refusal; None where the response is not the API's own."""
    try:
        said = msgspec.json.decode(response.body, type=_OAuthError).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return said if re.fullmatch(r"\w{1,50}", said, re.ASCII) else None


def seconds(response: RawResponse, *headers: str) -> float | None:
    """The longest of the waits that the headers ask for; None: none is a plausible one."""
    waits = [_wait(response, header) for header in headers]
    return max((wait for wait in waits if wait is not None), default=None)


def _wait(response: RawResponse, header: str) -> float | None:
    number = number_of(response, header)
    if number is None:
        number = _until(response.headers.get(header, ""))
    elif number >= _FIRST_MOMENT:
        number -= time.time()
    return number if number is not None and 0 <= number <= _MOST_SECONDS else None


def number_of(response: RawResponse, header: str) -> float | None:
    """The number that a header is; None: it is none."""
    value = response.headers.get(header, "").strip()
    return float(value) if re.fullmatch(r"\d{1,15}(\.\d{1,9})?", value, re.ASCII) else None


def _until(value: str) -> float | None:
    """The seconds until a date of HTTP's own form."""
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return (date - datetime.now(UTC)).total_seconds()
