"""What requests are authorized by, over all tables of a run."""

import threading
from collections.abc import Callable

import requests
from requests.auth import AuthBase, HTTPBasicAuth


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Credentials:
    """An API key, or an OAuth token that is renewed once when it has expired.

    Args:
        api_key: The account's or a client's API key; or None for OAuth.
        access_token: The OAuth token.
        refresh_token: What renews the token.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        access_token: str | None = None,
        refresh_token: str | None = None,
    ) -> None:
        self._auth: AuthBase = (
            HTTPBasicAuth(api_key, "x") if api_key else _Bearer(access_token or "")
        )
        self._refresh_token = refresh_token
        self._renewing = threading.Lock()

    @property
    def auth(self) -> AuthBase:
        """What to authorize a request with now."""
        return self._auth

    def renew(self, expired: AuthBase, ask: Callable[[str], str]) -> bool:
        """Renews the expired token, whichever thread is first.

        Args:
            expired: What the refused request was authorized with.
            ask: Exchanges a refresh token for a token.

        Returns:
            Whether there is another token now.
        """
        with self._renewing:
            if self._auth is not expired:
                return True
            if self._refresh_token is None:
                return False
            self._auth = _Bearer(ask(self._refresh_token))
            # A new token outlives any run: one that is refused as well is not mended by a third.
            self._refresh_token = None
            return True
