"""What can go wrong between the API and DuckDB, one class a situation.

Each message says what was wrong, what was got, what is allowed and what to do; none holds a secret,
an e-mail address or the body of an answer.
"""

from datetime import UTC, datetime
from typing import ClassVar

from campaign_monitor_assets.portable import PortableError
from campaign_monitor_assets.wording import ADVICE, host_and_path, quoted


class CampaignMonitorError(PortableError):
    """The base of all errors of this package.

    Attributes:
        is_final: Whether the same would happen again however often it were tried.
        what_to_do: What to do, where the text says it at its end.
        figures: Names and numbers of the text, for whoever sorts or counts errors.
    """

    is_final: ClassVar[bool] = False

    def __init__(self, problem: str, what_to_do: str = "", **figures: str | float) -> None:
        super().__init__(f"{problem} What to do: {what_to_do}" if what_to_do else problem)
        self.what_to_do = what_to_do
        self.figures = figures


class ConfigurationError(CampaignMonitorError):
    """A setting is missing or not accepted; nothing was asked of the API yet."""

    is_final = True


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
            f"No credentials: the environment variable {key_variable} is not set.",
            "find the key in Campaign Monitor under Account settings → API keys and set"
            f" {key_variable}, or set {token_variable} for OAuth. To look around without an"
            " account, run `campaign-monitor demo` (`make demo` in a clone).",
        )


class ApiError(CampaignMonitorError):
    """The API refused a request by its own JSON error body; a retry would not help.

    Attributes:
        code: The vendor's error code, which is the stable part of an error.
    """

    is_final = True

    def __init__(self, request: str, status: int, code: int, message: str) -> None:
        self.code = code
        advice = ADVICE.get(code, "see the vendor's list of error codes")
        super().__init__(
            f"Campaign Monitor refused {request}: HTTP {status}, code {code}, {quoted(message)}.",
            f"{advice}.",
            request=request,
            http_status=status,
            api_code=code,
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
            " or the login page of a network.",
            "look at HTTPS_PROXY, NO_PROXY and CAMPAIGN_MONITOR_BASE_URL; let the network's"
            " administrators allow the host.",
            request=request,
            response=what,
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
            f"{request} at {host} was redirected (HTTP {status}) to {host_and_path(location)}."
            " Redirects are not followed, so that credentials go nowhere else.",
            "if the API has moved, set CAMPAIGN_MONITOR_BASE_URL; if it is the login page of a"
            " network or a proxy, log in or let its administrators allow the host.",
            request=request,
            http_status=status,
        )


class UnexpectedResponseError(CampaignMonitorError):
    """A response is valid JSON, but not of the form that the endpoint promises."""

    def __init__(self, request: str, expected: str, problem: str) -> None:
        super().__init__(
            f"{request} did not respond as documented: {expected} was expected; {problem}."
            " Nothing was stored.",
            "if the vendor has changed the endpoint, its entry in the catalogue has to change too.",
            request=request,
        )


class UntrustedCertificateError(CampaignMonitorError):
    """The host's TLS certificate is not trusted; nothing was sent.

    Args:
        host: The host.
        is_other: The certificate is that of another host.
    """

    def __init__(self, host: str, *, is_other: bool = False) -> None:
        wrong = "is for another host" if is_other else "is not trusted"
        super().__init__(
            f"The certificate of {host} {wrong}, so nothing was sent.",
            "where a proxy of the company inspects HTTPS, set REQUESTS_CA_BUNDLE to a PEM file that"
            " holds the company's certificate authority; otherwise look at"
            " CAMPAIGN_MONITOR_BASE_URL and at this machine's clock.",
        )


class ProxyRefusedError(CampaignMonitorError):
    """The proxy doesn't let requests through to the host."""

    def __init__(self, host: str, status: int, proxy: str) -> None:
        super().__init__(
            f"{proxy[:1].upper()}{proxy[1:]} refused the connection to {host} (HTTP {status});"
            " Campaign Monitor was not reached.",
            "write the proxy's user name and password into HTTPS_PROXY."
            if status == 407
            else "let the network's administrators allow the host, or set NO_PROXY.",
            http_status=status,
        )


