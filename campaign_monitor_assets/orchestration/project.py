"""This package as a Dagster project of its own: what its `defs` folder configures.

It is found where the package is installed, so that it needs no clone. A user's own project has a
folder of its own and doesn't need this one.
"""

import warnings
from importlib import import_module
from pathlib import Path

import dagster as dg

from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent

_FOLDER = "campaign_monitor"


def load_component() -> CampaignMonitorComponent:
    """The account that the folder configures."""
    return _tree().load_component(_FOLDER, CampaignMonitorComponent)


def load_definitions() -> dg.Definitions:
    """All that the folder configures."""
    with warnings.catch_warnings():
        # As `dg.load_from_defs_folder` does, which needs a pyproject.toml above the folder.
        for category in (dg.BetaWarning, dg.PreviewWarning):
            warnings.simplefilter("ignore", category)
        return _tree().build_defs()


def _tree() -> dg.ComponentTree:
    folder = import_module("campaign_monitor_assets.defs")
    return dg.ComponentTree.from_module(folder, Path(__file__).parents[2])
