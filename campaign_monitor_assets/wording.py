"""What errors say in place of values and of others' words: fit for a log, no secret, no address."""

import re
from urllib.parse import urlsplit

_ADDRESS = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+")

_LEAST_SECRET = 16
"""Characters. Keys and tokens have no shorter part."""

ADVICE = {
    50: "the request arrived without credentials, so something on the way removed them; look at"
    " HTTPS_PROXY",
    60: "the OAuth token lacks a permission; authorize it again with the scopes that it needs",
    100: "the API key is not valid; find it under Account settings → API keys, and look whether"
    " it was copied whole (a client's or list's ID is no key)",
    102: "that resource is not of this account; look at CAMPAIGN_MONITOR_CLIENT_ID, and whether the"
    " key is of the right account",
    120: "the OAuth token is not valid; authorize anew",
    121: "the OAuth token has expired; it is renewed where CAMPAIGN_MONITOR_REFRESH_TOKEN holds a"
    " refresh token; one that was renewed just now has to be authorized anew",
    122: "the OAuth token was revoked; authorize anew",
    403: "only agency accounts may ask this; set CAMPAIGN_MONITOR_CLIENT_ID to your client",
}
"""For the vendor's error codes what to do."""


def looks_secret(value: str) -> bool:
    """Whether a text may be a key or a token: a long part in which letters and digits mix."""
    return any(
        len(part) >= _LEAST_SECRET and re.search(r"[0-9]", part) and re.search(r"[A-Za-z]", part)
        for part in re.split(r"\W|_", value)
    )


def shown(value: str) -> str:
    """A value as an error may repeat it: only its length where it looks like a secret."""
    return f"a text of {len(value)} characters" if looks_secret(value) else repr(value)


def without_addresses(text: str) -> str:
    """A text in whose place of e-mail addresses stands that there was one."""
    return _ADDRESS.sub("(an address)", text)


def quoted(message: str) -> str:
    """What somebody else's text says, fit for a log: one line, no address, not without end."""
    return repr(without_addresses(message)[:300])


def host_and_path(url: str) -> str:
    """Where a URL leads, as far as a log may say it."""
    # A query or a user name can hold a secret, and so can what is not a URL at all.
    try:
        parts = urlsplit(url)
    except ValueError:
        return "a place that is not a URL"
    host = parts.hostname or "the same host"
    return f"{host}{without_addresses(parts.path)}"[:300].encode("unicode_escape").decode()
