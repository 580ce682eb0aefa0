"""Dagster's home of a command: where the history of runs and the schedules' switches are."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.paths import absolute

_VARIABLE: Final = "DAGSTER_HOME"
DEFAULT: Final = Path(".dagster")
_DEMO: Final = Path("data/demo_home")
SET_IT: Final = f"Set {_VARIABLE} to a folder that you may write to."

SETTINGS: Final = Path(__file__).with_name("dagster.yaml")
"""The settings of a Dagster instance that come with this package."""


def use_home(warn: Callable[[str], None]) -> Path:
    """Uses the home that DAGSTER_HOME names; without it `.dagster` in the working folder.

    Only the default home is made where it is missing: one that is named and missing is likely to
    be misspelt, and a new one would have an empty history.

    Args:
        warn: Told that the home has no `dagster.yaml`.

    Returns:
        The home, whose absolute path DAGSTER_HOME now holds.

    Raises:
        ConfigurationError: It is missing or can't be written.
    """
    named = os.environ.get(_VARIABLE)
    if not named:
        return _use_own(DEFAULT, SET_IT)
    home = absolute(named, _VARIABLE)
    _require_folder(home)
    _use(home, SET_IT)
    if not (home / SETTINGS.name).exists():
        warn(without_settings(home))
    return home


def without_settings(home: Path) -> str:
    """What it means that a home has no `dagster.yaml`."""
    return (
        f"{_VARIABLE} names {home}, where there is no {SETTINGS.name}: Dagster's defaults let two"
        " runs read one account at once, and leave a run whose process is gone as started. Copy the"
        f" one that comes with this package: cp {SETTINGS} {home}"
    )


def use_demo_home() -> Path:
    """Uses the demo's own home, so that no real account shows the demo's history.

    Returns:
        The home, whose absolute path DAGSTER_HOME now holds.

    Raises:
        ConfigurationError: It can't be made or written.
    """
    return _use_own(_DEMO, "Call the demo in a folder that you may write to.")


def _use_own(folder: Path, advice: str) -> Path:
    home = folder.absolute()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (home / SETTINGS.name).exists():
            shutil.copyfile(SETTINGS, home / SETTINGS.name)
    except OSError as error:
        raise _not_writable(home, error, advice) from None
    return _use(home, advice)


def _use(home: Path, advice: str) -> Path:
    try:
        with tempfile.TemporaryFile(dir=home):
            os.environ[_VARIABLE] = str(home)
    except OSError as error:
        raise _not_writable(home, error, advice) from None
    return home


def _require_folder(home: Path) -> None:
    try:
        if home.is_dir():
            return
        todo = "Name a folder" if home.exists() else f"Make it (mkdir -p {home})"
    except OSError as error:
        raise _not_writable(home, error, SET_IT) from None
    raise ConfigurationError(
        f"{_VARIABLE} names {home}, which is no folder. {todo}, or unset {_VARIABLE} to use"
        f" {DEFAULT} in the working folder."
    )


def _not_writable(home: Path, error: OSError, advice: str) -> ConfigurationError:
    return ConfigurationError(
        f"Dagster keeps its history in {home}, which can't be written: {error.strerror}. {advice}"
    )
