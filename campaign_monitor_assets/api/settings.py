"""How requests are sent: the one declaration of the API's settings."""

import ipaddress
import socket
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
        examples=["NORTHWIND_API_KEY"],
        description="Name of the environment variable that holds the API key.",
    )
    access_token_variable: str = Field(
        default="CAMPAIGN_MONITOR_ACCESS_TOKEN",
        examples=["NORTHWIND_ACCESS_TOKEN"],
        description="Name of the environment variable that holds the OAuth access token.",
    )
    refresh_token_variable: str = Field(
        default="CAMPAIGN_MONITOR_REFRESH_TOKEN",
        examples=["NORTHWIND_REFRESH_TOKEN"],
        description="Name of the environment variable that holds the OAuth refresh token.",
    )
    token_file_variable: str = Field(
        default="CAMPAIGN_MONITOR_TOKEN_FILE",
        examples=["NORTHWIND_TOKEN_FILE"],
        description="Name of the environment variable that holds the path of the file in which"
        " renewed OAuth tokens are kept; by default one in DAGSTER_HOME.",
    )
    base_url_variable: str = Field(
        default="CAMPAIGN_MONITOR_BASE_URL",
        examples=["NORTHWIND_BASE_URL"],
        description="Name of the environment variable that holds the API's URL; where it is set, it"
        " takes precedence over `base_url`.",
    )
    base_url: str = Field(
        default=VENDOR_URL,
        examples=[VENDOR_URL],
        json_schema_extra={
            "strings": {
                "if": {"pattern": r"^\s*[Hh][Tt][Tt][Pp][Ss]?://[^\s?#]+$"},
                "else": {
                    "enum": [VENDOR_URL],
                    "errorMessage": f"an https URL without a query, such as {VENDOR_URL}",
                },
            }
        },
        description="The API's URL with its version.",
    )
    connections: int = Field(
        default=20,
        ge=1,
        le=100,
        examples=[5],
        description="Maximum requests under way at once, one connection each. Ten are begun with;"
        " more follow, one by one, while none is refused or fails.",
    )
    requests_per_second: float | None = Field(
        default=None,
        gt=0,
        examples=[2],
        description="Maximum request rate; unset: as many requests as the API allows.",
    )
    max_attempts: int = Field(
        default=6,
        ge=1,
        examples=[3],
        description="Maximum attempts of one request, the first included.",
    )
    retry_delays: list[float] = Field(
        default=[60, 300, 900],
        examples=[[60, 600]],
        json_schema_extra={"items": {"type": "number", "minimum": 0}},
        description="Seconds after which a table is read again, once each, where all attempts of a"
        " request met a transient error.",
    )
    backoff: float = Field(
        default=0.5,
        gt=0,
        examples=[2],
        description="Seconds to wait after the first transient error; it doubles with each one.",
    )
    max_backoff: float = Field(
        default=60,
        gt=0,
        examples=[120],
        description="Upper bound of that wait in seconds, unless the API asks for a longer one.",
    )
    max_wait: float = Field(
        default=3600,
        gt=0,
        examples=[7200],
        description="Maximum seconds to wait where the API asks for it, by Retry-After or its rate"
        " limit; where it asks for longer, a table fails at once and says until when.",
    )
    connect_timeout: float = Field(
        default=10, gt=0, examples=[30], description="Maximum seconds to wait for a connection."
    )
    read_timeout: float = Field(
        default=60,
        gt=0,
        examples=[120],
        description="Maximum seconds to wait for the next bytes of a response.",
    )
    request_timeout: float = Field(
        default=300,
        gt=0,
        examples=[600],
        description="Maximum seconds of a request as a whole, however its bytes trickle in.",
    )


def is_localhost(host: str) -> bool:
    """Whether a name is one of those that mean this machine, whoever is asked for its address."""
    return f".{host.lower().removesuffix('.')}".endswith(".localhost")


def is_loopback(host: str | None) -> bool:
    """Whether a host is this machine itself, however its name or address is spelled."""
    if not host or is_localhost(host):
        return bool(host)
    try:
        found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        # A name, which is not looked up.
        return False
    addresses = [ipaddress.ip_address(each[4][0]) for each in found]
    return all((getattr(each, "ipv4_mapped", None) or each).is_loopback for each in addresses)


def checked_base_url(url: str) -> str:
    """The base URL without a trailing slash.

    Raises:
        ConfigurationError: It is no URL, holds credentials or a query, or is not https and not of
            this machine either.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        scheme, host, _ = parts.scheme, parts.hostname, parts.port
        # What the system does with a name, which no empty or long part of one survives.
        (host or "").encode("idna")
    except ValueError:
        scheme, host, parts = "", None, urlsplit("")
    plain = url.isascii() and url.isprintable() and " " not in url
    extra = parts.username or parts.password or parts.query or parts.fragment
    secure = scheme == "https" or (scheme == "http" and is_loopback(host))
    if host and plain and secure and not extra:
        return url.rstrip("/")
    # What is not a plain URL may be a key in the wrong variable.
    shown = f" {scheme}://{host}{parts.path}" if host and plain and not extra else ""
    raise ConfigurationError(
        f"The base URL{shown} is not accepted. Allowed: an https URL without credentials and query"
        " (http only for this machine), since every request carries the key. The vendor's is"
        f" {VENDOR_URL}. Look at CAMPAIGN_MONITOR_BASE_URL and `base_url`."
    )
