"""A copy for readers, who neither wait for a sync nor keep one waiting."""

import os
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from campaign_monitor_assets_tests.project import Project, failures


def count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    [(rows,)] = connection.sql(f"select count(*) from campaign_monitor.{table}").fetchall()
    return int(rows)


def test_a_reader_keeps_nobody_waiting(project: Project, tmp_path: Path) -> None:
    """A run replaces the copy while somebody reads it, who goes on with what was there."""
    copy = tmp_path / "copies" / "readers.duckdb"
    project = replace(project, store={"publish_copy": str(copy), "lock_timeout": 0.2})
    assert project.materialize("clients").success
    with duckdb.connect(str(copy), read_only=True) as before:
        rows = count(before, "clients")
        result = project.materialize("clients", "lists")
        assert result.success, failures(result)
        assert count(before, "clients") == rows
        with pytest.raises(duckdb.CatalogException):
            count(before, "lists")
    with duckdb.connect(str(copy), read_only=True) as after:
        assert count(after, "lists") == project.count("lists")
    assert [each.name for each in copy.parent.iterdir()] == [copy.name]
    if os.name == "posix":
        assert copy.stat().st_mode & 0o777 == 0o600


def test_no_copy_where_nothing_was_written(project: Project, tmp_path: Path) -> None:
    """A run that fails before it writes leaves the copy as it is."""
    copy = tmp_path / "readers.duckdb"
    project = replace(project, store={"publish_copy": str(copy)})
    project.box.faults([{"what": "500", "path": "/clients", "times": None}])
    assert not project.materialize("clients", max_attempts=1).success
    assert not copy.exists()


def test_a_copy_that_cannot_be_written(
    project: Project, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The tables arrive all the same, and what is wrong with the copy is said."""
    (tmp_path / "file").write_text("")
    project = replace(project, store={"publish_copy": str(tmp_path / "file" / "copy.duckdb")})
    assert project.materialize("clients").success
    assert "(publish_copy) can't be written" in capfd.readouterr().err
    assert project.count("clients")
