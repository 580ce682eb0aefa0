"""Exchanging a refresh token for new tokens: the one request that is no GET."""

from typing import Final
from urllib.parse import urlsplit

import msgspec

from campaign_monitor_assets.api.auth import checked_secret
from campaign_monitor_assets.api.http import RawResponse, Transport
from campaign_monitor_assets.api.network_errors import TransientError
from campaign_monitor_assets.api.responses import oauth_error, refusal, server_trouble
from campaign_monitor_assets.api.settings import ApiSettings
from campaign_monitor_assets.api.tokens import Tokens
from campaign_monitor_assets.errors import (
    ConfigurationError,
    TokenRefusedError,
    UnexpectedResponseError,
    UnexpectedStatusError,
)

_PATH: Final = "/oauth/token"
_REQUEST: Final = f"POST {_PATH}"


class TokenRenewal:
    """Asks the API for new tokens.

    Args:
        transport: Sends the request.
        settings: Names the variables that the user can set.
        base: The API's URL; the token path stands at its root.
    """

    def __init__(self, transport: Transport, settings: ApiSettings, base: str) -> None:
        parts = urlsplit(base)
        self._transport = transport
        self._host = parts.netloc
        self._url = f"{parts.scheme}://{parts.netloc}{_PATH}"
        self._variables = f"{settings.access_token_variable} and {settings.refresh_token_variable}"

    def __call__(self, refresh_token: str) -> Tokens:
        """Exchanges a refresh token, which may be used up by that.

        Raises:
            TransientError: The API is in trouble.
            TokenRefusedError: The API refuses to renew the token.
            UnexpectedResponseError: The response holds no token.
            UnexpectedStatusError: The response is not the API's.
        """
        response = self._transport.send(
            "POST",
            self._url,
            form={"grant_type": "refresh_token", "refresh_token": refresh_token},
        )
        trouble = server_trouble(response)
        if trouble is not None:
            what = f"renewing the token: {trouble}"
            raise TransientError(what, wait=trouble.wait, of_server=True)
        if response.status == 200:
            return self._checked(response)
        said = oauth_error(response) if 400 <= response.status <= 499 else None
        if said is None:
            raise refusal(_REQUEST, self._host, response)
        raise TokenRefusedError(response.status, said, self._variables)

    def _checked(self, response: RawResponse) -> Tokens:
        try:
            renewed = msgspec.json.decode(response.body, type=Tokens)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UnexpectedStatusError(_REQUEST, self._host, str(response)) from None
        try:
            access_token = checked_secret(renewed.access_token, "access_token")
            refresh_token = checked_secret(renewed.refresh_token, "refresh_token")
        except ConfigurationError:
            # Nobody copied it: advice on how to set a variable would mislead.
            access_token = refresh_token = None
        if access_token is None:
            problem = "a token is empty or has a character that no token has"
            raise UnexpectedResponseError(_REQUEST, "an access token", problem)
        return Tokens(access_token, refresh_token)
