"""Paths as people write them into settings."""

import os
from pathlib import Path

import pytest

from campaign_monitor_assets.api.tokens import default_token_file
from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.paths import absolute
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.target import Database

NOBODY = "~nobody_of_that_name/x"


def test_a_path_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts from the working folder, and ~ is the user's home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/somewhere")
    monkeypatch.setenv("USERPROFILE", "/somewhere")
    assert absolute("data/a.duckdb", "database") == tmp_path / "data" / "a.duckdb"
    assert absolute("~/a.duckdb", "database") == Path("/somewhere/a.duckdb").absolute()


@pytest.mark.skipif(os.name == "nt", reason="there it is a path like any other")
@pytest.mark.parametrize("given", [r"C:\Users\anna\a.duckdb", "d:/a.duckdb", r"\\server\a.duckdb"])
def test_a_path_of_windows_is_told(given: str) -> None:
    """It would become a file of that name in the working folder."""
    with pytest.raises(ConfigurationError, match=r"^database: .*is a path of Windows.*Allowed: "):
        Database.of(WarehouseSettings(database=given))


def test_a_home_that_is_not_there_is_told_with_the_setting() -> None:
    """What holds the path is named, and what to do."""
    for settings, name in (
        (WarehouseSettings(database=NOBODY), "database"),
        (WarehouseSettings(staging_directory=NOBODY), "staging_directory"),
    ):
        with pytest.raises(ConfigurationError, match=f"^{name}: .*Set HOME, or name the path"):
            Database.of(settings)


def test_the_folder_of_tokens_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither Dagster nor the user has a home, that is a sentence as well."""
    monkeypatch.setenv("DAGSTER_HOME", NOBODY)
    with pytest.raises(ConfigurationError, match="folder of OAuth tokens"):
        default_token_file()
