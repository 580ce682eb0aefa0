"""What docs/workers.md says of `dagster.yaml` is what is shipped, and what the launchers take."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._config import process_config, resolve_to_config_type

from campaign_monitor_assets.cli.cluster.machines import SETTINGS

PAGE = (Path(__file__).parents[2] / "docs" / "workers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
_LAUNCHERS = [
    found["run_launcher"] for found in map(yaml.safe_load, BLOCKS) if "run_launcher" in found
]
LAUNCHERS: dict[str, dict[str, Any]] = {each["module"]: each for each in _LAUNCHERS}


def test_the_page_shows_the_settings_that_are_tested() -> None:
    """The settings for Celery are those that `cluster-demo` uses."""
    assert SETTINGS.read_text(encoding="utf-8") in BLOCKS


@pytest.mark.parametrize("module", LAUNCHERS)
def test_each_launcher_takes_what_the_page_says(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster accepts the configuration, and the launcher tells of the health of a run."""
    monkeypatch.setenv("DAGSTER_CELERY_URL", "redis://127.0.0.1:6379/0")
    said = LAUNCHERS[module]
    launcher = getattr(import_module(module), said["class"])
    found = process_config(resolve_to_config_type(launcher.config_type()), said["config"])
    assert found.success, found.errors
    assert launcher.supports_check_run_worker_health.fget(None)


def test_the_launchers_are_those_of_the_page() -> None:
    """Kubernetes, Docker and Celery."""
    assert set(LAUNCHERS) == {
        "campaign_monitor_assets.orchestration.celery_runs", "dagster_docker", "dagster_k8s",
    }  # fmt: skip
