"""The API resource: what a user configures, from which a run gets its client."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg
from pydantic import Field, PrivateAttr

from campaign_monitor_assets.api.auth import Credentials
from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.api.rate_limit import RateLimiter
from campaign_monitor_assets.api.settings import VENDOR_URL, HttpSettings
from campaign_monitor_assets.catalogue import Option
from campaign_monitor_assets.errors import MissingCredentialsError
from campaign_monitor_assets.extract.tables import ReadSettings


class CampaignMonitorResource(dg.ConfigurableResource[None]):
    """A Campaign Monitor account, by API key or OAuth token.

    See https://www.campaignmonitor.com/api/v3-3/getting-started/#authenticating-api-requests
    """

    api_key: str | None = Field(
        default=None,
        repr=False,
        description="The account's or a client's API key (Account settings → API keys).",
    )
    access_token: str | None = Field(
        default=None, repr=False, description="An OAuth token, where there is no API key."
    )
    refresh_token: str | None = Field(
        default=None, repr=False, description="What renews the OAuth token when it has expired."
    )
    api_key_variable: str = Field(
        default="CAMPAIGN_MONITOR_API_KEY",
        description="The variable that the key is read from, to be named in an error.",
    )
    access_token_variable: str = Field(
        default="CAMPAIGN_MONITOR_ACCESS_TOKEN",
        description="The variable that the token is read from, to be named in an error.",
    )
    base_url: str = Field(default=VENDOR_URL, description="The API's URL with its version.")
    clients: list[str] = Field(
        default=[], description="Read only these clients, by ClientID or name; empty: all."
    )
    include_tracking_preference: bool = Field(
        default=False, description="Ask for each subscriber's consent to tracking."
    )
    include_sms_preference: bool = Field(
        default=False, description="Ask for each subscriber's consent to SMS."
    )
    page_size: int = Field(default=1000, ge=10, le=1000, description="Rows a page.")
    connections: int = Field(
        default=10, ge=1, le=100, description="Requests under way at once, a connection each."
    )
    requests_per_second: float | None = Field(
        default=None, gt=0, description="The most requests a second; unset: what the API allows."
    )
    tries: int = Field(default=6, ge=1, description="How often one request is sent at the most.")
    backoff: float = Field(
        default=0.5, gt=0, description="Seconds to wait after a first passing fault; it doubles."
    )
    connect_timeout: float = Field(
        default=10, gt=0, description="Seconds to wait for a connection."
    )
    read_timeout: float = Field(
        default=60, gt=0, description="Seconds to wait for the next bytes of an answer."
    )
    rereads: int = Field(
        default=3, ge=0, description="How often a collection that moved is read again."
    )
    retry_delays: list[float] = Field(
        default=[60, 300, 900],
        description="Seconds after which a table is read again, once each, where all attempts of a"
        " request met a transient error.",
    )

    _limiter: RateLimiter | None = PrivateAttr(default=None)
    _credentials: Credentials | None = PrivateAttr(default=None)

    @contextmanager
    def client(self, warn: Callable[[str], None] = lambda _: None) -> Iterator[ApiClient]:
        """A client for as long as the context lasts.

        Raises:
            MissingCredentialsError: There is neither a key nor a token.
            ConfigurationError: The base URL is not accepted.
        """
        if not (self.api_key or self.access_token):
            raise MissingCredentialsError(self.api_key_variable, self.access_token_variable)
        # What one table learned of the limit, and the token it renewed, serve the next one too.
        self._limiter = self._limiter or RateLimiter(self.requests_per_second)
        self._credentials = self._credentials or Credentials(
            api_key=self.api_key,
            access_token=self.access_token,
            refresh_token=self.refresh_token,
        )
        client = ApiClient(
            HttpSettings(
                base_url=self.base_url,
                connect_timeout=self.connect_timeout,
                read_timeout=self.read_timeout,
                max_attempts=self.tries,
                backoff=self.backoff,
                connections=self.connections,
                requests_per_second=self.requests_per_second,
            ),
            self._credentials,
            limiter=self._limiter,
            warn=warn,
        )
        try:
            yield client
        finally:
            client.close()

    def read_settings(self) -> ReadSettings:
        """How tables are read."""
        options = {
            Option.TRACKING: self.include_tracking_preference,
            Option.SMS: self.include_sms_preference,
        }
        return ReadSettings(
            page_size=self.page_size,
            connections=self.connections,
            consistency_retries=self.rereads,
            options=frozenset(option for option, wanted in options.items() if wanted),
        )
