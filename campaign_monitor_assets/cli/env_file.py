"""A project's file `.env`, which `dg dev` reads, and a command as well."""

import os
from importlib import import_module
from pathlib import Path
from typing import Final

from campaign_monitor_assets.cli.projects import project
from campaign_monitor_assets.errors import ConfigurationError

_NAME: Final = ".env"


def env_file() -> Path | None:
    """That of the project in which the configuration is; None: there is none."""
    found = project()
    file = found.folder / _NAME if found else None
    return file if file and file.is_file() else None


def use_env_file() -> None:
    """Sets what it holds, if it is there; as with `dg dev` that goes before what was set already.

    Raises:
        ConfigurationError: It can't be read.
    """
    file = env_file()
    if file is None:
        return
    try:
        held = import_module("dotenv").dotenv_values(file)
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(
            f"{file}, which `dg dev` takes for variables, too, can't be read: {said}. Mend it, or"
            " call it something else."
        ) from None
    os.environ.update({name: value for name, value in held.items() if value is not None})
