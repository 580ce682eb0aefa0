"""How requests are sent: the one declaration of the API's settings."""

from typing import Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from campaign_monitor_assets.errors import ConfigurationError

VENDOR_URL: Final = "https://api.createsend.com/api/v3.3"


class ApiSettings(BaseModel):
    """How requests are authorized and sent.

    A field that is added here is an attribute of the component and of the resource, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_key_variable: str = Field(
        default="CAMPAIGN_MONITOR_API_KEY",
        description="Name of the environment variable that holds the API key.",
    )
    access_token_variable: str = Field(
        default="CAMPAIGN_MONITOR_ACCESS_TOKEN",
        description="Name of the environment variable that holds the OAuth access token.",
    )
    refresh_token_variable: str = Field(
        default="CAMPAIGN_MONITOR_REFRESH_TOKEN",
        description="Name of the environment variable that holds the OAuth refresh token.",
    )
    base_url_variable: str = Field(
        default="CAMPAIGN_MONITOR_BASE_URL",
        description="Name of the environment variable that holds the API's URL; where it is set, it"
        " takes precedence over `base_url`.",
    )
    base_url: str = Field(default=VENDOR_URL, description="The API's URL with its version.")
    connections: int = Field(
        default=10,
        ge=1,
        le=100,
        description="Maximum requests under way at once, one connection each.",
    )
    requests_per_second: float | None = Field(
        default=None,
        gt=0,
        description="Maximum request rate; unset: as many requests as the API allows.",
    )
    max_attempts: int = Field(
        default=6, ge=1, description="Maximum attempts of one request, the first included."
    )
    retry_delays: list[float] = Field(
        default=[60, 300, 900],
        description="Seconds after which a table is read again, once each, where all attempts of a"
        " request met a transient error.",
    )
    backoff: float = Field(
        default=0.5,
        gt=0,
        description="Seconds to wait after the first transient error; it doubles with each one.",
    )
    max_backoff: float = Field(
        default=60,
        gt=0,
        description="Upper bound of that wait in seconds, unless the API asks for a longer one.",
    )
    connect_timeout: float = Field(
        default=10, gt=0, description="Maximum seconds to wait for a connection."
    )
    read_timeout: float = Field(
        default=60, gt=0, description="Maximum seconds to wait for the next bytes of a response."
    )


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
