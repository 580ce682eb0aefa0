"""Waiting that is told, that ends at its time limit, and that ends with the client."""

import re
import socket
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from campaign_monitor_assets.api.auth import Credentials
from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.api.rate_limit import RateLimiter
from campaign_monitor_assets.api.settings import ApiSettings
from campaign_monitor_assets.errors import (
    CampaignMonitorError,
    RequestCancelledError,
    RetriesExhaustedError,
    WaitTooLongError,
)
from campaign_monitor_assets_tests.api.servers import full_listener, respond, serve
from campaign_monitor_assets_tests.api.test_network import DECODE, client


class Asking(threading.Thread):
    """A request in a thread of its own, which has begun, and the error that it ends with."""

    def __init__(self, asking: ApiClient, query: Mapping[str, str] | None = None) -> None:
        super().__init__(daemon=True)
        self._asking, self._query = asking, query
        self.error: CampaignMonitorError | None = None
        self.start()

    def run(self) -> None:
        try:
            self._asking.get("/clients", DECODE, self._query)
        except CampaignMonitorError as error:
            self.error = error


def are_cancelled(asking: ApiClient, *requests: Asking) -> bool:
    """Whether closing the client ends these requests at once, and says so to who asked."""
    asking.close()
    for request in requests:
        request.join(5)
    return all(
        not request.is_alive() and isinstance(request.error, RequestCancelledError)
        for request in requests
    )


@pytest.mark.parametrize("header", [b"", b"Connection: close\r\n"])
def test_a_dripping_response(header: bytes) -> None:
    """A response whose bytes trickle in is given up when the request's whole time is over."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n" + header + b"\r\n")
        while True:
            connection.sendall(b" ")
            time.sleep(0.05)

    with serve(drip) as server, pytest.raises(RetriesExhaustedError, match="request_timeout"):
        client(server.url, request_timeout=0.2).get("/clients", DECODE)


def test_a_response_that_takes_long_is_told() -> None:
    """What is waited for stands in the log long before it is given up: no key, no query."""
    said: list[str] = []
    ends = threading.Event()
    with serve(lambda _: setattr(ends, "waited", ends.wait(60))) as server:
        asking = client(f"{server.url}/api", said, request_timeout=10, connections=2)
        threads = [Asking(asking, {"email": "somebody@example.com"}) for _ in range(2)]
        until = time.monotonic() + 9
        while not said and time.monotonic() < until:
            time.sleep(0.01)
        assert are_cancelled(asking, *threads)
        ends.set()
    [told] = said
    assert "the response to GET /api/clients.json for" in told
    assert "ended after 10 s at most (request_timeout)" in told
    assert "Ctrl-C" in told
    assert "somebody" not in told


@pytest.mark.parametrize("what", ["silent", "dripping", "closing", "limited", "retry"])
def test_closing_ends_everything(what: str) -> None:
    """A closed client ends what hangs and what waits, and its threads with it."""
    ends = threading.Event()

    def hang(connection: socket.socket) -> None:
        if what in {"dripping", "closing"}:
            last = b"Connection: close\r\n" if what == "closing" else b""
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n" + last + b"\r\n")
            while not ends.wait(0.05):
                connection.sendall(b" ")
        ends.wait(60)

    busy = respond("429 Slow down", X_RateLimit_Reset="3000")
    answer = {"limited": busy, "retry": respond("503 Later", Retry_After="3000")}.get(what, hang)
    with serve(answer) as server:
        asking = client(server.url, connections=3)
        threads = [Asking(asking) for _ in range(3)]
        while not server.heard:
            time.sleep(0.01)
        time.sleep(0.2)
        assert are_cancelled(asking, *threads)
        ends.set()


def test_closing_ends_a_handshake() -> None:
    """A host that accepts a connection and then says nothing, not even TLS's greeting, is left."""
    ends = threading.Event()
    with serve(lambda _: setattr(ends, "waited", ends.wait(60))) as server:
        asking = client(f"https://127.0.0.1:{server.port}/api", connect_timeout=30)
        thread = Asking(asking)
        while not server.heard:
            time.sleep(0.01)
        assert are_cancelled(asking, thread)
        ends.set()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_closing_ends_a_connection_that_hangs(scheme: str) -> None:
    """A host that does not even accept the connection is left as soon as the client is closed."""
    with full_listener() as port:
        asking = client(f"{scheme}://127.0.0.1:{port}/api", connect_timeout=60)
        thread = Asking(asking)
        time.sleep(0.3)
        assert thread.is_alive()
        assert are_cancelled(asking, thread)


def test_a_connection_that_hangs_ends_at_its_time_limit() -> None:
    """A host that never accepts the connection is a transient error."""
    with full_listener() as port, pytest.raises(RetriesExhaustedError, match="ConnectTimeout"):
        client(f"http://127.0.0.1:{port}/api", connect_timeout=0.1).get("/clients", DECODE)
    with full_listener() as port, pytest.raises(RetriesExhaustedError, match="request_timeout"):
        client(f"http://127.0.0.1:{port}/api", request_timeout=0.1).get("/clients", DECODE)


