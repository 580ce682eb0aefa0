"""An account on one HTML page: no Dagster, no network and no addresses, for whoever sends e-mail.

`summaries` sums up the account, each module of `sections` asks for its figures and draws them,
`page` puts them together, and `page.html`, `page.css` and `page.js` give the page its looks.
"""

import contextlib
import os
import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import jinja2
from markupsafe import Markup

from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.report.model import written
from campaign_monitor_assets.warehouse.private import private_files
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.target import Database

__all__ = ["write_report"]

_HERE = Path(__file__).parent


def write_report(
    warehouse: WarehouseSettings | Path,
    schema: str,
    target: Path,
    warn: Callable[[str], None] = lambda _: None,
) -> Path:
    """Writes the report of an account, whose DuckDB file or DuckLake is only read.

    Args:
        warehouse: Where the account is, or the path of its DuckDB file.
        schema: The schema that the account's tables are in.
        target: Where the page goes; its folder is made where missing.
        warn: Told what is waited for.

    Returns:
        Where the page is.

    Raises:
        ConfigurationError: Plotly is not installed, or the target can't be written.
        DatabaseError: The file can't be read, or the schema holds no table of an account.
    """
    try:
        plotly_js: str = import_module("plotly.offline").get_plotlyjs()
    except ImportError as error:
        raise ConfigurationError(
            f"The report needs a package that is not installed: {error}."
            " Install it with `pip install 'campaign_monitor_assets[report]'`."
        ) from error
    from campaign_monitor_assets.report.page import compose  # noqa: PLC0415 (it needs Plotly)

    settings = (
        WarehouseSettings(database=str(warehouse)) if isinstance(warehouse, Path) else warehouse
    )
    with Database.of(settings).connect(read_only=True, warn=warn) as connection:
        page = compose(connection, schema)
    environment = jinja2.Environment(autoescape=True, trim_blocks=True)
    environment.filters["written"] = written
    # Our own files and Plotly's are all that is trusted to be HTML.
    sources = {"plotly": plotly_js} | {
        name: (_HERE / f"page.{name}").read_text(encoding="utf-8") for name in ("css", "js")
    }
    template = environment.from_string((_HERE / "page.html").read_text(encoding="utf-8"))
    trusted = {name: Markup(source) for name, source in sources.items()}  # noqa: S704
    return _write(target, template.render(page=page, **trusted))


@private_files()
def _write(target: Path, html: str) -> Path:
    """Puts the page in the last one's place in one step, private like the DuckDB file.

    Where others may read the last one, they may read this one, too.
    """
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(html, encoding="utf-8")
        if target.exists():
            shutil.copymode(target, fresh)
        fresh.replace(target)
    except OSError as error:
        raise ConfigurationError(
            f"The report can't be written to {target}: {error.strerror}. Name a file in a folder"
            " that you may write to."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
    return target
