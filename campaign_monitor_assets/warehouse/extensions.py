"""DuckDB's extensions: from the wheels of the extra `lake`, or as DuckDB installs them itself."""

import importlib.util
from pathlib import Path

import duckdb

from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.warehouse.quoting import identifier, literal


def load_extension(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Loads an extension into an instance.

    Args:
        connection: A connection to it.
        name: The extension.

    Raises:
        DatabaseError: There is no wheel for this version of DuckDB, and DuckDB can't get it.
    """
    wheel = _in_wheel(name)
    try:
        if wheel is not None:
            connection.execute(f"load {literal(str(wheel))}")
        else:
            connection.execute(f"install {identifier(name)}")
            connection.execute(f"load {identifier(name)}")
    except duckdb.Error as error:
        said = str(error).partition("\n")[0]
        raise DatabaseError(
            f"DuckDB {duckdb.__version__} has no extension {name}, which a DuckLake needs: {said}",
            "install the extra `lake` (pip install 'campaign_monitor_assets[lake]'), which holds"
            f" it for DuckDB {_version_of_wheel(name) or 'of the same version'}, or let DuckDB"
            " reach the place that it installs extensions from.",
        ) from None


def _in_wheel(name: str) -> Path | None:
    """The extension in its wheel, if that is there and made for this version of DuckDB."""
    folder = _folder(name)
    file = folder / f"v{duckdb.__version__}" / f"{name}.duckdb_extension" if folder else None
    return file if file and file.is_file() else None


def _version_of_wheel(name: str) -> str | None:
    folder = _folder(name)
    versions = sorted(each.name for each in folder.glob("v*")) if folder else []
    return versions[-1].removeprefix("v") if versions else None


def _folder(name: str) -> Path | None:
    found = importlib.util.find_spec(f"duckdb_extension_{name}")
    places = found.submodule_search_locations if found else None
    return Path(places[0]) / "extensions" if places else None
