"""PostgreSQL at an address of this process's network, as a program: it tells its port and password.

python -m campaign_monitor_assets_tests.warehouse.far_catalogue ADDRESS DATABASE…
"""

import signal
import socket
import sys
import threading
from contextlib import suppress

from campaign_monitor_assets.cli.cluster import services


def main(address: str, *databases: str) -> None:
    """Passes on what arrives at the address until it is ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with services.postgres(*databases) as server, socket.create_server((address, 0)) as listening:
        sys.stdout.write(f"{listening.getsockname()[1]} {server.user} {server.password}\n")
        sys.stdout.flush()
        while True:
            here, _ = listening.accept()
            there = socket.create_connection((server.host, server.port))
            for ends in ((here, there), (there, here)):
                threading.Thread(target=_pass_on, args=ends, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    # One of them ends, or both: so does the other.
    with suppress(OSError):
        while told := source.recv(65536):
            target.sendall(told)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    main(*sys.argv[1:])
