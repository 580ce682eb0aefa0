"""Tests of DuckLake, which are skipped where its wheels don't fit the DuckDB installed."""

from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest

EXTENSIONS = ("ducklake", "postgres_scanner", "httpfs")
"""The extensions that the extra `lake` brings."""


def wheel_of(extension: str) -> Path | None:
    """The file of an extension as its wheel brings it, for the DuckDB that is installed."""
    spec = find_spec(f"duckdb_extension_{extension}")
    if spec is None or spec.origin is None:
        return None
    file = f"v{duckdb.__version__}/{extension}.duckdb_extension"
    found = Path(spec.origin).parent / "extensions" / file
    return found if found.is_file() else None


MISSING = [name for name in EXTENSIONS if wheel_of(name) is None]

REASON = (
    f"DuckLake needs the extra `lake`; it has no {' and no '.join(MISSING)} for DuckDB"
    f" {duckdb.__version__}"
)
"""Why they can't run, where there are some missing."""

needs_lake = pytest.mark.skipif(bool(MISSING), reason=REASON)
"""For a test, a class, or a module (`pytestmark = needs_lake`)."""