def test_closing_ends_a_lookup_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that does not respond keeps nobody waiting once the client is closed."""
    ends, looked = threading.Event(), threading.Event()

    def look_up(*_: object, flags: int = 0, **__: object) -> None:
        # No name server of this machine can be made to hang.
        if not flags & socket.AI_NUMERICHOST:
            looked.set()
            ends.wait(60)
        raise socket.gaierror

    asking = client("https://api.example.com/api", connect_timeout=60)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    thread = Asking(asking)
    assert looked.wait(5)
    assert are_cancelled(asking, thread)
    ends.set()


@pytest.mark.parametrize(
    "headers",
    [
        {"X_RateLimit_Reset": "3000", "X_RateLimit_Remaining": "0"},
        {"Retry_After": "120"},
        {"X_RateLimit_Reset": "1", "Retry_After": "120"},
    ],
)
def test_long_waits_are_told(headers: dict[str, str]) -> None:
    """What is waited for, how long, and how to end it stands in the log before it is waited."""
    said: list[str] = []
    with serve(respond("429 Slow down", **headers)) as server:
        asking = client(server.url, said)
        thread = Asking(asking)
        while not said:
            time.sleep(0.01)
        assert are_cancelled(asking, thread)
    assert "HTTP 429" in said[0]
    assert f"the next one in {max(map(int, headers.values()))}" in said[0]
    assert "Ctrl-C" in said[0]


def test_the_last_attempt_holds_nobody_up() -> None:
    """A request that is not sent again lets the others go on at once."""
    with serve(respond("429 Slow down", X_RateLimit_Reset="3000")) as server:
        asking = client(server.url, max_attempts=1)
        for _ in range(2):
            with pytest.raises(RetriesExhaustedError, match="HTTP 429"):
                asking.get("/clients", DECODE)


@pytest.mark.parametrize("header", ["Retry-After", "X-RateLimit-Reset", "X-RateLimit-Remaining"])
@pytest.mark.parametrize(
    "value",
    ["", "soon", "-1", "1e400", "nan", "inf", "9" * 400, "0x10", "\u0661", "1,5", "\x7f"],
)
def test_malformed_headers(header: str, value: str) -> None:
    """A header that says nothing of sense is as if it weren't there."""
    said: list[str] = []
    with serve(respond("503 Later", **{header: value})) as server:
        with pytest.raises(RetriesExhaustedError):
            client(server.url, said).get("/clients", DECODE)
        assert len(server.heard) == 2
    assert len(said) == 1


def _in(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("status", "header", "value"),
    [
        ("503 Later", "Retry_After", "7200"),
        ("503 Later", "Retry_After", _in(8000)),
        ("429 Slow down", "Retry_After", _in(8000)),
        ("429 Slow down", "X_RateLimit_Reset", "7200"),
        ("429 Slow down", "X_RateLimit_Reset", str(int(time.time() + 8000))),
    ],
    ids=["503", "503 with a date", "429 with a date", "429", "429 with a moment"],
)
def test_a_wait_that_is_too_long(status: str, header: str, value: str) -> None:
    """Where the API asks for hours, no table asks it again, and it is said until when."""
    with serve(respond(status, **{header: value})) as server:
        settings = ApiSettings(base_url=server.url, backoff=0.01)
        limiter = RateLimiter()
        for path in ("/clients", "/lists"):
            asking = ApiClient(settings, Credentials(api_key="k"), limiter=limiter)
            with pytest.raises(WaitTooLongError, match=r"until 20.* UTC.*`max_wait`"):
                asking.get(path, DECODE)
        assert len(server.heard) == 1


def test_no_request_is_left_for_long() -> None:
    """Where a response says that it was the last for hours, the next request fails unsent."""
    answer = respond("200 OK", X_RateLimit_Remaining="0", X_RateLimit_Reset="7200")
    with serve(answer) as server:
        asking = client(server.url)
        asking.get("/clients", DECODE)
        with pytest.raises(WaitTooLongError):
            asking.get("/clients", DECODE)
        assert len(server.heard) == 1


def test_a_longer_wait_that_is_wanted() -> None:
    """`max_wait` is how long is waited."""
    said: list[str] = []
    with serve(respond("503 Later", Retry_After=_in(20_000))) as server:
        asking = client(server.url, said, max_wait=86_400)
        thread = Asking(asking)
        while not said:
            time.sleep(0.01)
        assert are_cancelled(asking, thread)
    # The date has whole seconds, and the machine may be slow.
    assert re.search(r"the next one in (19[89]\d\d|20000)\.", said[0])


def test_a_retry_after_with_a_date() -> None:
    """Retry-After may be a date; one that is over means now."""
    with serve(respond("503 Later", Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")) as server:
        with pytest.raises(RetriesExhaustedError):
            client(server.url).get("/clients", DECODE)
        assert len(server.heard) == 2
