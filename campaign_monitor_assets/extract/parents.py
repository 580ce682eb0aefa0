"""Which of a parent's rows are read: the wanted clients, a trial's part, a report's window."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from campaign_monitor_assets.errors import ConfigurationError

Row = Mapping[str, Any]

Parent = Mapping[str, str]
"""The columns of a parent's row that the rows of its collection inherit."""

_TIME_ZONES = timedelta(days=1)
"""Times are local to the client; a day's slack makes up for it everywhere."""


@dataclass(frozen=True)
class Chosen:
    """The rows to read, and the keys of those whose children stay as they are."""

    read: Sequence[Row]
    kept: tuple[str, ...] = ()


def of_clients(rows: Sequence[Row], client_ids: Collection[str] | None) -> list[Row]:
    """The rows of some clients; None: of all."""
    if client_ids is None:
        return list(rows)
    return [row for row in rows if row["ClientID"] in client_ids]


def limited(rows: Sequence[Row], column: str, only: Sequence[str]) -> list[Row]:
    """The rows whose column has one of the values; no values: all rows.

    Raises:
        ConfigurationError: The rows have no such column, or a value that none of them has.
    """
    if not only:
        return list(rows)
    if rows and column not in rows[0]:
        raise ConfigurationError(
            f"This table can't be limited by {column}: its requests don't name one."
        )
    wanted = {value.strip().lower() for value in only}
    missing = wanted - {row[column].lower() for row in rows}
    if missing:
        raise ConfigurationError(
            f"{column} {', '.join(sorted(missing))}: not in the parent's snapshot. Look it up"
            " there, or materialize the parent again."
        )
    return [row for row in rows if row[column].lower() in wanted]


def within_window(
    rows: Sequence[Row], key: str, *, since: datetime, present: Collection[str]
) -> Chosen:
    """Leaves out campaigns that were sent long ago and whose reports are in the snapshot.

    Args:
        rows: Sent campaigns.
        key: The column that names a campaign.
        since: Those sent after it are read again, in whatever time zone.
        present: The campaigns whose reports are in the snapshot.
    """

    def is_read(row: Row) -> bool:
        sent = row["SentDate"]
        return sent is None or sent >= since - _TIME_ZONES or row[key] not in present

    return Chosen(
        read=[row for row in rows if is_read(row)],
        kept=tuple(row[key] for row in rows if not is_read(row)),
    )
