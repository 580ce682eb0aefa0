"""Where a benchmark writes, and how that becomes what it was before."""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FILE: Final = "file"
"""The kind of a `FilePlace`."""


class Place(ABC):
    """Where a table is written, which can be what it was before."""

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """What a user says of it."""

    @abstractmethod
    def stored(self) -> tuple[int, int]:
        """Bytes, and how many files hold rows; in a lake those of earlier snapshots too."""

    @abstractmethod
    def keep(self) -> None:
        """Keeps what is there now, for `back`."""

    @abstractmethod
    def back(self) -> None:
        """Makes it what it was when it was kept; empty, where it never was."""

    @abstractmethod
    def remove(self) -> None:
        """Gives back the room that it takes."""


@dataclass
class FilePlace(Place):
    """A DuckDB file."""

    path: Path

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"database": str(self.path)}

    def stored(self) -> tuple[int, int]:
        return self.path.stat().st_size, 1

    def keep(self) -> None:
        shutil.copyfile(self.path, self._kept)

    def back(self) -> None:
        self.path.unlink(missing_ok=True)
        if self._kept.exists():
            shutil.copyfile(self._kept, self.path)

    def remove(self) -> None:
        self._kept.unlink(missing_ok=True)
        self.back()

    @property
    def _kept(self) -> Path:
        return Path(f"{self.path}.kept")
