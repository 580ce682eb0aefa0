"""Dagster's UI as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

from campaign_monitor_assets.errors import ConfigurationError

_HOST: Final = "127.0.0.1"
_WORKSPACE: Final = Path(__file__).with_name("workspace.yaml")
_QUIET: Final = "ignore:Function `dev_command` is superseded"
"""Dagster would send its users to `dg dev`, which needs a project of one's own."""


def require_free(port: int | None) -> None:
    """Looks whether somebody else listens on the UI's port: Dagster would go on without a UI.

    Args:
        port: The port; None: Dagster looks for a free one itself.

    Raises:
        ConfigurationError: It is taken, or may not be used.
    """
    if port is None:
        return
    with socket.socket() as probe:
        if os.name != "nt":
            # What an ended server leaves doesn't count; on Windows one that listens wouldn't, too.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise ConfigurationError(
                f"The port {port} can't be used for Dagster's UI: {error.strerror}. Choose another"
                " one (--port), or leave that out to have a free one."
            ) from None


def serve_ui(port: int | None) -> int:
    """Runs Dagster's UI until it is stopped, and lets it stop its own processes.

    Args:
        port: Its port; None: 3000, or another one where that is taken.

    Returns:
        Its exit status.
    """
    command = [sys.executable, "-W", _QUIET, "-m", "dagster", "dev", "-w", str(_WORKSPACE)]
    if port is not None:
        command += ["-p", str(port)]
    # A shell that starts this in the background lets it ignore Ctrl-C, and what it starts too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command)  # noqa: S603 (our own arguments)
    # Ctrl-C reaches the whole group: what is left to do here is to wait for the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    return process.wait()
