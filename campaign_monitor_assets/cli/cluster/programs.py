"""Programs of the system's packages, found where those put them."""

import importlib.util
import shutil
from pathlib import Path
from typing import Final

from campaign_monitor_assets.errors import ConfigurationError

POSTGRES: Final = ("initdb", "postgres")
REDIS: Final = ("redis-server",)
MODULES: Final = (
    "celery",
    "dagster_celery",
    "dagster_postgres",
    "dagster_webserver",
    "flask",
    "moto",
    "psycopg2",
    "redis",
)
"""What the demo imports or starts and this package does not need otherwise."""
_INSTALL: Final = (
    "Install PostgreSQL and Redis (Debian, Ubuntu: apt-get install postgresql redis-server; Fedora:"
    " dnf install postgresql-server redis; macOS: brew install postgresql redis)."
)


def found(name: str) -> Path | None:
    """A program on the PATH, or the newest where Debian keeps PostgreSQL's; None: there is none."""
    if path := shutil.which(name):
        return Path(path)
    debian = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    return max(debian, key=lambda path: float(path.parts[-3]), default=None)


def program(name: str) -> Path:
    """A program.

    Raises:
        ConfigurationError: It is not installed.
    """
    if path := found(name):
        return path
    raise ConfigurationError(
        f"There is no program {name} on the PATH, nor below /usr/lib/postgresql. {_INSTALL}"
    )


def require_all() -> None:
    """Looks for all that the demo needs before it starts any of it.

    Raises:
        ConfigurationError: Something is not installed.
    """
    for name in (*POSTGRES, *REDIS):
        program(name)
    missing = [name for name in MODULES if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"Not installed here: {', '.join(missing)}. Install what the demo needs with"
            " `pip install 'campaign_monitor_assets[cluster-demo]'`."
        )
