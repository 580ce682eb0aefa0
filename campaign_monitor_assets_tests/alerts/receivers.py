"""Real receivers of alerts on this machine: an incoming webhook, and a mail server."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

PASSWORD = "correct horse battery staple"


@dataclass
class Webhook:
    """What a webhook got, and how it answers.

    Attributes:
        url: Its URL, which is its secret.
        texts: What was written there.
        status: The HTTP status that it answers with.
        delay: Seconds before it answers.
    """

    url: str = ""
    texts: list[str] = field(default_factory=list)
    status: int = 200
    delay: float = 0


@contextmanager
def webhook(port: int = 0) -> Iterator[Webhook]:
    """An incoming webhook, for as long as the context lasts."""
    found = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.texts.append(body["text"])
            time.sleep(found.delay)
            self.send_response(found.status)
            if found.status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/services/T0SECRET0WORD"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Mailbox:
    """What a mail server got, and how it answers.

    Attributes:
        port: Where it listens.
        messages: The e-mails that came.
        answer: What it says to each.
    """

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    answer: str = "250 OK"

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802 (their name)
        if self.answer.startswith("250"):
            parsed = BytesParser(policy=cast("Any", default)).parsebytes(envelope.content)
            self.messages.append(cast("EmailMessage", parsed))
        return self.answer


@contextmanager
def mail_server(*, asks_password: bool = False) -> Iterator[Mailbox]:
    """A mail server, for as long as the context lasts."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        box = Mailbox(port=int(free.getsockname()[1]))

    def authenticates(_: Any, __: Any, ___: Any, ____: Any, given: Any) -> AuthResult:
        is_right = isinstance(given, LoginPassword) and given.password == PASSWORD.encode()
        return AuthResult(success=is_right, handled=False)

    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=box.port,
        auth_required=asks_password,
        auth_require_tls=False,
        authenticator=authenticates if asks_password else None,
    )
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
