"""Odd networks: proxies, certificates, netrc, dripping servers, and requests that are cancelled."""

import re
import socket
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import msgspec
import pytest
from requests.utils import get_netrc_auth

from campaign_monitor_assets.api.auth import Credentials
from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.api.rate_limit import RateLimiter
from campaign_monitor_assets.api.settings import ApiSettings, checked_base_url
from campaign_monitor_assets.api.tokens import TokenFile
from campaign_monitor_assets.errors import (
    CampaignMonitorError,
    ConfigurationError,
    ProxyRefusedError,
    RequestCancelledError,
    RetriesExhaustedError,
    UntrustedCertificateError,
    WaitTooLongError,
)
from campaign_monitor_assets_tests.api.servers import full_listener, respond, self_signed, serve
from campaign_monitor_assets_tests.project import Project, failures

DECODE = msgspec.json.Decoder().decode
PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def client(url: str, said: list[str] | None = None, **settings: object) -> ApiClient:
    told = [] if said is None else said
    values = {"base_url": url, "max_attempts": 2, "backoff": 0.01, **settings}
    return ApiClient(ApiSettings.model_validate(values), Credentials(api_key="k"), warn=told.append)


@pytest.mark.parametrize(
    "name",
    [PROXIES[0], *(pytest.param(each, marks=pytest.mark.slow) for each in PROXIES[1:])],
)
def test_no_proxy_on_the_way_to_this_machine(
    with_parents: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The demo's server is asked directly, whatever proxy the environment names."""
    for each in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    result = with_parents.materialize("clients")
    assert result.success, failures(result)


@pytest.mark.parametrize(
    "host", ["localhost.", "LOCALHOST", "127.1", "[::ffff:127.0.0.1]", "api.localhost"]
)
def test_other_spellings_of_this_machine(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """However this machine is spelled, it is asked directly, and without https."""
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serve(respond("200 OK")) as server:
        assert client(f"http://{host}:{server.port}/api").get("/clients", DECODE).value == []


@pytest.mark.parametrize(
    "host", ["notlocalhost", "localhost.example.com", "128.0.0.1", "[::ffff:10.0.0.1]", "0.0.0.0"]
)
def test_hosts_that_are_not_this_machine(host: str) -> None:
    """What only resembles this machine's name or address is another, and needs https."""
    with pytest.raises(ConfigurationError, match="http only for this machine"):
        checked_base_url(f"http://{host}/api")


@pytest.mark.parametrize(("status", "advice"), [(403, "NO_PROXY"), (407, "password into HTTPS")])
def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch, status: int, advice: str) -> None:
    """A proxy's refusal is the proxy's, said at once, and its password stays out of it."""
    with serve(respond(f"{status} No", "<html>")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:s3cret@127.0.0.1:{proxy.port}")
        with pytest.raises(ProxyRefusedError, match=advice) as caught:
            client("https://api.example.com/api/v3.3").get("/clients", DECODE)
        assert len(proxy.heard) == 1
    assert "s3cret" not in str(caught.value)
    assert "api.example.com" in str(caught.value)


@pytest.mark.parametrize(
    "value", ["::::", "http://", "http://[", "socks5://127.0.0.1:1", "a b", "http://h:notaport"]
)
def test_a_malformed_proxy(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """What is no proxy's address is told as such, or as a failed connection; never raw."""
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(CampaignMonitorError, match=r"HTTPS_PROXY|api\.example"):
        client("https://api.example.com/api/v3.3").get("/clients", DECODE)


def test_a_certificate_that_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said at once and names REQUESTS_CA_BUNDLE, which then makes it trusted."""
    context, pem = self_signed(tmp_path)
    said: list[str] = []
    with serve(respond("200 OK"), context) as server:
        url = f"https://localhost:{server.port}/api"
        with pytest.raises(UntrustedCertificateError, match="REQUESTS_CA_BUNDLE"):
            client(url, said).get("/clients", DECODE)
        assert said == []
        assert server.heard == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
        assert client(url).get("/clients", DECODE).value == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nowhere.pem"))
        with pytest.raises(ConfigurationError, match="REQUESTS_CA_BUNDLE"):
            client(url).get("/clients", DECODE)


@pytest.mark.parametrize(
    ("variable", "name"), [("NETRC", "netrc"), ("HOME", ".netrc"), ("HOME", "_netrc")]
)
def test_netrc_is_not_consulted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, name: str
) -> None:
    """Requests carry our credentials or none: not the password that netrc has for the host."""
    file = tmp_path / name
    entry = "login other password s3cret"
    file.write_text(f"machine 127.0.0.1 {entry}\ndefault {entry}\n")
    file.chmod(0o600)
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.setenv(variable, str(file if variable == "NETRC" else tmp_path))
    assert get_netrc_auth("http://127.0.0.1") == ("other", "s3cret")
    refused = '{"Code": 121, "Message": "Expired"}'
    with serve(respond("401 No", refused)) as server:
        credentials = Credentials(
            access_token="old",
            refresh_token="fresh",
            token_file=TokenFile(tmp_path / "tokens.json"),
        )
        settings = ApiSettings(base_url=f"{server.url}/api", max_attempts=1)
        with pytest.raises(CampaignMonitorError):
            ApiClient(settings, credentials).get("/clients", DECODE)
        heard = [head.partition("\r\n\r\n")[0].lower() for head in server.heard]
    assert ["authorization: bearer old" in head for head in heard] == [True, False]
    assert ["authorization" in head for head in heard] == [True, False]
    assert not any("basic" in head for head in heard)


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
        threads = [
            threading.Thread(target=lambda: _cancelled(asking, {"email": "somebody@example.com"}))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 9
        while not said and time.monotonic() < until:
            time.sleep(0.01)
        asking.close()
        ends.set()
        for thread in threads:
            thread.join(5)
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
        caught: list[BaseException] = []

        def ask() -> None:
            try:
                asking.get("/clients", DECODE)
            except CampaignMonitorError as error:
                caught.append(error)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        while not server.heard:
            time.sleep(0.01)
        time.sleep(0.2)
        asking.close()
        for thread in threads:
            thread.join(5)
        alive = [thread for thread in threads if thread.is_alive()]
        ends.set()
    assert alive == []
    assert {type(error) for error in caught} == {RequestCancelledError}


def test_closing_ends_a_handshake() -> None:
    """A host that accepts a connection and then says nothing, not even TLS's greeting, is left."""
    ends = threading.Event()
    with serve(lambda _: setattr(ends, "waited", ends.wait(60))) as server:
        asking = client(f"https://127.0.0.1:{server.port}/api", connect_timeout=30)
        thread = threading.Thread(target=lambda: _cancelled(asking))
        thread.start()
        while not server.heard:
            time.sleep(0.01)
        asking.close()
        thread.join(5)
        ends.set()
        assert not thread.is_alive()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_closing_ends_a_connection_that_hangs(scheme: str) -> None:
    """A host that does not even accept the connection is left as soon as the client is closed."""
    with full_listener() as port:
        asking = client(f"{scheme}://127.0.0.1:{port}/api", connect_timeout=60)
        thread = threading.Thread(target=lambda: _cancelled(asking))
        thread.start()
        time.sleep(0.3)
        assert thread.is_alive()
        asking.close()
        thread.join(5)
        assert not thread.is_alive()


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
    thread = threading.Thread(target=lambda: _cancelled(asking))
    thread.start()
    assert looked.wait(5)
    asking.close()
    thread.join(5)
    alive = thread.is_alive()
    ends.set()
    assert not alive


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
        thread = threading.Thread(target=lambda: _cancelled(asking))
        thread.start()
        while not said:
            time.sleep(0.01)
        asking.close()
        thread.join(5)
    assert "HTTP 429" in said[0]
    assert f"the next one in {max(map(int, headers.values()))}" in said[0]
    assert "Ctrl-C" in said[0]


def _cancelled(asking: ApiClient, query: Mapping[str, str] | None = None) -> None:
    with pytest.raises(RequestCancelledError):
        asking.get("/clients", DECODE, query)


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
        thread = threading.Thread(target=lambda: _cancelled(asking))
        thread.start()
        while not said:
            time.sleep(0.01)
        asking.close()
        thread.join(5)
    # The date has whole seconds, and the machine may be slow.
    assert re.search(r"the next one in 19[89]\d\d\.", said[0])


def test_a_retry_after_with_a_date() -> None:
    """Retry-After may be a date; one that is over means now."""
    with serve(respond("503 Later", Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")) as server:
        with pytest.raises(RetriesExhaustedError):
            client(server.url).get("/clients", DECODE)
        assert len(server.heard) == 2


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "nonsense", "deflate"])
def test_a_body_that_is_not_encoded_as_it_says(encoding: str) -> None:
    """A body of another encoding than the header's is a transient error, or taken as it is."""
    with serve(respond("200 OK", "[]", Content_Encoding=encoding)) as server:
        try:
            assert client(server.url).get("/clients", DECODE).value == []
        except RetriesExhaustedError:
            assert len(server.heard) == 2


@pytest.mark.parametrize(
    "url",
    [
        "",
        "key-5e9cb1d0a7f2",
        "http://api.createsend.com/api/v3.3",
        "https://me:s3cret@api.createsend.com",
        "https://api.createsend.com/?key=s3cret",
        "https://[",
        "https://api.createsend.com:port",
        "https://api createsend.com",
        "ftp://127.0.0.1",
        "https://apí.example",
        "https://api..example",
        f"https://{'a' * 64}.example",
    ],
)
def test_base_urls(url: str) -> None:
    """What is no https URL of an API is refused, and nothing of a secret is repeated."""
    with pytest.raises(ConfigurationError, match="CAMPAIGN_MONITOR_BASE_URL") as caught:
        checked_base_url(url)
    assert "s3cret" not in str(caught.value)
    assert "5e9cb1d0a7f2" not in str(caught.value)


def test_errors_of_the_network_name_the_host() -> None:
    """An unknown host and a closed port are told by name."""
    with pytest.raises(RetriesExhaustedError, match=r"no-such-host\.invalid"):
        client("https://no-such-host.invalid/api").get("/clients", DECODE)
    with pytest.raises(RetriesExhaustedError, match=r"127\.0\.0\.1:9"):
        client("http://127.0.0.1:9/api").get("/clients", DECODE)
