"""One exchange: a request out, its response read to the end, or a transient error."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from campaign_monitor_assets.api.settings import ApiSettings

_CHUNK: Final = 1 << 20
"""Bytes to read at a time. The 10 kB that requests reads by default cost thread switches."""


@dataclass(frozen=True)
class RawResponse:
    """A response with its whole body."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    def __str__(self) -> str:
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip()
        if not re.fullmatch(r"[\w.+-]{1,50}/[\w.+-]{1,50}", kind, re.ASCII):
            kind = "unknown content type"
        return f"HTTP {self.status} ({kind}, {len(self.body)} bytes)"


class TransientError(Exception):
    """An error that a later attempt may not meet.

    Attributes:
        wait: Seconds that the API asked to wait before the next attempt, if it did.
        of_server: The API itself is in trouble, so other requests should wait too.
    """

    def __init__(self, what: str, *, wait: float | None = None, of_server: bool = False) -> None:
        super().__init__(what)
        self.wait = wait
        self.of_server = of_server


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """No redirect has a target here: they are errors, and requests need not look at them."""


class Transport:
    """Kept-alive connections to the API, for any number of threads.

    Args:
        settings: Timeouts and the number of connections.
    """

    def __init__(self, settings: ApiSettings) -> None:
        self._timeout = (settings.connect_timeout, settings.read_timeout)
        self._session = _Session()
        adapter = HTTPAdapter(
            pool_connections=1, pool_maxsize=settings.connections, pool_block=True
        )
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def send(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str | int] | None = None,
        form: Mapping[str, str] | None = None,
        auth: AuthBase | None = None,
    ) -> RawResponse:
        """Sends one request and reads its response; redirects are not followed.

        Raises:
            TransientError: There was no response, or not the whole of it.
        """
        try:
            with self._session.request(
                method,
                url,
                params=query,
                data=form,
                auth=auth,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                body = b"".join(response.iter_content(_CHUNK))
                reason = response.reason or ""
                return RawResponse(response.status_code, reason, response.headers, body)
        except requests.Timeout as error:
            raise TransientError(f"no response in time ({type(error).__name__})") from None
        except requests.RequestException as error:
            raise TransientError(f"the connection failed ({type(error).__name__})") from None
