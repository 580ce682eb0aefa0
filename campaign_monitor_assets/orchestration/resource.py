"""The API resource: what a user configures, from which a run gets its client."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg
from pydantic import Field, PrivateAttr

from campaign_monitor_assets.api.auth import Credentials
from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.api.rate_limit import RateLimiter
from campaign_monitor_assets.api.settings import ApiSettings
from campaign_monitor_assets.errors import MissingCredentialsError
from campaign_monitor_assets.extract.settings import ExtractSettings


class CampaignMonitorResource(ApiSettings, ExtractSettings, dg.ConfigurableResource[None]):
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
    clients: list[str] = Field(
        default=[], description="Read only these clients, by ClientID or name; empty: all."
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
        client = ApiClient(self, self._credentials, limiter=self._limiter, warn=warn)
        try:
            yield client
        finally:
            client.close()
