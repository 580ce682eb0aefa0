"""How requests are sent: the settings of the HTTP client."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from campaign_monitor_assets.errors import ConfigurationError

VENDOR_URL: Final = "https://api.createsend.com/api/v3.3"


@dataclass(frozen=True, kw_only=True)
class HttpSettings:
    """How requests are sent; times are in seconds.

    Attributes:
        base_url: The API's URL with its version.
        connect_timeout: Maximum time to wait for a connection.
        read_timeout: Maximum time to wait for the next bytes of a response.
        max_attempts: Maximum attempts of one request, the first included.
        backoff: Wait after the first transient error; it doubles with each further one.
        max_backoff: Upper bound of that wait, unless the API asks for a longer one.
        connections: Maximum requests under way at once, one connection each.
        requests_per_second: Upper bound of the request rate; None: as many as the API allows.
    """

    base_url: str = VENDOR_URL
    connect_timeout: float = 10
    read_timeout: float = 60
    max_attempts: int = 6
    backoff: float = 0.5
    max_backoff: float = 60
    connections: int = 10
    requests_per_second: float | None = None


def checked_base_url(url: str) -> str:
    """The base URL without a trailing slash.

    Raises:
        ConfigurationError: It is not https, and not of this machine either.
    """
    parts = urlsplit(url)
    loopback = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme == "https" or (parts.scheme == "http" and loopback):
        return url.rstrip("/")
    raise ConfigurationError(
        f"The base URL {url!r} is not accepted: https is required (http only for this machine),"
        f" since every request carries the key. The vendor's URL is {VENDOR_URL}."
    )
