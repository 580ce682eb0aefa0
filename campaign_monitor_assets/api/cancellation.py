"""Requests under way that can be ended from outside: when the run ends, or at their time limit.

A thread that waits for a response is woken up by nothing but the socket's end. So each connection
tells which thread uses it, and whoever ends a request shuts its socket down. While there is no
connection yet, the thread looks by itself whether it still is wanted.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from campaign_monitor_assets.api.connecting import connect

_SECONDS_BETWEEN_LOOKS: Final = 0.5
_SECONDS_UNTIL_NOTICE: Final = 30.0
_TOLD_AFTER: Final = 0.1
"""The share of its time after which a request is told of, if that is sooner."""


@dataclass(eq=False)
class Exchange:
    """One request under way.

    Attributes:
        request: Method and path, which hold neither a secret nor an address.
        started: When it began, by the monotonic clock.
        deadline: When it is ended, by the same clock.
        held: A second handle of the socket that it is sent over, once there is one. The
            connection's own is gone as soon as the server says that it will close it.
        expired: Whether it was ended since its time was up.
    """

    request: str
    started: float
    deadline: float
    held: socket.socket | None = None
    expired: bool = False
    ended: bool = False

    def end(self) -> None:
        """Shuts the socket down, which wakes up the thread that waits for it."""
        self.ended = True
        held = self.held
        if held is not None:
            with suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)

    def hold(self, sock: socket.socket) -> None:
        """Takes a handle of the socket, in the place of the one before."""
        self.release()
        self.held = socket.socket(fileno=socket.dup(sock.fileno()))

    def release(self) -> None:
        """Closes the handle, which leaves the connection open."""
        if self.held is not None:
            self.held.close()
            self.held = None

    def require_unbroken(self) -> None:
        """Raises ConnectionError where it was ended: what was read then is not the whole."""
        if self.ended:
            raise ConnectionError


class Exchanges:
    """The requests under way, by the thread that waits for the response.

    Args:
        seconds: Maximum seconds of each, after which it is ended.
        warn: Told of those that take long.
    """

    def __init__(self, seconds: float, warn: Callable[[str], None]) -> None:
        self._seconds = seconds
        self._warn = warn
        self._next_notice = 0.0
        self._lock = threading.Lock()
        self._under_way: dict[int, Exchange] = {}
        self._closed = threading.Event()
        self._watch: threading.Thread | None = None

    @property
    def closed(self) -> bool:
        """Whether all were ended."""
        return self._closed.is_set()

    @contextmanager
    def begin(self, request: str) -> Iterator[Exchange]:
        """Notes this thread's request; it is ended when its time is up."""
        now = time.monotonic()
        exchange = Exchange(request, now, now + self._seconds)
        with self._lock:
            self._under_way[threading.get_ident()] = exchange
            if self._watch is None:
                self._watch = threading.Thread(target=self._end_overdue, daemon=True)
                self._watch.start()
        try:
            yield exchange
        finally:
            with self._lock:
                del self._under_way[threading.get_ident()]
                exchange.release()

    def used(self, sock: socket.socket) -> None:
        """Notes the socket that this thread's request is sent over."""
        with self._lock:
            exchange = self._under_way.get(threading.get_ident())
            if exchange is not None:
                exchange.hold(sock)
                if self.closed or exchange.ended:
                    exchange.end()

    def require_unbroken(self) -> None:
        """Raises ConnectionError where this thread's request was ended."""
        exchange = self._under_way.get(threading.get_ident())
        if self.closed or (exchange is not None and exchange.ended):
            raise ConnectionError

    def close(self) -> None:
        """Ends all requests under way."""
        self._closed.set()
        with self._lock:
            for exchange in self._under_way.values():
                exchange.end()

    def _end_overdue(self) -> None:
        while not self._closed.wait(_SECONDS_BETWEEN_LOOKS):
            now = time.monotonic()
            with self._lock:
                for exchange in self._under_way.values():
                    if exchange.deadline <= now:
                        exchange.expired = True
                        exchange.end()
                waiting = [each for each in self._under_way.values() if not each.ended]
            self._tell_of_slow(waiting, now)

    def _tell_of_slow(self, waiting: Sequence[Exchange], now: float) -> None:
        told_after = min(self._seconds * _TOLD_AFTER, _SECONDS_UNTIL_NOTICE)
        slow = [each for each in waiting if now - each.started >= told_after]
        if not slow or now < self._next_notice:
            return
        self._next_notice = now + 2 * told_after
        oldest = min(slow, key=lambda each: each.started)
        others = f", and for {len(slow) - 1} other requests" if len(slow) > 1 else ""
        # Whatever becomes of the notice, the time limits of the requests have to be kept.
        with suppress(Exception):
            self._warn(
                f"Waiting for the response to {oldest.request} for {now - oldest.started:.0f} s"
                f"{others}. A request is ended after {self._seconds:g} s at most (request_timeout)."
                " To wait no longer, terminate the run (Ctrl-C)."
            )


class ExchangeAdapter(HTTPAdapter):
    """Gives requests connections that tell which thread uses them.

    Args:
        exchanges: Who is told.
        connections: Maximum connections to a host.
    """

    def __init__(self, exchanges: Exchanges, connections: int) -> None:
        self._exchanges = exchanges
        super().__init__(pool_connections=1, pool_maxsize=connections, pool_block=True)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Makes the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self._watch(self.poolmanager, connects=True)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """The pools of connections by a proxy."""
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not known:
            # PySocks connects to a SOCKS proxy by itself, which ends at its timeout alone.
            self._watch(manager, connects=not proxy.lower().startswith("socks"))
        return manager

    def _watch(self, manager: PoolManager, *, connects: bool) -> None:
        mixin = _Connecting if connects else _Watched
        pools: dict[str, Any] = dict(manager.pool_classes_by_scheme)
        for scheme, pool in pools.items():
            of_pool = {"exchanges": self._exchanges}
            connection = type("_Connection", (mixin, pool.ConnectionCls), of_pool)
            pools[scheme] = type("_Pool", (pool,), {"ConnectionCls": connection})
        manager.pool_classes_by_scheme = pools


class _Watched(HTTPConnection):
    exchanges: Exchanges

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        self.exchanges.used(sock)
        return sock

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            self.exchanges.used(self.sock)
        super().putrequest(*args, **kwargs)


class _Connecting(_Watched):
    def _new_conn(self) -> socket.socket:
        assert isinstance(self.timeout, float | int)
        try:
            sock = connect(
                self._dns_host,
                self.port,
                timeout=self.timeout,
                options=self.socket_options or (),
                require_wanted=self.exchanges.require_unbroken,
            )
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "the connection timed out") from error
        except OSError as error:
            raise NewConnectionError(self, "the connection failed") from error
        self.exchanges.used(sock)
        return sock
