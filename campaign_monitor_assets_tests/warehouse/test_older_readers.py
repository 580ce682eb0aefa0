"""A file that is made now, read by the DuckDB versions that BI tools still embed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from campaign_monitor_assets.analytics import VIEWS
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.project import Project, failures, key

READING = """
import duckdb, json, sys
found = {"version": duckdb.__version__}
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    for name in json.loads(sys.argv[2]):
        found[name] = connection.execute(f"select count(*) from {name}").fetchone()[0]
    for kind, names in (
        ("tables", "table_name"), ("views", "view_name"), ("columns", "table_name, column_name")
    ):
        found[kind] = connection.execute(
            f"select schema_name, {names}, comment from duckdb_{kind}()"
            " where not internal and schema_name like 'campaign_monitor%' order by all"
        ).fetchall()
print(json.dumps(found))
"""
"""Counts the rows of relations, and lists what is said of tables, views and columns."""


def read(path: Path, relations: list[str], version: Path | None = None) -> dict[str, Any]:
    """What a DuckDB of its own process finds in the file."""
    environment = {**os.environ, "PYTHONPATH": str(version or "")}
    command = [sys.executable, "-c", READING, str(path), json.dumps(relations)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def made(running: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Every table and every view of the account, in a file of the defaults."""
    running.reset()
    project = Project(running, tmp_path_factory.mktemp("older") / "account.duckdb")
    result = (
        project.definitions()
        .resolve_implicit_global_asset_job_def()
        .execute_in_process(
            asset_selection=[
                *map(key, CATALOGUE),
                *(dg.AssetKey(["campaign_monitor_analytics", name]) for name in VIEWS),
            ],
            raise_on_error=False,
        )
    )
    running.reset()
    assert result.success, failures(result)
    return project


def relations(project: Project, kind: str) -> list[str]:
    """The names of all tables or of all views, those of single lists too."""
    found = project.query(
        "select table_schema || '.\"' || table_name || '\"' from information_schema.tables"
        " where table_schema like 'campaign_monitor%' and table_type = ? order by all",
        kind,
    )
    return [name for (name,) in found]


@pytest.mark.slow
@pytest.mark.parametrize(("version", "views"), [("1.0.0", False), ("1.1.3", True), ("1.4.4", True)])
def test_an_older_duckdb_reads_the_file(
    made: Project, tmp_path: Path, version: str, *, views: bool
) -> None:
    """DuckDB from 1.1 on finds every row and comment of tables and views; 1.0 runs no views."""
    installed = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--target", str(tmp_path / "older"), f"duckdb=={version}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if installed.returncode:
        pytest.skip(f"pip can't install duckdb {version} here: {installed.stderr[-300:]}")
    wanted = relations(made, "BASE TABLE")
    assert len(wanted) > len(CATALOGUE)
    if views:
        of_lists = relations(made, "VIEW")
        assert len(of_lists) > len(VIEWS)
        wanted += of_lists
    older, newer = read(made.path, wanted, tmp_path / "older"), read(made.path, wanted)
    assert (older.pop("version"), newer.pop("version")) == (version, duckdb.__version__)
    assert older == newer
