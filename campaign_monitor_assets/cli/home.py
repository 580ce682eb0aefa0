"""Dagster's home of a command: where the history of runs and the schedules' switches are."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from campaign_monitor_assets.errors import ConfigurationError

_VARIABLE: Final = "DAGSTER_HOME"
_DEFAULT: Final = Path(".dagster")
_DEMO: Final = Path("data/demo_home")
_SETTINGS: Final = Path(__file__).with_name("dagster.yaml")


def use_home() -> Path:
    """Uses the home that DAGSTER_HOME names; without it `.dagster` in the working folder.

    Only the default home is made where it is missing: one that is named and missing is likely to
    be misspelt, and a new one would have an empty history.

    Returns:
        The home, whose absolute path DAGSTER_HOME now holds.

    Raises:
        ConfigurationError: It is missing or can't be written.
    """
    named = os.environ.get(_VARIABLE)
    if not named:
        return _use_own(_DEFAULT)
    home = Path(named).expanduser().absolute()
    if not home.is_dir():
        raise ConfigurationError(
            f"{_VARIABLE} names {home}, which is no folder. Make it (mkdir -p {home}), or unset"
            f" {_VARIABLE} to use {_DEFAULT} in the working folder."
        )
    return _use(home)


def use_demo_home() -> Path:
    """Uses the demo's own home, so that no real account shows the demo's history.

    Returns:
        The home, whose absolute path DAGSTER_HOME now holds.

    Raises:
        ConfigurationError: It can't be made or written.
    """
    return _use_own(_DEMO)


def _use_own(folder: Path) -> Path:
    home = folder.absolute()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (home / _SETTINGS.name).exists():
            shutil.copyfile(_SETTINGS, home / _SETTINGS.name)
    except OSError as error:
        raise _not_writable(home, error) from None
    return _use(home)


def _use(home: Path) -> Path:
    try:
        with tempfile.TemporaryFile(dir=home):
            os.environ[_VARIABLE] = str(home)
    except OSError as error:
        raise _not_writable(home, error) from None
    return home


def _not_writable(home: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"Dagster keeps its history in {home}, which can't be written: {error.strerror}. Set"
        f" {_VARIABLE} to a folder that you may write to."
    )
