"""One exchange: a request out, its response read to the end, or an error of the network."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from campaign_monitor_assets.api.cancellation import ExchangeAdapter, Exchanges
from campaign_monitor_assets.api.causes import proxy_for
from campaign_monitor_assets.api.network_errors import (
    NETWORK_ERRORS,
    TransientError,
    explained,
    malformed,
)
from campaign_monitor_assets.api.settings import ApiSettings, is_loopback
from campaign_monitor_assets.errors import RequestCancelledError

_CHUNK: Final = 1 << 20
"""Bytes to read at a time. The 10 kB that requests reads by default cost thread switches."""

_MOST_BYTES: Final = 256 << 20
"""Bytes of a body. A page has a thousand rows at most; what is larger never ends, or is packed to
fill the memory."""


@dataclass(frozen=True)
class RawResponse:
    """A response with its whole body."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    def __str__(self) -> str:
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip()
        if not re.fullmatch(r"[\w.+-]{1,50}/[\w.+-]{1,50}", kind, re.ASCII):
            kind = "unknown content type"
        return f"HTTP {self.status} ({kind}, {len(self.body)} bytes)"


class _NoAuth(AuthBase):
    """Sends no credentials. Without any auth requests would look for some in ~/.netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _Session(requests.Session):
    """Takes proxies and certificates from the environment, but no credentials; keeps no cookie."""

    def __init__(self) -> None:
        super().__init__()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """No redirect has a target here: they are errors, and requests need not look at them."""

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """What the environment says; no proxy knows the way to this machine itself."""
        settings = super().merge_environment_settings(url, proxies, stream, verify, cert)
        return settings | {"proxies": {}} if is_loopback(urlsplit(url).hostname) else settings


class Transport:
    """Kept-alive connections to the API, for any number of threads.

    Args:
        settings: Timeouts and the number of connections.
        warn: Told of requests that take long.
    """

    def __init__(self, settings: ApiSettings, warn: Callable[[str], None]) -> None:
        self._timeout = (settings.connect_timeout, settings.read_timeout)
        self._request_timeout = settings.request_timeout
        self._exchanges = Exchanges(settings.request_timeout, warn)
        self._session = _Session()
        adapter = ExchangeAdapter(self._exchanges, settings.connections)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def close(self) -> None:
        """Ends the requests under way and closes the connections."""
        self._exchanges.close()
        self._session.close()

    def send(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str | int] | None = None,
        form: Mapping[str, str] | None = None,
        auth: AuthBase | None = None,
    ) -> RawResponse:
        """Sends one request and reads its response; redirects are not followed.

        Raises:
            TransientError: There was no response, or not the whole of it in time.
            RequestCancelledError: The connections were closed meanwhile.
            UntrustedCertificateError: The host's certificate is not trusted.
            ProxyRefusedError: The proxy doesn't let the request through.
            ConfigurationError: The environment's proxy or certificates can't be used.
        """
        parts = urlsplit(url)
        host, request = parts.netloc, f"{method} {parts.path}"
        with self._exchanges.begin(request) as exchange:
            try:
                with self._session.request(
                    method,
                    url,
                    params=query,
                    data=form,
                    auth=auth or _NoAuth(),
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    _require_length(host, response.headers)
                    body = _body(host, response)
                    exchange.require_unbroken()
                    reason = response.reason or ""
                    return RawResponse(response.status_code, reason, response.headers, body)
            except NETWORK_ERRORS as error:
                if self._exchanges.closed:
                    raise RequestCancelledError(request) from None
                if exchange.expired:
                    limit = f"no whole response within {self._request_timeout:g} s"
                    raise TransientError(f"{limit} from {host} (request_timeout)") from None
                is_reached = exchange.held is not None
                raise explained(error, host, is_reached=is_reached, proxy=proxy_for(url)) from None


def _body(host: str, response: requests.Response) -> bytes:
    chunks, size = [], 0
    for chunk in response.iter_content(_CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if size > _MOST_BYTES:
            raise malformed(host, f"more than {_MOST_BYTES >> 20} MB")
    return b"".join(chunks)


def _require_length(host: str, headers: Mapping[str, str]) -> None:
    # Of a length that is none, urllib3 makes "until the connection ends", which may be never.
    length = headers.get("Content-Length", "0")
    if not re.fullmatch(r"\d{1,18}(\s*,\s*\d{1,18})*", length.strip(), re.ASCII):
        raise malformed(host, "a Content-Length that is no number")
