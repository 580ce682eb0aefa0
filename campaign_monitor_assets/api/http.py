"""One exchange: a request out, its response read to the end, or an error of the network."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from campaign_monitor_assets.api.cancellation import ExchangeAdapter, Exchanges
from campaign_monitor_assets.api.settings import ApiSettings, is_loopback
from campaign_monitor_assets.errors import (
    ConfigurationError,
    ProxyRefusedError,
    RequestCancelledError,
    UntrustedCertificateError,
)

_CHUNK: Final = 1 << 20
"""Bytes to read at a time. The 10 kB that requests reads by default cost thread switches."""


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


class TransientError(Exception):
    """An error that a later attempt may not meet.

    Attributes:
        wait: Seconds that the API asked to wait before the next attempt, if it did.
        of_server: The API itself is in trouble, so other requests should wait too.
    """

    def __init__(self, what: str, *, wait: float | None = None, of_server: bool = False) -> None:
        super().__init__(what)
        self.wait = wait
        self.of_server = of_server


class _NoAuth(AuthBase):
    """Sends no credentials. Without any auth requests would look for some in ~/.netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _Session(requests.Session):
    """Takes proxies and certificates from the environment, but no credentials."""

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
    """

    def __init__(self, settings: ApiSettings) -> None:
        self._timeout = (settings.connect_timeout, settings.read_timeout)
        self._request_timeout = settings.request_timeout
        self._exchanges = Exchanges()
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
        host = urlsplit(url).netloc
        with self._exchanges.begin(self._request_timeout) as exchange:
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
                    body = b"".join(response.iter_content(_CHUNK))
                    exchange.require_unbroken()
                    reason = response.reason or ""
                    return RawResponse(response.status_code, reason, response.headers, body)
            except (requests.RequestException, OSError, ValueError) as error:
                if self._exchanges.closed:
                    raise RequestCancelledError(f"{method} {urlsplit(url).path}") from None
                if exchange.expired:
                    limit = f"no whole response within {self._request_timeout:g} s"
                    raise TransientError(f"{limit} from {host} (request_timeout)") from None
                # A library's text may hold a proxy's password or a header.
                raise _explained(error, host) from None


def _explained(error: Exception, host: str) -> Exception:
    """What an error of the network means."""
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY" in str(error):
        return UntrustedCertificateError(host)
    if isinstance(error, requests.exceptions.ProxyError):
        refused = re.search(r"Tunnel connection failed: (4\d\d)", str(error))
        if refused:
            return ProxyRefusedError(host, int(refused[1]))
        return TransientError(f"the connection to {host} by the proxy failed")
    if isinstance(error, requests.Timeout):
        return TransientError(f"no response from {host} in time ({type(error).__name__})")
    if isinstance(error, ValueError) or not isinstance(error, requests.RequestException):
        return ConfigurationError(
            f"{host} can't be asked as the environment says ({type(error).__name__}). Look at"
            " HTTPS_PROXY, HTTP_PROXY and ALL_PROXY, which are of the form http://host:port, and"
            " whether the file of REQUESTS_CA_BUNDLE is there."
        )
    return TransientError(f"the connection to {host} failed ({_cause(error)})")


def _cause(error: requests.RequestException) -> str:
    """The innermost class that says what failed, such as NameResolutionError."""
    inner: object = error.args[0] if error.args else error
    inner = getattr(inner, "reason", inner)
    return type(inner if isinstance(inner, Exception) else error).__name__
