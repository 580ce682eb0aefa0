"""What the report tells, as records."""

from datetime import date, datetime
from typing import NamedTuple


class ReportedClient(NamedTuple):
    """A client of the account that has a report of its own."""

    id: str
    name: str


class Subscribers(NamedTuple):
    """How many subscribers a list has in a state; or a client, where all are told of together."""

    id: str
    name: str
    state: str
    number: int


class Growth(NamedTuple):
    """How many subscribers came and went in a month."""

    month: datetime
    joined: int
    unsubscribed: int
    bounced: int
    net: int


class Size(NamedTuple):
    """How many active subscribers a list had at a day's end; or a client, where all are told of."""

    id: str
    name: str
    day: date
    active: int


class Change(NamedTuple):
    """How many subscribers moved from one state of a list to another, and when last."""

    before: str
    after: str
    number: int
    last: datetime


class Results(NamedTuple):
    """What became of campaigns.

    `recipients` are all to whom they were sent, `reported` those of them of whose campaign the
    results are known, and `openers` those of these who opened it. The rest are percentages as the
    views define them, None where they would be shares of nothing.
    """

    recipients: int
    reported: int
    openers: int
    opened: float | None
    clicks: float | None
    unsubscribed: float | None
    bounced: float | None


class Month(NamedTuple):
    """The campaigns of a month."""

    month: datetime
    campaigns: int
    results: Results


class Campaign(NamedTuple):
    """A sent campaign."""

    name: str
    client: str
    sent: datetime | None
    results: Results


class Counted(NamedTuple):
    """How often something comes."""

    name: str
    number: int


class Movement(NamedTuple):
    """What the vendor's own statistics say of a list's present month and year."""

    name: str
    client: str
    active: int
    joined_this_month: int
    left_this_month: int
    joined_this_year: int
    left_this_year: int


class Sync(NamedTuple):
    """The last snapshot of a table, and how many rows the table has now."""

    table: str
    synced_at: datetime
    rows: int
    now: int | None
