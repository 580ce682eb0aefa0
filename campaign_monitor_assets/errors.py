"""What can go wrong between the API and DuckDB, one class a situation.

Each message says what was wrong, what was got, what is allowed and what to do; none holds a secret,
an e-mail address or the body of an answer.
"""

import re

_ADDRESS = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+")

_ADVICE = {
    50: "no credentials were sent; set CAMPAIGN_MONITOR_API_KEY",
    60: "the OAuth token lacks a permission; authorize it again with the scopes that it needs",
    100: "the API key is not valid; find it under Account settings → API keys, and look whether"
    " it was copied whole",
    102: "that resource is not of this account; look at CAMPAIGN_MONITOR_CLIENT_ID, and whether the"
    " key is of the right account",
    120: "the OAuth token is not valid; authorize anew",
    121: "the OAuth token has expired; set CAMPAIGN_MONITOR_REFRESH_TOKEN so that it is renewed",
    122: "the OAuth token was revoked; authorize anew",
    403: "only agency accounts may ask this; set CAMPAIGN_MONITOR_CLIENT_ID to your client",
}


class CampaignMonitorError(Exception):
    """The base of all errors of this package."""


class ConfigurationError(CampaignMonitorError):
    """A setting is missing or not accepted; nothing was asked of the API yet."""


class MissingCredentialsError(ConfigurationError):
    """There is neither an API key nor an OAuth token."""

    def __init__(self, key_variable: str, token_variable: str) -> None:
        super().__init__(
            f"No credentials: the environment variable {key_variable} is not set. Find the key in"
            f" Campaign Monitor under Account settings → API keys and set {key_variable}, or set"
            f" {token_variable} for OAuth. To look around without an account, run `make demo`."
        )


class ApiError(CampaignMonitorError):
    """The API refused a request; asking again would not help.

    Attributes:
        status: The HTTP status.
        code: The vendor's error code, which is the stable part of an error.
        path: The endpoint.
    """

    def __init__(self, *, status: int, code: int, message: str, path: str) -> None:
        self.status, self.code, self.path = status, code, path
        advice = _ADVICE.get(code, "see the vendor's list of error codes")
        said = _ADDRESS.sub("(an address)", message)[:300]
        super().__init__(
            f"Campaign Monitor refused GET {path}: HTTP {status}, code {code}, {said!r}."
            f" What to do: {advice}."
        )


class UnexpectedResponseError(CampaignMonitorError):
    """A response is valid JSON, but not of the form that the endpoint promises."""

    def __init__(self, path: str, expected: str, problem: str) -> None:
        super().__init__(
            f"GET {path} did not respond as documented: {expected} was expected; {problem}."
            " Nothing was stored. If the vendor has changed the endpoint, its entry in the"
            " catalogue has to change too."
        )


class RetriesExhaustedError(CampaignMonitorError):
    """A transient error lasted over all attempts."""

    def __init__(self, path: str, attempts: int, last: str) -> None:
        super().__init__(
            f"Gave up on GET {path} after {attempts} attempts; the last one: {last}."
            " The snapshot in DuckDB is unchanged. Run it again later, or raise `max_attempts`."
        )


class RequestCancelledError(CampaignMonitorError):
    """The client was closed before the response was there."""

    def __init__(self, path: str) -> None:
        super().__init__(f"GET {path} was cancelled: the run has ended.")


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


class SnapshotRefusedError(CampaignMonitorError):
    """The guard kept a snapshot out that has far fewer rows than the last one."""
