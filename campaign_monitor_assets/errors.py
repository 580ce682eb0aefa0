"""What can go wrong between the API and DuckDB, one class a situation.

Each message says what was wrong, what was got, what is allowed and what to do; none holds a secret,
an e-mail address or the body of an answer.
"""

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

_ADDRESS = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+")

_LEAST_SECRET = 16
"""Characters. Keys and tokens have no shorter part."""

_ADVICE = {
    50: "the request arrived without credentials, so something on the way removed them; look at"
    " HTTPS_PROXY",
    60: "the OAuth token lacks a permission; authorize it again with the scopes that it needs",
    100: "the API key is not valid; find it under Account settings → API keys, and look whether"
    " it was copied whole",
    102: "that resource is not of this account; look at CAMPAIGN_MONITOR_CLIENT_ID, and whether the"
    " key is of the right account",
    120: "the OAuth token is not valid; authorize anew",
    121: "the OAuth token has expired; it is renewed where CAMPAIGN_MONITOR_REFRESH_TOKEN holds a"
    " refresh token; one that was renewed just now has to be authorized anew",
    122: "the OAuth token was revoked; authorize anew",
    403: "only agency accounts may ask this; set CAMPAIGN_MONITOR_CLIENT_ID to your client",
}


def looks_secret(value: str) -> bool:
    """Whether a text may be a key or a token: a long part in which letters and digits mix."""
    return any(
        len(part) >= _LEAST_SECRET and re.search(r"[0-9]", part) and re.search(r"[A-Za-z]", part)
        for part in re.split(r"\W|_", value)
    )


def shown(value: str) -> str:
    """A value as an error may repeat it: only its length where it looks like a secret."""
    return f"a text of {len(value)} characters" if looks_secret(value) else repr(value)


class CampaignMonitorError(Exception):
    """The base of all errors of this package."""


class ConfigurationError(CampaignMonitorError):
    """A setting is missing or not accepted; nothing was asked of the API yet."""


class AttributeRefusedError(ConfigurationError):
    """An attribute of the component is not accepted.

    Args:
        place: The keys that lead to it, with dots between them.
        problem: What was got, what is allowed and what to do.
        position: The file and the line, where they are known.

    Attributes:
        place: As given.
    """

    def __init__(self, place: str, problem: str, *, position: str | None = None) -> None:
        self.place = place
        self._problem = problem
        super().__init__(f"{f'{position}: ' if position else ''}{place}: {problem}")

    def at(self, position: str) -> "AttributeRefusedError":
        """The same error with the file and the line of the attribute."""
        return AttributeRefusedError(self.place, self._problem, position=position)


class MissingCredentialsError(ConfigurationError):
    """There is neither an API key nor an OAuth token."""

    def __init__(self, key_variable: str, token_variable: str) -> None:
        super().__init__(
            f"No credentials: the environment variable {key_variable} is not set. Find the key in"
            f" Campaign Monitor under Account settings → API keys and set {key_variable}, or set"
            f" {token_variable} for OAuth. To look around without an account, run"
            " `campaign-monitor demo` (`make demo` in a clone)."
        )


class ApiError(CampaignMonitorError):
    """The API refused a request by its own JSON error body; a retry would not help.

    Attributes:
        code: The vendor's error code, which is the stable part of an error.
    """

    def __init__(self, request: str, status: int, code: int, message: str) -> None:
        self.code = code
        advice = _ADVICE.get(code, "see the vendor's list of error codes")
        super().__init__(
            f"Campaign Monitor refused {request}: HTTP {status}, code {code},"
            f" {quoted(message)}. What to do: {advice}."
        )


class UnexpectedStatusError(CampaignMonitorError):
    """A response that is neither a success nor an error of the API's own: a proxy's, say.

    Args:
        request: Method and endpoint.
        host: The host that was asked.
        what: The status and the kind of body.
    """

    def __init__(self, request: str, host: str, what: str) -> None:
        super().__init__(
            f"{request} at {host}: {what}, which is not a response of the Campaign Monitor API."
            " Something between here and there responded in its place, such as a proxy, a firewall"
            " or the login page of a network. What to do: look at HTTPS_PROXY, NO_PROXY and"
            " CAMPAIGN_MONITOR_BASE_URL; let the network's administrators allow the host."
        )


class RedirectedError(CampaignMonitorError):
    """The request was redirected. Credentials don't follow, so that is an error.

    Args:
        request: Method and endpoint.
        host: The host that was asked.
        status: The HTTP status.
        location: Where the redirect leads; only host and path of it are told.
    """

    def __init__(self, request: str, host: str, status: int, location: str) -> None:
        super().__init__(
            f"{request} at {host} was redirected (HTTP {status}) to {_host_and_path(location)}."
            " Redirects are not followed, so that credentials go nowhere else. What to do: if the"
            " API has moved, set CAMPAIGN_MONITOR_BASE_URL; if it is the login page of a network or"
            " a proxy, log in or let its administrators allow the host."
        )


class UnexpectedResponseError(CampaignMonitorError):
    """A response is valid JSON, but not of the form that the endpoint promises."""

    def __init__(self, request: str, expected: str, problem: str) -> None:
        super().__init__(
            f"{request} did not respond as documented: {expected} was expected; {problem}."
            " Nothing was stored. If the vendor has changed the endpoint, its entry in the"
            " catalogue has to change too."
        )


