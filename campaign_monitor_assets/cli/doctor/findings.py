"""What an examination finds: each thing with its state, and what to do where it is wrong."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from campaign_monitor_assets.errors import CampaignMonitorError


class State(StrEnum):
    """How a thing is, and the sign that is printed before it."""

    RIGHT = "✓"
    NOTE = "·"
    """It is as it is: nothing is right or wrong with it."""

    WARNING = "!"
    """It works, but may go wrong."""

    FAULT = "✗"
    """A run fails by it."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        state: How it is.
        text: What was found.
        todo: What to do, where the text doesn't say it.
    """

    state: State
    text: str
    todo: str = ""


def right(text: str) -> Finding:
    """It is as it should be."""
    return Finding(State.RIGHT, text)


def note(text: str) -> Finding:
    """It is worth knowing."""
    return Finding(State.NOTE, text)


def warning(text: str, todo: str = "") -> Finding:
    """It may go wrong."""
    return Finding(State.WARNING, text, todo)


def fault(text: str, todo: str = "") -> Finding:
    """A run fails by it."""
    return Finding(State.FAULT, text, todo)


@contextmanager
def errors_as_faults(found: list[Finding]) -> Iterator[None]:
    """Takes an error of this package, whose text says what to do, for a finding."""
    try:
        yield
    except CampaignMonitorError as error:
        found.append(fault(str(error)))


def folder(path: Path, holds: str, todo: str) -> Finding:
    """Whether files can be made in a folder, or in the one that it will be made in.

    Args:
        path: The folder.
        holds: What it is for.
        todo: What to do where none can.
    """
    there = nearest(path)
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        return fault(f"{path} ({holds}) can't be written: {error.strerror}.", todo)
    will = "" if there == path else "; it will be made"
    return right(f"{path} ({holds}) can be written{will}")


def nearest(path: Path) -> Path:
    """The path, or what is there of the folders above it."""
    return next(each for each in (path, *path.parents) if os.path.lexists(each))
