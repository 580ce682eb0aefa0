"""The files of deploy/, as the tests read them."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def parsed(name: str) -> Any:
    """A YAML file of the folder."""
    return yaml.safe_load((DEPLOY / name).read_text("utf-8"))


def shipped(section: str) -> Any:
    """A section of the `dagster.yaml` that the package brings."""
    path = ROOT / "campaign_monitor_assets" / "cli" / "dagster.yaml"
    return yaml.safe_load(path.read_text("utf-8"))[section]


def variables(name: str) -> dict[str, str]:
    """The lines of a file of variables."""
    lines = (DEPLOY / name).read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
