"""An imitation of the Campaign Monitor API over real HTTP, run as a process of its own.

It stands in for an account in the demo, in the tests and in the benchmark. It shares no code
with the reader: a path or a field that the reader has wrong must fail here too.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Sandbox", "SandboxError", "start"]


class SandboxError(RuntimeError):
    """The sandbox did not start, or refused what a control asked of it."""


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox."""

    url: str
    """The base of the API, as a reader would be given it."""
    key: str
    """The API key of the account."""
    process: "subprocess.Popen[str]"

    @property
    def root(self) -> str:
        """The root of the server, below which `/oauth/token` stands."""
        return self.url.removesuffix(urlsplit(self.url).path)

    def account(self, collection: str | None = None) -> dict[str, Any]:
        """What the account truly holds now: rows by collection and parent."""
        query = f"?collection={collection}" if collection else ""
        return self._control("GET", f"account{query}")

    def requests(self) -> dict[str, Any]:
        """The log: `requests`, `statuses` (how many of each) and `connections`."""
        return self._control("GET", "requests")

    def reset(self) -> None:
        """Clear log and faults, and put the account back as it was at the start."""
        self._control("POST", "reset")

    def faults(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Let these fault rules stand in the place of the present ones."""
        self._control("POST", "faults", list(rules))

    def mutate(self, collection: str, parent: str, rows: object) -> None:
        """Let a parent hold these rows; None makes the parent unknown to the collection."""
        change = {"collection": collection, "parent": parent, "rows": rows}
        self._control("POST", "mutate", change)

    def live(self, **days: Any) -> list[dict[str, str]]:
        """Let the account live for a day, or as said; what happened, on which list, to whom."""
        happened: list[dict[str, str]] = self._control("POST", "live", days)["events"]
        return happened

    def move(self, share: float, **more: Any) -> int:
        """Let a share of the people of a benchmark account join or leave; how many did."""
        moved: int = self._control("POST", "move", {"share": share, **more})["moved"]
        return moved

    def stop(self) -> None:
        """Stop the process and wait for its end."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _control(self, method: str, name: str, content: object = None) -> dict[str, Any]:
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=300)
        try:
            body = None if content is None else json.dumps(content)
            connection.request(method, f"/_sandbox/{name}", body)
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise SandboxError(f"/_sandbox/{name}: {answer['Message']}")
        return answer


@contextmanager
def start(*options: str, key: str = "sandbox-account-key") -> Iterator[Sandbox]:
    """Run a sandbox with these command-line options for as long as the context lasts."""
    command = [sys.executable, "-m", __name__, "--exit-with-parent", str(os.getpid())]
    # Wherever the caller found this package, the process shall find it too.
    search = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [*command, "--key", key, *options],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(search)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        )
        assert process.stdout is not None
        sandbox = Sandbox("", key, process)
        try:
            line = process.stdout.readline()
            if not line.startswith("sandbox ready at "):
                process.wait(10)
                complaints.seek(0)
                raise SandboxError(f"the sandbox did not start: {complaints.read()}")
            yield Sandbox(line.split()[-1], key, process)
        finally:
            sandbox.stop()
            process.stdout.close()
