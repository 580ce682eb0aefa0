"""The definitions of the demo's two accounts, which every machine has installed."""

import warnings
from importlib import import_module
from pathlib import Path

import dagster as dg

with warnings.catch_warnings():
    # As `dg.load_from_defs_folder` does, which needs a pyproject.toml above the folder.
    for category in (dg.BetaWarning, dg.PreviewWarning):
        warnings.simplefilter("ignore", category)
    defs = dg.ComponentTree.from_module(
        import_module("campaign_monitor_assets.cli.cluster.defs"), Path(__file__).parents[3]
    ).build_defs()
