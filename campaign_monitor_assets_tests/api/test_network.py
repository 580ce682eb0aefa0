"""Odd networks: proxies, certificates, netrc, and the spellings of hosts."""

import socket
from pathlib import Path

import msgspec
import pytest
from requests.utils import get_netrc_auth

from campaign_monitor_assets.api.auth import Credentials
from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.api.settings import ApiSettings, checked_base_url
from campaign_monitor_assets.api.tokens import TokenFile
from campaign_monitor_assets.errors import (
    CampaignMonitorError,
    ConfigurationError,
    ProxyRefusedError,
    RetriesExhaustedError,
    UntrustedCertificateError,
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


def _hang(connection: socket.socket) -> None:
    connection.recv(1)


def _say_nothing(_: socket.socket) -> None:
    """Closes the connection without a response."""


def _failure(url: str) -> str:
    with pytest.raises(CampaignMonitorError) as caught:
        client(url, max_attempts=1, read_timeout=0.2, connect_timeout=0.2).get("/clients", DECODE)
    return str(caught.value)


def test_errors_of_the_network_name_the_host_and_the_cause(tmp_path: Path) -> None:
    """An unknown name, a closed port, silence, and what is no TLS: each is told with its host."""
    context, pem = self_signed(tmp_path)
    told = _failure("https://no-such-host.invalid/api")
    assert "connection to no-such-host.invalid failed: no address is known" in told
    assert "connection to 127.0.0.1:9 failed: nothing accepts" in _failure("http://127.0.0.1:9/api")
    with full_listener() as port:
        told = _failure(f"http://127.0.0.1:{port}/api")
        assert f"no connection to 127.0.0.1:{port} within connect_timeout" in told
    with serve(_hang) as server:
        host = f"127.0.0.1:{server.port}"
        assert f"no response from {host} within read_timeout" in _failure(f"{server.url}/api")
        assert f"no response from {host} within read_timeout" in _failure(f"https://{host}/api")
    with serve(_say_nothing) as server:
        host = f"127.0.0.1:{server.port}"
        assert f"connection to {host} failed: it was closed without" in _failure(
            f"{server.url}/api"
        )
        assert f"connection to {host} failed: it was closed while" in _failure(
            f"https://{host}/api"
        )
    with serve(respond("502 Bad")) as server:
        host = f"127.0.0.1:{server.port}"
        assert f"at {host} after 1 attempts; the last one: HTTP 502" in _failure(f"{server.url}/a")
        assert f"connection to {host} failed: what listens" in _failure(f"https://{host}/api")
    with serve(respond("200 OK"), context) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(pem))
        told = _failure(f"https://127.0.0.1:{server.port}/api")
        assert f"certificate of 127.0.0.1:{server.port} is for another host" in told


def test_errors_on_the_way_to_a_proxy_name_the_proxy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is the proxy whose name, port or response is wrong; its password is repeated nowhere."""
    url = "https://api.example.com/api/v3.3"

    def by(proxy: str, scheme: str = "http") -> str:
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://me:s3cret@{proxy}")
        told = _failure(url)
        assert "s3cret" not in told
        return told.partition("; the last one: ")[2] or told

    on_the_way = "can't be reached on the way to api.example.com"
    assert by("no-such.invalid:3128").startswith(
        f"the proxy no-such.invalid:3128 {on_the_way}: no address is known"
    )
    assert by("127.0.0.1:9").startswith(f"the proxy 127.0.0.1:9 {on_the_way}: nothing accepts")
    with serve(respond("503 No")) as server:
        told = by(f"127.0.0.1:{server.port}")
        assert told.startswith(f"the proxy 127.0.0.1:{server.port} {on_the_way}: the proxy respond")
        assert "HTTP 503" in told
    with serve(respond("403 No")) as server:
        assert by(f"127.0.0.1:{server.port}").startswith(f"The proxy 127.0.0.1:{server.port} refus")
    for password in ("pa/s3cret", "1234/5", "a#s3cret"):
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:{password}@127.0.0.1:9")
        told = _failure(url)
        assert "me:" not in told
        assert "s3cret" not in told
    with serve(_hang) as server:
        told = by(f"127.0.0.1:{server.port}")
        assert f"from api.example.com by the proxy 127.0.0.1:{server.port} within read" in told
    context, _ = self_signed(tmp_path)
    with serve(respond("200 OK"), context) as server:
        told = by(f"localhost:{server.port}", "https")
        assert f"certificate of the proxy localhost:{server.port} is not trusted" in told
