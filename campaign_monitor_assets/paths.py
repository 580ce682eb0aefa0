"""Paths as people write them into settings."""

from pathlib import Path

from campaign_monitor_assets.errors import ConfigurationError


def absolute(given: str, setting: str) -> Path:
    """The absolute path of what a setting holds; `~` is the home of whoever runs this.

    Args:
        given: The path.
        setting: What holds it, for the error: an attribute or a variable.

    Raises:
        ConfigurationError: It begins with `~`, and there is no home.
    """
    try:
        return Path(given).expanduser().absolute()
    except RuntimeError:
        raise ConfigurationError(
            f"{setting}: {given!r} begins with ~, but there is no such home folder on this machine."
            " Set HOME, or name the path in full."
        ) from None
