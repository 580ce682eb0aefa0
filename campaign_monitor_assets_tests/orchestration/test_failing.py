"""What stops a run while DuckDB executes a query."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import dagster as dg
import duckdb
import pytest

from campaign_monitor_assets.cli import commands
from campaign_monitor_assets.cli.__main__ import main
from campaign_monitor_assets.orchestration.failing import telling_dagster

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a process can't interrupt itself there")


@pytest.fixture(autouse=True)
def _handler() -> Iterator[None]:
    """The handler that a terminal's process has, whatever started the tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _query(*_: object) -> int:
    """A query that would take long, and is interrupted as it has begun."""
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        connection.execute("select sum(range % 7) from range(3_000_000_000)")
    return 0


def test_a_run_ends_with_the_query_that_is_interrupted() -> None:
    """DuckDB says that the query was interrupted, and nothing more of the run is executed."""
    executed = []

    @dg.op(out=dg.Out(dg.Nothing))
    def first() -> None:
        with telling_dagster("lists"):
            _query()

    @dg.op
    def other() -> None:
        executed.append("other")

    @dg.job
    def both() -> None:
        first.alias("a_first")()
        other.alias("b_other")()

    with dg.DagsterInstance.ephemeral() as instance:
        result = both.execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    assert not executed


def _wait(*_: object) -> int:
    """Something else that takes long, and is interrupted."""
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    time.sleep(30)
    return 0


@pytest.mark.parametrize("work", [_query, _wait])
def test_a_command_that_is_interrupted(
    work: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says so in a word, without a stack trace, whether DuckDB was at work or not."""
    monkeypatch.setattr(commands, "_component_with_data", work)
    assert main(["compact"]) == 130
    assert capsys.readouterr().out.endswith("Stopped.\n")
