"""A catalogue that says nothing more: a clear error after a while, and the old rows whole."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from campaign_monitor_assets.cli.cluster import programs
from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.warehouse.lake_settings import lake_of
from campaign_monitor_assets_tests.lake import needs_lake
from campaign_monitor_assets_tests.warehouse.crashes import At, watched
from campaign_monitor_assets_tests.warehouse.snapshots import SCHEMA, Warehouse, person

PASSWORD: Final = "FAR_PASSWORD"
# Other processes that run these tests have networks of their own.
HERE, THERE = (f"10.213.{os.getpid() % 256}.{end}" for end in (1, 2))
IMPATIENT = (
    "connect_timeout=3 keepalives_idle=1 keepalives_interval=1 keepalives_count=2"
    " tcp_user_timeout=3000"
)

MOMENTS = {
    "while it loads": "insert into temp.loaded",
    "in the midst of the rows": 'insert into "account"."active_subscribers"',
    "at the commit": "commit",
}


ALL = {
    "connect_timeout": "30",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}


@pytest.mark.parametrize("said", [{}, {"tcp_user_timeout": "9", "connect_timeout": "8"}, ALL])
@pytest.mark.parametrize(
    ("first", "begins", "between"),
    [
        ("dbname=a", " ", " "),
        ("postgresql://db/a", "?", "&"),
        ("postgresql://db/a?user=b", "&", "&"),
    ],
)
def test_a_user_says_how_long_to_wait(
    said: dict[str, str], first: str, begins: str, between: str
) -> None:
    """Each of libpq's times is the user's where the address has it, and ours otherwise."""

    def address(options: dict[str, str]) -> str:
        told = between.join(f"{name}={value}" for name, value in options.items())
        return f"ducklake:postgres:{first}{begins * bool(told)}{told}"

    lake = lake_of(address(said), "files", password_variable=None, s3={}, environment={})
    assert lake.address == address(
        {**said, **{name: ALL[name] for name in ALL if name not in said}}
    )


@needs_lake
@pytest.mark.slow
def test_a_catalogue_that_lets_nobody_in(tmp_path: Path) -> None:
    """A server that takes the connection and says nothing is given up after connect_timeout."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"dbname=a host=127.0.0.1 port={silent.getsockname()[1]} connect_timeout=2"
        store = {"database": f"ducklake:postgres:{address}", "data_path": str(tmp_path)}
        with pytest.raises(DatabaseError, match=r"can't be opened.*timeout expired") as caught:
            Warehouse(tmp_path / "none", more=store).begin()
    assert "look whether its catalogue runs and can be reached" in str(caught.value)


@dataclass(frozen=True)
class Far:
    """A catalogue behind a network that a test can break, and a namespace that is the network."""

    namespace: str
    more: dict[str, Any]

    def breaks(self) -> None:
        """From now on nothing that is sent arrives, and nobody says so."""
        _ip("netns", "exec", self.namespace, "ip", "address", "delete", *self._there)

    def mends(self) -> None:
        """Makes it as it was."""
        _ip("netns", "exec", self.namespace, "ip", "address", "add", *self._there)

    @property
    def _there(self) -> tuple[str, ...]:
        return f"{THERE}/30", "dev", "far"


def _ip(*arguments: str) -> str:
    program = shutil.which("ip")
    if program is None:
        pytest.skip("a network of its own needs the program ip (Debian: apt-get install iproute2)")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


@contextmanager
def network(name: str) -> Iterator[None]:
    """A network namespace with an end of a cable in it, whose other end is here."""
    near = f"n{os.getpid()}"
    with ExitStack() as made:
        try:
            _lay(name, near, made)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"a network of its own needs root, and may be made: {error.stderr.strip()}")
        yield


def _lay(name: str, near: str, made: ExitStack) -> None:
    inside = ("netns", "exec", name, "ip")
    _ip("netns", "add", name)
    made.callback(_ip, "netns", "delete", name)
    _ip("link", "add", near, "type", "veth", "peer", "name", "far", "netns", name)
    # The namespace may live on for a while, in connections that nobody ended.
    made.callback(_ip, "link", "delete", near)
    _ip("address", "add", f"{HERE}/30", "dev", near)
    _ip("link", "set", near, "up")
    _ip(*inside, "address", "add", f"{THERE}/30", "dev", "far")
    for link in ("lo", "far"):
        _ip(*inside, "link", "set", link, "up")
    # Once it has no address, nobody would answer for it: packets are to go there all the same.
    card = _ip("netns", "exec", name, "cat", "/sys/class/net/far/address").strip()
    _ip("neigh", "replace", THERE, "lladdr", card, "dev", near, "nud", "permanent")


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Far]:
    """A lake whose catalogue is in another network."""
    if not all(map(programs.found, programs.POSTGRES)):
        pytest.skip("it needs PostgreSQL: no initdb and postgres on the PATH or below /usr/lib")
    name = f"far-{os.getpid()}"
    program = "campaign_monitor_assets_tests.warehouse.far_catalogue"
    with network(name):
        command = ["ip", "netns", "exec", name, sys.executable, "-m", program, THERE, "lake"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as catalogue:
            assert catalogue.stdout is not None
            port, user, password = catalogue.stdout.readline().split()
            monkeypatch.setenv(PASSWORD, password)
            yield Far(
                name,
                {
                    "database": f"ducklake:postgres:dbname=lake host={THERE} port={port}"
                    f" user={user} {IMPATIENT}",
                    "data_path": str(tmp_path / "files"),
                    "database_password_variable": PASSWORD,
                },
            )
            catalogue.terminate()


@needs_lake
@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_network_that_drops_everything(far: Far, tmp_path: Path, moment: str) -> None:
    """A run whose packets vanish ends by itself and says so; the old rows stay, the next is right.

    By themselves libpq and Linux try for a quarter of an hour, and wait for two for an answer.
    """
    with watched(at := At("no statement", lambda: None)):
        warehouse = Warehouse(tmp_path / "none", more=far.more)
        warehouse.publish({"a": [person("1")]})
        reading = warehouse.begin()
        at.text, at.strike = MOMENTS[moment], far.breaks
        said = r"could not be written.* unless PostgreSQL was lost in the midst of .*be reached"
        with pytest.raises(DatabaseError, match=said):
            warehouse.publish({"a": [person("2")]}, reading=reading)
        assert at.reached
        far.mends()
        assert _addresses(warehouse) == ["1"]
        warehouse.publish({"a": [person("3")]})
        assert _addresses(warehouse) == ["3"]


def _addresses(warehouse: Warehouse) -> list[str]:
    with warehouse.database.connect(read_only=True) as connection:
        found = connection.execute(f"select EmailAddress from {SCHEMA}.active_subscribers")
        return [address for (address,) in found.fetchall()]
