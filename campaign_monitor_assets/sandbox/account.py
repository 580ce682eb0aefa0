"""The account that the sandbox serves: tables of plain rows, made from a seed and a day alone."""

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final

Json = Any
"""Anything that JSON can hold."""

Row = dict[str, Any]
Tables = dict[str, dict[str, Any]]

ACCOUNT: Final = ""
"""The parent under which the tables of the account itself are kept."""

OBJECTS: Final = frozenset(
    {
        "client_details", "list_details", "list_stats", "segment_details", "campaign_summary",
        "campaign_lists_and_segments", "journey_emails",
    }
)  # fmt: skip
"""The collections that hold a single object for each parent; the others hold rows."""

SUBSCRIBER_STATES: Final = {
    "active_subscribers": "Active",
    "unsubscribed_subscribers": "Unsubscribed",
    "bounced_subscribers": "Bounced",
    "unconfirmed_subscribers": "Unconfirmed",
    "deleted_subscribers": "Deleted",
}


@dataclass(frozen=True)
class Size:
    """How large an account is, and from which seed and day it is made.

    Whatever the day, the account is the same but for its times: all stand as far from the day.
    """

    seed: int
    today: date
    clients: int = 3
    lists: int = 10
    subscribers: int | None = None
    campaigns: int = 25

    @property
    def now(self) -> datetime:
        """The moment at which the account stands: noon of its day."""
        return datetime.combine(self.today, time(12))

    def rng(self, *scope: object) -> random.Random:
        """Chance of its own for each scope, so that one part's size does not move another's."""
        return random.Random(f"{self.seed}:{scope}")

    def identifier(self, *scope: object) -> str:
        """A stable identifier of 32 lower-case hexadecimal digits."""
        text = f"{self.seed}:{scope}".encode()
        return hashlib.blake2b(text, digest_size=16).hexdigest()


def stamp(moment: datetime) -> str:
    """A moment as the API writes it: no zone, to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def moment_of(text: str) -> datetime:
    """The moment that a stamp stands for."""
    return datetime.fromisoformat(text)


@dataclass
class Account:
    """What the account holds now, by collection and by the identifier of the parent.

    Rows are replaced, never altered in place: that makes a reset, and the cache of sorted
    views, no more than a comparison of references.
    """

    now: datetime
    tables: Tables
    owners: Mapping[str, str]
    """The ClientID to which each list, segment, campaign, journey and e-mail belongs."""
    _start: Tables = field(init=False)
    _started: datetime = field(init=False)

    def __post_init__(self) -> None:
        """Remember the start."""
        self._started = self.now
        self._start = {name: dict(parents) for name, parents in self.tables.items()}

    def reset(self) -> None:
        """Put everything back as it was at the start."""
        self.tables = {name: dict(parents) for name, parents in self._start.items()}
        self.now = self._started

    def get(self, collection: str, parent: str = ACCOUNT) -> Json:
        """The rows or the object of one parent; None where there is no such parent."""
        return self.tables[collection].get(parent)

    def replace(self, collection: str, parent: str, content: Json) -> None:
        """Let a parent hold this from now on; None makes it unknown."""
        if collection not in self.tables:
            raise KeyError(f"no such collection: {collection}")
        if content is None:
            self.tables[collection].pop(parent, None)
        else:
            self.tables[collection][parent] = content
        if collection in SUBSCRIBER_STATES and parent in self.tables["list_stats"]:
            self.tables["list_stats"][parent] = list_stats(self.tables, parent, self.now)


PERIODS: Final = ("Today", "Yesterday", "ThisWeek", "ThisMonth", "ThisYear")


def list_stats(tables: Tables, list_id: str, now: datetime) -> Row:
    """The counts of a list, taken from the very rows that its collections hold."""
    today = now.date()
    starts = (
        today,
        today - timedelta(days=1),
        today - timedelta(days=today.weekday()),
        today.replace(day=1),
        today.replace(month=1, day=1),
    )
    counted = (
        ("TotalActiveSubscribers", "NewActiveSubscribers", "active_subscribers", "ListJoinedDate"),
        ("TotalUnsubscribes", "Unsubscribes", "unsubscribed_subscribers", "Date"),
        ("TotalDeleted", "Deleted", "deleted_subscribers", "Date"),
        ("TotalBounces", "Bounces", "bounced_subscribers", "Date"),
    )
    stats: Row = {}
    for total, prefix, collection, moment in counted:
        rows = tables[collection].get(list_id, [])
        stats[total] = len(rows)
        # Rows of a bulk account all date from before this year: reading them would be for nothing.
        days = [row[moment][:10] for row in rows] if isinstance(rows, list) else []
        for period, start in zip(PERIODS, starts, strict=True):
            end = str(today) if period == "Yesterday" else "9999"
            stats[prefix + period] = sum(str(start) <= day < end for day in days)
    return stats


def spread(count: int, over: Sequence[str]) -> dict[str, list[int]]:
    """Deal the numbers below `count` to the parents in turn."""
    return {parent: list(range(at, count, len(over))) for at, parent in enumerate(over)}
