"""Why a connection failed, in words, and which proxy stood in the way.

A library's text may hold a proxy's password or a header, so that only names of classes, OpenSSL's
reasons and a proxy's host are repeated.
"""

import errno
import re
import ssl
from typing import Final
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

from campaign_monitor_assets.api.settings import is_loopback

_OF_CLASS: Final = {
    "NameResolutionError": "no address is known for that name (DNS)",
    "ConnectionRefusedError": "nothing accepts connections there",
    "ConnectionResetError": "it was reset",
    "RemoteDisconnected": "it was closed without a response",
    "IncompleteRead": "it was closed amid the response",
    "ConnectTimeoutError": "no connection within connect_timeout",
    "TimeoutError": "no connection within connect_timeout",
}
_OF_TLS: Final = {
    "WRONG_VERSION_NUMBER": "what listens there doesn't speak TLS",
    "UNEXPECTED_EOF_WHILE_READING": "it was closed while TLS began",
}
_NO_WAY: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})


def cause(error: Exception) -> str:
    """What failed, with the class of the error and OpenSSL's own reason."""
    name = type(error).__name__
    if isinstance(error, ssl.SSLError):
        reason = error.reason or name
        return f"{_OF_TLS.get(reason, 'TLS could not be set up')} ({name}, {reason})"
    if refused := re.search(r"Tunnel connection failed: (\d{3})", str(error)):
        return f"the proxy responded with HTTP {refused[1]}"
    if isinstance(error, OSError) and error.errno in _NO_WAY:
        return f"there is no way there from this machine ({name})"
    return f"{_OF_CLASS[name]} ({name})" if name in _OF_CLASS else name


def proxy_for(url: str) -> str | None:
    """Host and port of the proxy that the environment names for a URL; None: there is none."""
    try:
        host = urlsplit(url).hostname
        proxy = None if is_loopback(host) else select_proxy(url, get_environ_proxies(url, None))
        parts = urlsplit(proxy or "")
        name, port = parts.hostname, parts.port
    except ValueError:
        # What is no URL is told as such.
        return None
    # A password that is not encoded may have a / or # in it, which ends the host before it.
    if not name or (proxy and "@" in proxy and "@" not in parts.netloc):
        return None
    return f"{name}:{port}" if port else name
