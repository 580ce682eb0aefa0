"""As much of Docker's API as the run launcher asks for; a container is a sealed process."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from campaign_monitor_assets_tests.deploy.image import Image

_CONTAINER = re.compile(r"^/v[\d.]+/containers/(\w+)/(\w+)$")


@dataclass
class Docker:
    """Where it listens, and what it was told to create and has started.

    Attributes:
        image: What the containers are of.
        log: Where the containers' output goes.
        more: Variables that each has besides.
        created: The body of each request for a container, in order.
        started: Their processes.
    """

    image: Image
    log: Path
    more: Mapping[str, str]
    url: str = ""
    created: list[dict[str, Any]] = field(default_factory=list)
    started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """Takes down what a container shall be."""
        self.created.append(body)
        return {"Id": f"container{len(self.created) - 1}", "Warnings": []}

    def start(self, identifier: str) -> None:
        """Starts a container: its command, with its variables alone."""
        body = self.created[int(identifier.removeprefix("container"))]
        given = dict(each.split("=", 1) for each in body["Env"])
        with self.log.open("a") as file:
            self.started[identifier] = subprocess.Popen(
                self.image.sealed(*body["Cmd"]),
                env=self.image.variables({**given, **self.more}),
                cwd=self.image.placed("/etc/campaign-monitor"),
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def state(self, identifier: str) -> dict[str, Any]:
        """How it is with a container."""
        process = self.started.get(identifier)
        running = process is not None and process.poll() is None
        return {
            "Id": identifier,
            "Image": "sha256:0",
            "State": {"Status": "running" if running else "exited", "Running": running},
        }


@contextmanager
def docker(image: Image, log: Path, more: Mapping[str, str]) -> Iterator[Docker]:
    """Listens for as long as the context lasts; ends what was started."""
    served = Docker(image, log, more)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def answer(self, status: int, body: Mapping[str, Any] | Sequence[Any] | None) -> None:
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            if self.path.endswith("/version"):
                self.answer(200, {"ApiVersion": "1.44", "MinAPIVersion": "1.24"})
            elif found := _CONTAINER.match(self.path):
                self.answer(200, served.state(found[1]))
            else:
                self.answer(404, {"message": self.path})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if re.match(r"^/v[\d.]+/containers/create", self.path):
                self.answer(201, served.create(json.loads(body)))
            elif (found := _CONTAINER.match(self.path)) and found[2] == "start":
                served.start(found[1])
                self.answer(204, None)
            else:
                self.answer(404, {"message": self.path})

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.url = f"tcp://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield served
        finally:
            server.shutdown()
            for process in served.started.values():
                process.kill()
                process.wait()
