"""The project of `dg` in which a configuration is."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from campaign_monitor_assets.orchestration import CONFIG_VARIABLE

_PROJECT: Final = {"dg.toml": ("project",), "pyproject.toml": ("tool", "dg", "project")}
"""Where a project of `dg` says what it is called."""


@dataclass(frozen=True)
class Project:
    """A project of `dg`.

    Attributes:
        folder: Where its `pyproject.toml` is.
        settings: What is said of it there.
    """

    folder: Path
    settings: Mapping[str, Any]


def project() -> Project | None:
    """The project of the configuration that the environment names; None: it is in none."""
    config = os.environ.get(CONFIG_VARIABLE)
    for folder in Path(config).absolute().parents if config else ():
        if settings := _settings(folder):
            return Project(folder, settings)
    return None


def _settings(folder: Path) -> dict[str, Any]:
    for name, keys in _PROJECT.items():
        try:
            found = tomllib.loads((folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        for key in keys:
            found = found.get(key, {})
        if found:
            return found
    return {}
