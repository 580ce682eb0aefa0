"""The API resource: what a user configures, from which a run gets its client."""

import os
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import dagster as dg
from pydantic import Field, PrivateAttr

from campaign_monitor_assets.api.auth import Credentials, checked_secret
from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.api.rate_limit import RateLimiter
from campaign_monitor_assets.api.settings import ApiSettings
from campaign_monitor_assets.api.tokens import TokenFile, default_token_file
from campaign_monitor_assets.catalogue import Table
from campaign_monitor_assets.errors import MissingCredentialsError
from campaign_monitor_assets.extract.forecast import AccountCheck, check_account
from campaign_monitor_assets.extract.settings import ExtractSettings
from campaign_monitor_assets.orchestration.reading_ahead import ReadAhead
from campaign_monitor_assets.paths import absolute

_CREATING: Final = threading.Lock()


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

    _ahead: ReadAhead = PrivateAttr(default_factory=ReadAhead)
    _limiter: RateLimiter | None = PrivateAttr(default=None)
    _credentials: Credentials | None = PrivateAttr(default=None)

    @property
    def ahead(self) -> ReadAhead:
        """What this run, or its process, has begun to read."""
        return self._ahead

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002
        """Ends what is read for steps that never came, as where a run is terminated."""
        self._ahead.close()

    @contextmanager
    def client(self, warn: Callable[[str], None] = lambda _: None) -> Iterator[ApiClient]:
        """A client for as long as the context lasts.

        Raises:
            MissingCredentialsError: There is neither a key nor a token.
            ConfigurationError: A key, a token or the base URL is not accepted.
        """
        # What one table learned of the limit, and the token it renewed, serve the next one too.
        with _CREATING:
            self._limiter = self._limiter or RateLimiter(
                self.requests_per_second, connections=self.connections
            )
            self._credentials = self._credentials or self._read_credentials()
        client = ApiClient(self, self._credentials, limiter=self._limiter, warn=warn)
        try:
            yield client
        finally:
            client.close()

    def survey(
        self,
        tables: Sequence[Table],
        incremental: Collection[str] = (),
        warn: Callable[[str], None] = lambda _: None,
    ) -> AccountCheck:
        """What the credentials see, and what reading it costs.

        Args:
            tables: The tables that will be read.
            incremental: Those that are read incrementally.
            warn: Told of waiting.

        Raises:
            CampaignMonitorError: The credentials, a wanted client or every client are refused.
        """
        with self.client(warn) as client:
            return check_account(
                client,
                tables=tables,
                wanted=self.clients,
                page_size=self.page_size,
                connections=self.connections,
                requests_per_second=self.requests_per_second,
                incremental=incremental,
            )

    def _read_credentials(self) -> Credentials:
        api_key = checked_secret(self.api_key, self.api_key_variable)
        access_token = checked_secret(self.access_token, self.access_token_variable)
        if not (api_key or access_token):
            raise MissingCredentialsError(self.api_key_variable, self.access_token_variable)
        file = os.environ.get(self.token_file_variable)
        return Credentials(
            api_key=api_key,
            access_token=access_token,
            refresh_token=checked_secret(self.refresh_token, self.refresh_token_variable),
            token_file=TokenFile(
                absolute(file, self.token_file_variable) if file else default_token_file()
            ),
        )