class UntrustedCertificateError(CampaignMonitorError):
    """The host's TLS certificate is not trusted; nothing was sent."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"The certificate of {host} is not trusted, so nothing was sent. Where a proxy of the"
            " company inspects HTTPS, set REQUESTS_CA_BUNDLE to a PEM file that holds the company's"
            " certificate authority; otherwise look at CAMPAIGN_MONITOR_BASE_URL and at this"
            " machine's clock."
        )


class ProxyRefusedError(CampaignMonitorError):
    """The proxy doesn't let requests through to the host."""

    def __init__(self, host: str, status: int) -> None:
        super().__init__(
            f"The proxy of HTTPS_PROXY refused the connection to {host} (HTTP {status}); Campaign"
            " Monitor was not reached. "
            + (
                "Write the proxy's user name and password into HTTPS_PROXY."
                if status == 407
                else "Let the network's administrators allow the host, or set NO_PROXY."
            )
        )


class TokenRefusedError(CampaignMonitorError):
    """The API doesn't renew the OAuth token."""

    def __init__(self, status: int, said: str, variables: str) -> None:
        super().__init__(
            f"Campaign Monitor refused to renew the OAuth token: HTTP {status}, {said}. The refresh"
            " token was used already, or the access was revoked. Authorize anew, and set"
            f" {variables} to the new tokens."
        )


class ContradictoryPagesError(CampaignMonitorError):
    """The pages of a collection contradict what they say of it, so rows may be missing."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(
            f"The pages of GET {path} contradict themselves: {problem}. Rows may be missing, so"
            " nothing was published; the snapshot in DuckDB is unchanged. What to do: run it again"
            " later; if it stays so, look whether a proxy stands in between (HTTPS_PROXY,"
            " CAMPAIGN_MONITOR_BASE_URL), try another `page_size`, and report these figures."
        )


class AllParentsMissingError(CampaignMonitorError):
    """Every parent of a table seems to be deleted or forbidden.

    Args:
        table: The table that was read.
        parent: The table that its parents are rows of.
        deleted: Parents that the API no longer knows.
        forbidden: Parents that are not of this account.
    """

    def __init__(self, table: str, parent: str, *, deleted: int, forbidden: int) -> None:
        causes = [
            f"{count} {what}"
            for count, what in ((deleted, "deleted"), (forbidden, "not of this account (code 102)"))
            if count
        ]
        super().__init__(
            f"Nothing of {table} can be read: all the {parent} that were asked for are deleted or"
            f" refused ({' and '.join(causes)}). The snapshot in DuckDB is unchanged. What to do:"
            f" materialize {parent} again, and then {table}: where they were deleted, {parent}"
            " will no longer hold them. If that doesn't help, look whether the credentials are of"
            " the account that this DuckDB schema holds."
        )


class RetriesExhaustedError(CampaignMonitorError):
    """A transient error lasted over all attempts."""

    def __init__(self, path: str, attempts: int, last: str) -> None:
        super().__init__(
            f"Gave up on GET {path} after {attempts} attempts; the last one: {last}."
            " The snapshot in DuckDB is unchanged. Run it again later, or raise `max_attempts`."
        )


class WaitTooLongError(CampaignMonitorError):
    """The API asks to wait `until` a moment that is more than `longest` seconds away."""

    def __init__(self, host: str, until: datetime, longest: float) -> None:
        super().__init__(
            f"{host} asks to send no request until {until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC."
            f" That is longer than a run waits ({longest:g} s), so none was sent again. The"
            " snapshot in DuckDB is unchanged. Run it again then, or raise `max_wait`."
        )


class RequestCancelledError(CampaignMonitorError):
    """The client was closed before the response was there."""

    def __init__(self, request: str) -> None:
        super().__init__(f"{request} was cancelled: the run has ended.")


class ParentMissingError(CampaignMonitorError):
    """The table that says what to ask for is not in DuckDB yet."""

    def __init__(self, table: str) -> None:
        super().__init__(
            f"The table {table} is not in the DuckDB file yet, and it is needed here. Materialize"
            " it first, or together with what depends on it (in a selection, write + before the"
            " asset's name)."
        )


class DatabaseError(CampaignMonitorError):
    """The DuckDB file can't be opened, written or loaded into."""


class MemoryLimitError(DatabaseError):
    """DuckDB needs more memory than it may use."""

    def __init__(self, limit: str, enough: str, said: str) -> None:
        super().__init__(
            f"DuckDB needs more memory than memory_limit ({limit}) allows: {said}. The snapshots"
            f" are unchanged. Set `memory_limit` to {enough} or more."
        )


class ViewError(CampaignMonitorError):
    """A view can't be made on the tables as they are."""

    def __init__(self, view: str, reason: str) -> None:
        super().__init__(f"The view {view} can't be made. {reason}")


class SnapshotRefusedError(CampaignMonitorError):
    """The guard kept a snapshot out that has far fewer rows than the last one."""


class OtherAccountError(SnapshotRefusedError):
    """The schema holds another account's snapshots."""

    def __init__(self, table: str, before: int, now: int) -> None:
        super().__init__(
            f"{table} holds the clients of another account: of its {before} ClientIDs none is among"
            f" the {now} that these credentials see. Nothing was changed. Give every account a"
            " schema or a file of its own (`warehouse: {schema: …}` or `key_prefix`). Where it is"
            " right all the same, materialize the table with `force: true` in the launchpad."
        )


def quoted(message: str) -> str:
    """What somebody else's text says, fit for a log: one line, no address, not without end."""
    return repr(_ADDRESS.sub("(an address)", message)[:300])


def _host_and_path(url: str) -> str:
    # A query or a user name can hold a secret, and so can what is not a URL at all.
    try:
        parts = urlsplit(url)
    except ValueError:
        return "a place that is not a URL"
    host = parts.hostname or "the same host"
    return (
        f"{host}{_ADDRESS.sub('(an address)', parts.path)}"[:300].encode("unicode_escape").decode()
    )
