"""Dagster's history in SQLite while a command writes it."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from campaign_monitor_assets.cli.history import quick_history


def _engine(path: Path) -> Engine:
    """Opens and closes the file each time, as Dagster does."""
    return create_engine(f"sqlite:///{path}", poolclass=NullPool)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.db"
    with _engine(path).connect() as connection:
        connection.execute(text("pragma journal_mode = wal"))
        connection.execute(text("create table happened (what text)"))
        connection.commit()
    return path


def _note(path: Path, what: str) -> int:
    """Notes an event; whether the commit waited for the disk (2) or not (1)."""
    with _engine(path).connect() as connection:
        connection.execute(text("insert into happened values (:what)"), {"what": what})
        connection.commit()
        return int(connection.execute(text("pragma synchronous")).scalar_one())


def test_a_command_does_not_wait_for_the_disk_at_each_event(history: Path) -> None:
    """Between events the write-ahead log stays; at the end all is in the file, as ever."""
    log = history.with_name("history.db-wal")
    with quick_history():
        assert [_note(history, what) for what in ("begun", "read")] == [1, 1]
        assert log.exists()
    assert not log.exists()
    assert _note(history, "done") == 2, "what comes after is as before"
    with _engine(history).connect() as connection:
        found = connection.execute(text("select what from happened")).scalars().all()
    assert found == ["begun", "read", "done"]


def test_a_history_in_memory_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no file to be kept open, and none is made for it."""
    monkeypatch.chdir(tmp_path)
    with quick_history(), create_engine("sqlite://").connect() as connection:
        assert connection.execute(text("select 1")).scalar_one() == 1
    assert not list(tmp_path.iterdir())
