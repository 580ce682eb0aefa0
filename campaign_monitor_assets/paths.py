"""Paths as people write them into settings."""

import os
import platform
import re
from pathlib import Path
from typing import Final

from campaign_monitor_assets.errors import ConfigurationError

_OF_WINDOWS: Final = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def absolute(given: str, setting: str) -> Path:
    """The absolute path of what a setting holds; `~` is the home of whoever runs this.

    Args:
        given: The path.
        setting: What holds it, for the error: an attribute or a variable.

    Raises:
        ConfigurationError: It begins with `~`, and there is no home; or it is a path of Windows,
            and this machine has another system.
    """
    if os.name != "nt" and _OF_WINDOWS.match(given):
        raise ConfigurationError(
            f"{setting}: {given!r} is a path of Windows, and this machine runs {platform.system()}."
            " Allowed: a path of this machine, such as data/account.duckdb or ~/account.duckdb."
        )
    try:
        return Path(given).expanduser().absolute()
    except RuntimeError:
        raise ConfigurationError(
            f"{setting}: {given!r} begins with ~, but there is no such home folder on this machine."
            " Set HOME, or name the path in full."
        ) from None
