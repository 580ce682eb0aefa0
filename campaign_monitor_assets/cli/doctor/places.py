"""The DuckDB file and the folders around it: permissions, and room on their disks."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from campaign_monitor_assets.cli.doctor.findings import (
    Finding,
    errors_as_faults,
    fault,
    folder,
    nearest,
    right,
    warning,
)
from campaign_monitor_assets.paths import absolute
from campaign_monitor_assets.warehouse.private import mention_readable
from campaign_monitor_assets.warehouse.target import Database

if TYPE_CHECKING:
    from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent

_STAGED_BYTES: Final = 500
"""Bytes of a staged row; 120,000 subscribers with three custom fields took 309 each."""
_STORED_BYTES: Final = 150
"""Bytes of a row in DuckDB; the same subscribers took 44 each."""
_LEAST: Final = 100 << 20
"""Bytes that are asked for in any case: DuckDB's log, what it spills, Dagster's history."""


@dataclass(frozen=True)
class Places:
    """Where rows go.

    Attributes:
        database: The DuckDB file.
        staging: The folder of staged rows.
        copy: The copy for readers, if there is one.
    """

    database: Database
    staging: Path
    copy: Path | None

    @classmethod
    def of(cls, component: "CampaignMonitorComponent") -> "Places":
        """Those of an account.

        Raises:
            ConfigurationError: A path is not accepted.
        """
        settings = component.warehouse
        database = Database.of(settings)
        copy = settings.publish_copy
        return cls(
            database, database.staging_root, absolute(copy, "publish_copy") if copy else None
        )


def permissions(places: Places) -> Iterator[Finding]:
    """Whether the file and its folders can be written, and by nobody else be read."""
    database = places.database
    yield from _file(database) if database.is_file else _lake(database)
    yield folder(
        places.staging, "staged rows", "set `staging_directory`, or make the folder writable."
    )
    if places.copy is not None:
        yield folder(places.copy.parent, "publish_copy", "choose another place for the copy.")


def _file(database: Database) -> Iterator[Finding]:
    path = database.path
    if path.exists():
        found = list[Finding]()
        # It is mentioned once in a process, and opening the file would do so.
        mention_readable(path, lambda text: found.append(warning(text)))
        with errors_as_faults(found):
            database.require_writable()
            found.append(right(f"{path} (the DuckDB file) can be written"))
        yield from found
    else:
        yield right(f"{path} (the DuckDB file) is not there yet; the first run makes it")
    yield folder(path.parent, "its folder", "choose another `database`, or make it writable.")


def _lake(database: Database) -> Iterator[Finding]:
    found = list[Finding]()
    with errors_as_faults(found):
        if database.exists():
            database.require_writable()
            found.append(right(f"The {database.label} can be reached"))
        else:
            found.append(right(f"The {database.label} is not there yet; the first run makes it"))
    yield from found


def room(places: Places, rows: int | None) -> Iterator[Finding]:
    """Whether the disks have the room that the next sync may take.

    Args:
        places: Where rows go.
        rows: How many the account has; None: it could not be asked.
    """
    counted, size = rows or 0, 0
    needs = [(places.staging, _STAGED_BYTES * counted)]
    if places.database.is_file:
        path = places.database.path
        size = path.stat().st_size if path.exists() else 0
        # The table and its new snapshot stand side by side, and what is cleaned is written anew.
        needs.insert(0, (path.parent, size + 2 * _STORED_BYTES * counted + _LEAST))
    if places.copy is not None:
        needs.append((places.copy.parent, size + _STORED_BYTES * counted))
    by_disk: dict[int, list[tuple[Path, int]]] = {}
    for place, need in needs:
        by_disk.setdefault(nearest(place).stat().st_dev, []).append((place, need))
    of = f"for {rows:,} rows" if rows is not None else "for the file as it is"
    for each in by_disk.values():
        place, need = each[0][0], sum(need for _, need in each)
        free = shutil.disk_usage(nearest(place)).free
        told = f"The disk of {place} has {_shown(free)} free; {of} about {_shown(need)} are needed"
        if free >= need:
            yield right(told)
        else:
            yield fault(
                f"{told}.",
                "make room there, or put `database`, `staging_directory` or `publish_copy`"
                " elsewhere.",
            )


def _shown(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"
