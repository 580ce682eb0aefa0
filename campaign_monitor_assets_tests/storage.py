"""An S3 server for tests, behind a proxy that answers in its place what a test wants."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from campaign_monitor_assets.cli.cluster import services

_NOT_PASSED_ON = {"connection", "content-length", "date", "server", "transfer-encoding"}

Fault = Callable[["Request"], bool]
"""Answers a request as it wants, or says that it did not."""


class Request(BaseHTTPRequestHandler):
    """A request to the storage."""

    protocol_version = "HTTP/1.1"
    server: "_Proxy"

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def _handle(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(f"{self.command} {self.path}")
        if self.server.fault(self):
            return
        status, headers, body = self.passed_on()
        self.answer(status, body, headers)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _handle  # noqa: N815 (the base names them)

    def passed_on(self) -> tuple[int, dict[str, str], bytes]:
        """What the server behind answers: status, headers and body."""
        connection = HTTPConnection(services.HOST, self.server.behind, timeout=60)
        connection.request(self.command, self.path, self.body, dict(self.headers))
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), body

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """Answers."""
        size = str(len(body))
        if self.command == "HEAD":
            size = headers.get("Content-Length", size)
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _NOT_PASSED_ON:
                self.send_header(name, value)
        self.send_header("Content-Length", size)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def break_off(self) -> None:
        """Ends the connection."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, behind: int) -> None:
        super().__init__((services.HOST, port), Request)
        self.behind = behind
        self.fault: Fault = nothing
        self.seen: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


@dataclass
class Storage:
    """An S3 server that fails as a test wants."""

    server: services.S3
    port: int = field(default_factory=services.free_port)
    _proxy: _Proxy | None = None

    @property
    def endpoint(self) -> str:
        return f"{services.HOST}:{self.port}"

    @property
    def seen(self) -> list[str]:
        """The requests up to now."""
        assert self._proxy is not None
        return self._proxy.seen

    def up(self) -> None:
        """Lets it answer as ever."""
        if self._proxy is None:
            self._proxy = _Proxy(self.port, self.server.port)
        self._proxy.fault = nothing

    def fails(self, fault: Fault) -> None:
        """Lets a fault answer from now on."""
        self.up()
        assert self._proxy is not None
        self._proxy.fault = fault

    def down(self) -> None:
        """Refuses connections, and ends those that are there."""
        if self._proxy is not None:
            self._proxy.fault = broken_off
            self._proxy.shutdown()
            self._proxy.server_close()
            self._proxy = None

    def objects(self) -> set[str]:
        """The keys of all that is in the bucket."""
        return set(re.findall("<Key>(.*?)</Key>", self._told("list-type=2")))

    def uploads(self) -> set[str]:
        """The keys of the uploads that have neither been ended nor aborted."""
        return set(re.findall("<Key>(.*?)</Key>", self._told("uploads")))

    def _told(self, query: str) -> str:
        connection = HTTPConnection(services.HOST, self.server.port, timeout=60)
        connection.request("GET", f"/{self.server.bucket}?{query}")
        found = connection.getresponse().read().decode()
        connection.close()
        return found


@contextmanager
def storage(bucket: str) -> Iterator[Storage]:
    """Runs an S3 server behind a proxy for as long as the context lasts."""
    with services.s3(bucket) as server:
        made = Storage(server)
        made.up()
        yield made
        made.down()


def nothing(_: Request) -> bool:
    """Lets the server behind answer."""
    return False


def broken_off(request: Request) -> bool:
    """Ends the connection without a word."""
    request.break_off()
    return True


def says(status: int, code: str, message: str) -> Fault:
    """Refuses as S3 does."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"

    def refuse(request: Request) -> bool:
        request.answer(status, body.encode(), {"Content-Type": "application/xml"})
        return True

    return refuse


def hangs(_: Request) -> bool:
    """Never answers."""
    time.sleep(600)
    return True


def slow(seconds: float) -> Fault:
    """Answers late."""

    def wait(_: Request) -> bool:
        time.sleep(seconds)
        return False

    return wait


def cut_off(request: Request) -> bool:
    """Sends half of an answer."""
    status, headers, body = request.passed_on()
    request.send_response(status)
    request.send_header("Content-Length", str(len(body)))
    for name in headers.keys() & {"Content-Range", "ETag", "Last-Modified"}:
        request.send_header(name, headers[name])
    request.end_headers()
    request.wfile.write(body[: len(body) // 2])
    request.break_off()
    return True


def garbled(request: Request) -> bool:
    """Sends other bytes than are there."""
    status, headers, body = request.passed_on()
    request.answer(status, bytes(255 - each for each in body), headers)
    return True


def only(text: str, fault: Fault) -> Fault:
    """A fault of the requests whose method and path match a regular expression."""
    return lambda request: (
        re.search(text, f"{request.command} {request.path}") is not None and fault(request)
    )
