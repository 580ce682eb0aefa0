"""Connecting to a host so that it can be ended at any moment, which the standard library's can't.

A connection that hangs, or a name whose server does not respond, would otherwise keep a run that
has ended for as long as the system tries.
"""

import errno
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Final

from campaign_monitor_assets.api.settings import is_localhost

_SECONDS_BETWEEN_LOOKS: Final = 0.1
_UNDER_WAY: Final = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN, 10035})
"""What a connection that takes its time is told by; the number is Windows'."""

Addresses = list[tuple[Any, ...]]


def connect(
    host: str,
    port: int,
    *,
    timeout: float,
    options: Sequence[tuple[int, int, int | bytes]],
    require_wanted: Callable[[], None],
) -> socket.socket:
    """Connects to the first address of a host that accepts it.

    Args:
        host: Its name or address. Names of this machine never lead elsewhere.
        port: The TCP port.
        timeout: Maximum seconds of the name's lookup, and of each address; the socket keeps it.
        options: Socket options, as for `setsockopt`.
        require_wanted: Raises where nobody waits for the connection any more.

    Raises:
        TimeoutError: The lookup or the last address took too long.
        OSError: The name is unknown, or no address accepts the connection.
    """
    failure = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in _addresses(host, port, timeout, require_wanted):
        sock = None
        try:
            sock = socket.socket(family, kind, protocol)
            for option in options:
                sock.setsockopt(*option)
            _connect(sock, address, timeout, require_wanted)
        except BaseException as error:
            if sock is not None:
                sock.close()
            require_wanted()
            if not isinstance(error, OSError):
                raise
            failure = error
        else:
            return sock
    raise failure


def _connect(
    sock: socket.socket, address: Any, timeout: float, require_wanted: Callable[[], None]
) -> None:
    sock.settimeout(0)
    status = sock.connect_ex(address)
    if status in _UNDER_WAY:
        deadline = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_WRITE)
            while not selector.select(_SECONDS_BETWEEN_LOOKS):
                require_wanted()
                if time.monotonic() > deadline:
                    raise TimeoutError
        status = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if status:
        raise OSError(status, os.strerror(status))
    sock.settimeout(timeout)


def _addresses(
    host: str, port: int, timeout: float, require_wanted: Callable[[], None]
) -> Addresses:
    found: Future[Addresses] = Future()

    def look_up() -> None:
        try:
            name = "localhost" if is_localhost(host) else host
            found.set_result(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 (it is raised in the thread that waits)
            found.set_exception(error)

    # Nothing ends a lookup, so it is left to a thread that keeps nobody waiting.
    threading.Thread(target=look_up, name="name lookup", daemon=True).start()
    deadline = time.monotonic() + timeout
    while True:
        try:
            return found.result(_SECONDS_BETWEEN_LOOKS)
        except TimeoutError:
            require_wanted()
            if time.monotonic() > deadline:
                raise
