"""What an exception of requests, urllib3 or the standard library means: the one place that decides.

A library's text may hold a proxy's password or a header, so that only names of classes and of
OpenSSL's reasons are repeated.
"""

import http.client
import re
import ssl
from typing import Final

import requests
import urllib3.exceptions

from campaign_monitor_assets.api.causes import cause
from campaign_monitor_assets.errors import (
    ConfigurationError,
    ProxyRefusedError,
    UntrustedCertificateError,
)

NETWORK_ERRORS: Final = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
    OverflowError,
)
"""What may be raised while a request is sent and its response is read."""

_MALFORMED: Final = (
    urllib3.exceptions.InvalidHeader,
    urllib3.exceptions.ResponseNotChunked,
    urllib3.exceptions.BodyNotHttplibCompatible,
    urllib3.exceptions.DecodeError,
    http.client.HTTPException,
)
_BROKEN_OFF: Final = frozenset(
    {
        http.client.RemoteDisconnected,
        http.client.IncompleteRead,
        urllib3.exceptions.IncompleteRead,
    }
)
"""These classes alone: what urllib3 derives from them means something else."""
_OTHER_NAME: Final = frozenset({62, 64})
"""OpenSSL's codes for a certificate of another host name, or of another address."""
_NO_BUNDLE: Final = (FileNotFoundError, PermissionError, IsADirectoryError)


class TransientError(Exception):
    """An error that a later attempt may not meet.

    Attributes:
        wait: Seconds that the API asked to wait before the next attempt, if it did.
        of_server: The API itself is in trouble, so other requests should wait too.
        status: The HTTP status, where there was a response that was no success.
    """

    def __init__(
        self,
        what: str,
        *,
        wait: float | None = None,
        of_server: bool = False,
        status: int | None = None,
    ) -> None:
        super().__init__(what)
        self.wait = wait
        self.of_server = of_server
        self.status = status


def malformed(host: str, what: str) -> TransientError:
    """A response that is no proper HTTP, as of a server or proxy that is in trouble."""
    return TransientError(f"the response of {host} is malformed ({what})")


def explained(
    error: Exception, host: str, *, is_reached: bool, proxy: str | None = None
) -> Exception:
    """What an error of the network means.

    Args:
        error: One of `NETWORK_ERRORS`.
        host: The host that was asked.
        proxy: The proxy that the environment names for it.
        is_reached: Whether there was a connection. What is wrong then is not the configuration.
    """
    chain = _chain(error)
    found = _of_proxy_or_certificate(error, chain[-1], host, proxy)
    if found is not None:
        return found
    by = f" by the proxy {proxy}" if proxy else ""
    if isinstance(error, requests.ConnectTimeout):
        return TransientError(f"no connection to {host} within connect_timeout (ConnectTimeout)")
    if isinstance(error, requests.Timeout):
        return TransientError(f"no response from {host}{by} within read_timeout ({_name(error)})")
    wrong = next((each for each in chain if isinstance(each, _MALFORMED)), None)
    if is_reached and wrong is not None and type(wrong) not in _BROKEN_OFF:
        return malformed(host, _name(wrong))
    is_of_requests = isinstance(error, requests.RequestException)
    if is_of_requests and not isinstance(error, ValueError):
        return TransientError(f"the connection to {host}{by} failed: {cause(chain[-1])}")
    return malformed(host, _name(error)) if is_reached else _unusable(host, error)


def _of_proxy_or_certificate(
    error: Exception, inner: Exception, host: str, proxy: str | None
) -> Exception | None:
    of_proxy = isinstance(error, requests.exceptions.ProxyError)
    named = f"the proxy {proxy or 'of HTTPS_PROXY'}"
    if isinstance(inner, ssl.SSLCertVerificationError):
        is_other = inner.verify_code in _OTHER_NAME
        return UntrustedCertificateError(named if of_proxy else host, is_other=is_other)
    if of_proxy:
        refused = re.search(r"Tunnel connection failed: (4\d\d)", str(error))
        if refused:
            return ProxyRefusedError(host, int(refused[1]), named)
        return TransientError(
            f"{named} can't be reached on the way to {host}: {cause(inner)}; look at HTTPS_PROXY"
        )
    if isinstance(error, requests.exceptions.SSLError) and _is_of_bundle(inner):
        return _unusable(host, inner)
    return None


def _is_of_bundle(inner: Exception) -> bool:
    """Whether the file of certificate authorities can't be read, or holds none."""
    if isinstance(inner, ssl.SSLError):
        return inner.library in {"X509", "PEM"}
    return isinstance(inner, _NO_BUNDLE)


def _unusable(host: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"{host} can't be asked as the environment says ({_name(error)}). Look at HTTPS_PROXY,"
        " HTTP_PROXY and ALL_PROXY, which are of the form http://host:port, and whether the file of"
        " REQUESTS_CA_BUNDLE is there and holds certificates (PEM)."
    )


def _chain(error: Exception) -> list[Exception]:
    """The error, and those that it was wrapped around: what went wrong first is the last."""
    chain = [error]
    while True:
        last = chain[-1]
        inner = [getattr(last, "reason", None), *last.args]
        if type(last) is urllib3.exceptions.NewConnectionError:
            inner = [last.__cause__]
        nested = [each for each in inner if isinstance(each, Exception) and each not in chain]
        if not nested:
            return chain
        chain.append(nested[-1])


def _name(error: Exception) -> str:
    """The class that says what failed, and OpenSSL's own reason."""
    reason = error.reason if isinstance(error, ssl.SSLError) else None
    return f"{type(error).__name__}, {reason}" if reason else type(error).__name__
