"""What requests are authorized by, over all tables of a run."""

import re
import threading
from collections.abc import Callable
from typing import Final

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from campaign_monitor_assets.api.tokens import TokenFile, Tokens, Wait
from campaign_monitor_assets.errors import ConfigurationError

_ACCEPTED: Final = re.compile(r"[\x21-\x7e]+")


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


def checked_secret(value: str | None, variable: str) -> str | None:
    """A key or token without the blanks and line breaks around it; None where nothing is left.

    Args:
        value: What the environment variable holds.
        variable: Its name, which is all that an error tells.

    Raises:
        ConfigurationError: It holds a character that no key or token has.
    """
    value = (value or "").strip()
    if not value:
        return None
    if _ACCEPTED.fullmatch(value):
        return value
    if re.search(r"[\r\n]", value):
        what = "a line break"
    elif re.search(r"\s", value):
        what = "a blank"
    elif not value.isascii():
        what = "a character that is not ASCII, such as an … or a typographic quote"
    else:
        what = "a control character"
    raise ConfigurationError(
        f"{variable} is not accepted: there is {what} in it. A key or token has letters, digits and"
        " ASCII signs only. Copy it again, whole and without anything around it."
    )


class Credentials:
    """An API key, or OAuth tokens that are renewed when the access token has expired.

    Args:
        api_key: The account's or a client's API key; or None for OAuth.
        access_token: The OAuth access token.
        refresh_token: What renews it.
        token_file: Where renewed tokens are kept, over runs and processes; None: nowhere.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        access_token: str | None = None,
        refresh_token: str | None = None,
        token_file: TokenFile | None = None,
    ) -> None:
        self._file = token_file if refresh_token else None
        self._tokens = Tokens(access_token or "", refresh_token)
        self._origin = refresh_token or ""
        self._asked = False
        self._failure: Exception | None = None
        self._renewing = threading.Lock()
        if api_key:
            self._auth: AuthBase = HTTPBasicAuth(api_key, "x")
            return
        if self._file and (kept := self._file.read(self._origin)):
            self._tokens = kept
        self._auth = _Bearer(self._tokens.access_token)

    @property
    def auth(self) -> AuthBase:
        """What to authorize a request with now."""
        return self._auth

    def renew(self, expired: AuthBase, ask: Callable[[str], Tokens], wait: Wait) -> bool:
        """Renews the expired token, whichever thread or process is first.

        Args:
            expired: What the refused request was authorized with.
            ask: Exchanges a refresh token for new tokens, and uses it up.
            wait: How waiting for another process is told and ended.

        Returns:
            Whether there is another token now.

        Raises:
            ConfigurationError: New tokens could not be kept, so none are asked for.
            RequestCancelledError: Nobody waits for the tokens any more.
        """
        seen = self._failure
        with self._renewing:
            if self._failure is not None and self._failure is not seen:
                # It failed for another thread just now: asking once more at once would not help.
                raise self._failure
            if self._auth is not expired:
                return True
            if self._tokens.refresh_token is None:
                return False
            if self._file is None:
                return self._ask(ask)
            with self._file.locked(wait):
                self._file.set_aside_if_corrupt(self._origin, wait.warn)
                kept = self._file.read(self._origin)
                if kept is not None and kept.access_token != self._tokens.access_token:
                    # Another process was first, and has used the refresh token up.
                    self._use(kept)
                    return True
                return self._ask(ask)

    def _ask(self, ask: Callable[[str], Tokens]) -> bool:
        if self._asked:
            # A new token outlives any run: one that is refused as well is not mended by a third.
            return False
        assert self._tokens.refresh_token is not None
        try:
            renewed = ask(self._tokens.refresh_token)
        except Exception as error:
            self._failure = error
            raise
        if renewed.refresh_token is None:
            renewed = Tokens(renewed.access_token, self._tokens.refresh_token)
        # Used first: where they can't be kept, the rest of this run goes on with them.
        self._asked = True
        self._use(renewed)
        if self._file is not None:
            self._file.write(self._origin, renewed)
        return True

    def _use(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._auth = _Bearer(tokens.access_token)
