"""Responses that are no proper HTTP, and files and proxies that can't be used: who is to blame."""

import gzip
import json
from pathlib import Path

import msgspec
import pytest

from campaign_monitor_assets.api.auth import Credentials
from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.api.settings import ApiSettings
from campaign_monitor_assets.errors import (
    ConfigurationError,
    RetriesExhaustedError,
    UntrustedCertificateError,
)
from campaign_monitor_assets_tests.api.servers import respond, self_signed, serve

DECODE = msgspec.json.Decoder().decode
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PACKED = gzip.compress(json.dumps(["a"] * 1000).encode(), mtime=0)


def packed(body: bytes) -> bytes:
    head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    return OK + head + body


def client(url: str, **settings: object) -> ApiClient:
    values = {"base_url": url, "max_attempts": 2, "backoff": 0.01, **settings}
    return ApiClient(ApiSettings.model_validate(values), Credentials(api_key="k"))


@pytest.mark.parametrize(
    "response",
    [
        OK + b"Content-Length: 2, 3\r\n\r\n[]",
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]",
        OK + b"Content-Length: -1\r\n\r\n[]",
        OK + b"Content-Length: two\r\n\r\n[]",
        OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n[]",
        CHUNKED + b"zz\r\n[]\r\n0\r\n\r\n",
        CHUNKED + b"-2\r\n[]\r\n0\r\n\r\n",
        CHUNKED + b"\r\n[]\r\n0\r\n\r\n",
        CHUNKED + b"2\r\n[]0\r\n\r\n",
        packed(b"[]"),
        packed(PACKED[:-8] + b"\0" * 8),
        packed(PACKED[:20] + b"\0" + PACKED[21:]),
        OK + b"Content-Encoding: " + b", ".join([b"gzip"] * 20) + b"\r\n\r\n[]",
        OK + b"X: a\r\n" * 200 + b"\r\n[]",
        OK + b"X: " + b"a" * 70_000 + b"\r\n\r\n[]",
        b"HTTP/1.1 abc OK\r\n\r\n[]",
        b"HTTP/1.1 1000 OK\r\n\r\n[]",
        b"HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"\x15\x03\x01\x00\x02\x02",
    ],
)
def test_malformed_responses(response: bytes) -> None:
    """What is no HTTP as it should be is a transient error of the server, not of a setting."""
    with serve(lambda connection: connection.sendall(response)) as server:
        with pytest.raises(RetriesExhaustedError, match=r"the response of 127.* is malformed \("):
            client(server.url).get("/clients", DECODE)
        assert len(server.heard) == 2


def test_a_response_that_would_fill_the_memory() -> None:
    """A few kilobytes that unpack to hundreds of megabytes are given up on the way."""
    bomb = 20 * gzip.compress(bytes(16 << 20), 1)
    with (
        serve(lambda connection: connection.sendall(packed(bomb))) as server,
        pytest.raises(RetriesExhaustedError, match=r"malformed \(more than 256 MB\)"),
    ):
        client(server.url, max_attempts=1).get("/clients", DECODE)


@pytest.mark.parametrize(
    "response",
    [
        b"",
        OK + b"Content-Length: 20\r\n\r\n[]",
        CHUNKED + b"2\r\n[]\r\n",
        packed(PACKED)[:-20],
        packed(PACKED[:-20]),
        OK + b"Content-Le",
    ],
)
def test_responses_that_are_cut_short(response: bytes) -> None:
    """A response that ends too early is a transient error wherever it ends."""
    with serve(lambda connection: connection.sendall(response)) as server:
        with pytest.raises(RetriesExhaustedError, match=r"the connection to 127|HTTP 200 with"):
            client(server.url).get("/clients", DECODE)
        assert len(server.heard) == 2


@pytest.mark.parametrize("content", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_a_bundle_without_certificates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    """A file of certificate authorities that holds none is said at once, by its variable's name."""
    context, _ = self_signed(tmp_path)
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with (
        serve(respond("200 OK"), context) as server,
        pytest.raises(ConfigurationError, match="REQUESTS_CA_BUNDLE"),
    ):
        client(f"https://localhost:{server.port}/api").get("/clients", DECODE)


def test_a_proxy_whose_certificate_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said at once that it is the proxy's certificate."""
    context, _ = self_signed(tmp_path)
    with serve(respond("200 OK"), context) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"https://localhost:{proxy.port}")
        with pytest.raises(UntrustedCertificateError, match="The certificate of the proxy"):
            client("https://api.example.com/api").get("/clients", DECODE)


def test_cookies_are_not_kept() -> None:
    """What a server or a proxy's login page sets is not sent with the next request."""
    with serve(respond("200 OK", Set_Cookie="session=1; Path=/")) as server:
        asking = client(server.url)
        for _ in range(2):
            asking.get("/clients", DECODE)
        assert [head for head in server.heard if "cookie" in head.lower()] == []
