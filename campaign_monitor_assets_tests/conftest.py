"""A sandbox for each worker, put back before each test, and a project that reads it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.project import TODAY, Project

pytest_plugins = ["campaign_monitor_assets_tests.browser"]

# A change must not fail by an example that it has nothing to do with. Others are looked for by
# HYPOTHESIS_PROFILE=others. How long an example takes is the machine's affair.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.register_profile("others", print_blob=True, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

# These kill, starve, fork and stop processes as only POSIX can.
collect_ignore = (
    [
        "benchmarks",
        "cli/test_dev.py",
        "cli/test_stops.py",
        "orchestration/test_browser.py",
        "orchestration/test_lost_runs.py",
        "orchestration/test_production.py",
        "orchestration/test_sync_methods.py",
        "warehouse/test_crash.py",
        "warehouse/test_crash_steps.py",
        "warehouse/test_instance.py",
        "warehouse/test_privacy.py",
        "warehouse/test_removal.py",
        "warehouse/test_rewrite.py",
    ]
    if os.name == "nt"
    else []
)

_MEMORY = Path("/dev/shm")
_ROOM = 6 << 30


def pytest_configure() -> None:
    # A third of the time goes to waiting for a disk that tests don't need: none cuts the power.
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if reason := warehouses.missing():
        for item in items:
            item.add_marker(pytest.mark.skip(reason=f"WAREHOUSE={warehouses.KIND}: {reason}"))


@pytest.fixture(scope="session", autouse=True)
def _no_telemetry() -> None:
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"


@pytest.fixture(scope="module", autouse=True)
def _on_this_kind_of_warehouse(request: pytest.FixtureRequest) -> Iterator[None]:
    # On a file the whole suite runs, and lakes have tests of their own there.
    if warehouses.KIND == "file":
        yield
        return
    with warehouses.only_this_kind() as found:
        yield
    if not request.config.option.keyword:
        assert found, f"{request.path.name} opens no warehouse: WAREHOUSE={warehouses.KIND} is idle"


@pytest.fixture(autouse=True)
def _own_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tokens that one test renewed would be another's.
    monkeypatch.setenv("CAMPAIGN_MONITOR_TOKEN_FILE", str(tmp_path / "tokens" / "tokens.json"))


@pytest.fixture(scope="session")
def running() -> Iterator[Sandbox]:
    """One sandbox of default size, on one day for ever, for all tests of a worker; see `box`."""
    with sandbox.start("--today", TODAY) as started:
        yield started


@pytest.fixture
def box(running: Sandbox) -> Iterator[Sandbox]:
    """The sandbox as it was at the start: no faults, an empty log, the whole account."""
    running.reset()
    yield running
    running.reset()


@pytest.fixture
def project(box: Sandbox, tmp_path: Path) -> Project:
    """A project with no DuckDB file yet."""
    return Project(box, tmp_path / "account.duckdb")


@pytest.fixture(scope="session")
def _synced(running: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Project:
    running.reset()
    synced = Project(running, tmp_path_factory.mktemp("synced") / "account.duckdb")
    assert synced.materialize("clients", "lists", "campaigns", "segments", "journeys").success
    return synced


@pytest.fixture
def with_parents(_synced: Project, box: Sandbox, tmp_path: Path) -> Project:
    """A project that holds clients, lists, campaigns, segments and journeys already."""
    assert box is _synced.box
    return _synced.copy_to(tmp_path / "account.duckdb")
