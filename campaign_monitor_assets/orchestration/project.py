"""This package as a Dagster project of its own: what its `defs` folder configures.

It is found where the package is installed, so that it needs no clone. A user's own project has a
folder of its own and doesn't need this one.
"""

import os
import warnings
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

import dagster as dg

from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.orchestration import CONFIG_VARIABLE
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets.paths import absolute

_FOLDER: Final = "campaign_monitor"
_FILE: Final = "defs.yaml"


def load_component() -> CampaignMonitorComponent:
    """The account that the folder configures, or the file that CAMPAIGN_MONITOR_CONFIG names.

    Raises:
        ConfigurationError: There is no such file, or it configures something else.
    """
    tree, folder = _tree()
    component = tree.load_component(folder)
    if not isinstance(component, CampaignMonitorComponent):
        raise ConfigurationError(
            f"{folder / _FILE} configures a {type(component).__name__}, where one"
            f" {CampaignMonitorComponent.__name__} is expected. For several accounts, give each a"
            f" folder with a {_FILE} of its own."
        )
    return component


def load_definitions() -> dg.Definitions:
    """All that the folder configures."""
    with warnings.catch_warnings():
        # As `dg.load_from_defs_folder` does, which needs a pyproject.toml above the folder.
        for category in (dg.BetaWarning, dg.PreviewWarning):
            warnings.simplefilter("ignore", category)
        return _tree()[0].build_defs()


def _tree() -> tuple[dg.ComponentTree, Path]:
    """The components, and the folder of the account's."""
    named = os.environ.get(CONFIG_VARIABLE)
    if not named:
        package = import_module("campaign_monitor_assets.defs")
        root = Path(__file__).parents[1]
        _require_written(root / "defs" / _FOLDER / _FILE)
        return dg.ComponentTree.from_module(package, root.parent), root / "defs" / _FOLDER
    file = _checked(absolute(named, CONFIG_VARIABLE))
    # Dagster's trees are of modules; this one stands for the folder, and nothing imports it.
    module = ModuleType("campaign_monitor_config")
    module.__file__ = str(file)
    return dg.ComponentTree.from_module(module, file.parent), file.parent


def _checked(file: Path) -> Path:
    if not file.is_file():
        raise ConfigurationError(
            f"There is no file {file}, which {CONFIG_VARIABLE} (--config) names. Allowed: the path"
            f" of a {_FILE}."
        )
    if file.name != _FILE:
        raise ConfigurationError(
            f"{file} can't be the configuration, since Dagster's are called {_FILE}. Rename it, in"
            " a folder of its own if there are several."
        )
    _require_written(file)
    return file


def _require_written(file: Path) -> None:
    # Dagster's own word for it names neither the file nor what is missing.
    lines = file.read_text(encoding="utf-8").splitlines()
    if all(line.strip() in {"", "---"} or line.lstrip().startswith("#") for line in lines):
        raise ConfigurationError(
            f"{file}:1: the file is empty. Allowed: `type: campaign_monitor_assets."
            "CampaignMonitorComponent`, and below it `attributes:`, if others are wanted than the"
            " default ones."
        )
