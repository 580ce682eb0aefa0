"""The DuckDB file: its name, how it is opened and waited for, and what its settings do."""

import dataclasses

import duckdb
import pytest

from campaign_monitor_assets.warehouse.quoting import literal
from campaign_monitor_assets_tests.project import Project, failures

NAMES = [
    "campaign_monitor",
    "Campaign_Monitor",
    "main",
    "memory",
    "temp",
    "system",
    "the file",
    "o'brien",
    'say "hi"',
    "Kunden & Gäste",
    "1.2",
    "lists",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_any_name(with_parents: Project, name: str) -> None:
    """A file may be called like a schema, a table or something of DuckDB's own."""
    path = with_parents.path.with_name(f"{name}.duckdb")
    with_parents.path.rename(path)
    project = dataclasses.replace(with_parents, path=path)
    result = project.materialize("lists")
    assert result.success, failures(result)
    with duckdb.connect() as connection:
        connection.execute(f"attach {literal(str(path))} as account (read_only)")
        assert connection.execute("from account.campaign_monitor.lists").fetchall()
    assert project.leftovers() == []