class TokenRefusedError(CampaignMonitorError):
    """The API doesn't renew the OAuth token."""

    is_final = True

    def __init__(self, status: int, said: str, variables: str) -> None:
        super().__init__(
            f"Campaign Monitor refused to renew the OAuth token: HTTP {status}, {said}. The refresh"
            " token was used already, or the access was revoked.",
            f"authorize anew, and set {variables} to the new tokens.",
            http_status=status,
        )


class RetriesExhaustedError(CampaignMonitorError):
    """A transient error lasted over all attempts.

    Args:
        path: The endpoint.
        host: The host that was asked.
        attempts: How many there were.
        last: What the last one met.
        status: Its HTTP status; None: there was no response, or a success that was none.
    """

    def __init__(
        self, path: str, host: str, attempts: int, last: str, status: int | None = None
    ) -> None:
        known = {} if status is None else {"http_status": status}
        super().__init__(
            f"Gave up on GET {path} at {host} after {attempts} attempts; the last one: {last}."
            " The snapshot in DuckDB is unchanged.",
            "look whether this machine reaches that host (network, proxy), then run it again."
            if status is None
            else "run it again later, or raise `max_attempts`.",
            request=f"GET {path}",
            attempts=attempts,
            last_attempt=last,
            **known,
        )


class WaitTooLongError(CampaignMonitorError):
    """The API asks to wait `until` a moment that is more than `longest` seconds away."""

    def __init__(self, host: str, until: datetime, longest: float) -> None:
        super().__init__(
            f"{host} asks to send no request until {until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC."
            f" That is longer than a run waits ({longest:g} s), so none was sent again. The"
            " snapshot in DuckDB is unchanged.",
            "run it again then, or raise `max_wait`.",
        )


class RequestCancelledError(CampaignMonitorError):
    """The client was closed before the response was there."""

    def __init__(self, request: str) -> None:
        super().__init__(f"{request} was cancelled: the run has ended.")


class ParentMissingError(CampaignMonitorError):
    """The table that says what to ask for is not in DuckDB yet."""

    def __init__(self, table: str) -> None:
        super().__init__(
            f"The table {table} is not in the DuckDB file yet, and it is needed here.",
            "materialize it first, or together with what depends on it (in a selection, write +"
            " before the asset's name).",
        )


class DatabaseError(CampaignMonitorError):
    """The DuckDB file or the DuckLake can't be opened, written or loaded into."""


class MemoryLimitError(DatabaseError):
    """DuckDB needs more memory than it may use."""

    def __init__(self, limit: str, enough: str, said: str) -> None:
        super().__init__(
            f"DuckDB needs more memory than memory_limit ({limit}) allows: {said}. The snapshots"
            " are unchanged.",
            f"set `memory_limit` to {enough} or more.",
            memory_limit=limit,
        )


class ConflictError(DatabaseError):
    """Another run wrote the same as this one, and was first."""

    def __init__(self, label: str) -> None:
        super().__init__(
            f"Another run changed the same tables of the {label} at the same time, and was first."
            " What it wrote stands; of this one nothing does.",
            "run it again.",
        )


class ViewError(CampaignMonitorError):
    """A view can't be made on the tables as they are."""

    def __init__(self, view: str, reason: str) -> None:
        super().__init__(f"The view {view} can't be made. {reason}")


class SnapshotRefusedError(CampaignMonitorError):
    """The guard kept a snapshot out that has far fewer rows than the last one."""


class OtherAccountError(SnapshotRefusedError):
    """The schema holds another account's snapshots."""

    is_final = True

    def __init__(self, table: str, before: int, now: int) -> None:
        super().__init__(
            f"{table} holds the clients of another account: of its {before} ClientIDs none is among"
            f" the {now} that these credentials see. Nothing was changed.",
            "give every account a schema or a file of its own (`warehouse: {schema: …}` or"
            " `key_prefix`). Where it is right all the same, materialize the table with"
            " `force: true` in the launchpad.",
        )
