"""What the extra `lake` brings fits the DuckDB that is installed with it."""

from pathlib import Path

import duckdb
import pytest

from campaign_monitor_assets_tests.lake import EXTENSIONS, needs_lake, wheel_of

ROOT = Path(__file__).parents[2]


@needs_lake
@pytest.mark.parametrize("extension", EXTENSIONS)
def test_an_extension_loads_from_its_wheel(extension: str) -> None:
    """DuckDB loads each extension by its path, signed as it is, without a network."""
    with duckdb.connect() as connection:
        connection.execute(f"load '{wheel_of(extension)}'")
        [loaded] = connection.execute(
            "select loaded from duckdb_extensions() where extension_name = ?", [extension]
        ).fetchall()
    assert loaded == (True,)


def test_the_pinned_duckdb_has_wheels() -> None:
    """The constraints name one version for DuckDB and all its extensions, so none is left out."""
    pinned = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if line.startswith("duckdb")
    )
    wheels = {f"duckdb_extension_{name}" for name in EXTENSIONS}
    assert pinned.keys() == {"duckdb", *wheels}
    assert len(set(pinned.values())) == 1
