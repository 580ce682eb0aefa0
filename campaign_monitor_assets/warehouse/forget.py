"""Forgetting people: their addresses leave the account's tables, histories and trials for good.

A row that is about the person goes, and with it whatever else it tells of them. In a row that is
about something else, as a campaign that the person is the sender of, only the address goes, and the
name that stands with it. Texts and nested values are searched for the address in any letters,
escaped as in links or JSON too. Then the file is written anew, so that the bytes are gone.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from campaign_monitor_assets.errors import ConfigurationError, DatabaseError
from campaign_monitor_assets.staging.folder import sweep
from campaign_monitor_assets.warehouse.maintenance import leave_nothing
from campaign_monitor_assets.warehouse.privacy import Privacy
from campaign_monitor_assets.warehouse.removal import Removed, remove
from campaign_monitor_assets.warehouse.target import Database

NOT_REACHED: Final = (
    "Not reached: Campaign Monitor's own copy, from which the next sync brings the person back"
    " unless they are deleted there first; backups and snapshots of disks; files that were"
    " exported, and other databases that were filled from this one."
)


@dataclass(frozen=True)
class Forgotten:
    """What was removed, and what could not be.

    Attributes:
        removed: What became of the rows of each table.
        is_reading: Whether a run is reading now, whose rows may be the people's.
        is_file: Whether it was a DuckDB file, which is written anew.
    """

    removed: Removed
    is_reading: bool
    is_file: bool = True

    def lines(self) -> list[str]:
        """What is told, without any address."""
        rows, cleared = self.removed.rows, self.removed.cleared
        said = [f"{table}: {number} rows removed." for table, number in rows.items()]
        said += [
            f"{table}: {number} rows lost the address and stay."
            for table, number in cleared.items()
        ]
        if not said:
            said = ["No table of the account holds the address."]
        said.append(
            "The DuckDB file was written anew: what was removed is not in its bytes."
            if self.is_file
            else "No snapshot of the DuckLake holds it any more. The files that did are deleted by"
            " the maintenance a day from now or later (`campaign-monitor maintain`, or its"
            " schedule)."
        )
        said += [
            f"{table}: {number} rows still hold the address. It is no table of the account: remove"
            " them there, and in whatever fills it."
            for table, number in self.removed.elsewhere.items()
        ]
        if self.is_reading:
            said.append(
                "A run is reading the account now. What it read before this is not published: run"
                " it again. What it holds in its folder meanwhile is removed as it ends."
            )
        return [*said, NOT_REACHED]


def forget(
    database: Database,
    schema: str,
    addresses: Sequence[str],
    privacy: Privacy,
    warn: Callable[[str], None] = lambda _: None,
) -> Forgotten:
    """Removes people from everything that is stored of an account.

    Args:
        database: The file.
        schema: The schema of the account's snapshots.
        addresses: Their addresses, in any spelling.
        privacy: The rules, with the key of hashes where some are stored.
        warn: Told of waiting for the file.

    Raises:
        ConfigurationError: An address is none, or hashes are stored and their key isn't there.
        DatabaseError: The file can't be opened or written. Where only writing it anew failed, the
            rows are removed all the same.
    """
    people = [_checked(address) for address in addresses]
    if not people:
        raise ConfigurationError("No e-mail address was given.")
    if not database.exists():
        raise DatabaseError(f"The {database.label} does not exist.")
    is_reading = sweep(database.staging_root)
    try:
        removed = database.write(
            lambda connection: remove(connection, schema, people, privacy), warn
        )
    except duckdb.Error as error:
        # DuckDB's own text may quote a value.
        raise DatabaseError(
            f"The address could not be removed from the {database.label} ({type(error).__name__})."
            " What it holds is unchanged."
        ) from None
    leave_nothing(database, warn)
    return Forgotten(removed, is_reading, database.is_file)


def _checked(address: str) -> str:
    found = address.strip()
    if re.fullmatch(r"[^\s@]+@[^\s@]+", found):
        return found
    raise ConfigurationError(
        f"What was given ({len(found)} characters) is not an e-mail address. Allowed: one address,"
        " such as name@example.com, without a name or brackets around it."
    )
