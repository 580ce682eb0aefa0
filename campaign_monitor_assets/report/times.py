"""Days, months and moments as the page writes them."""

from datetime import date, datetime, timedelta
from typing import Final

SO_FAR: Final = "so far"
"""What is said of a month that isn't over, and of a campaign whose results still come in."""

YOUNG: Final = timedelta(days=3)
"""How long most of a campaign's results take to come in."""

_LAST_ZONE: Final = timedelta(hours=12)
"""How long after it is over in UTC a day is over everywhere."""


def day_of(day: date) -> str:
    """A day, as in 3 Oct 2026."""
    return f"{day.day} {day:%b %Y}"


def moment_of(moment: datetime) -> str:
    """A moment to the minute."""
    return f"{day_of(moment)}, {moment:%H:%M}"


def unfinished_from(moment: datetime) -> datetime:
    """The first month that isn't over everywhere at a moment in UTC, by its first day."""
    return (moment - _LAST_ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_of(month: datetime, unfinished: datetime) -> str:
    """A month, as in Oct 2026, with a word where it isn't over."""
    return f"{month:%b %Y}" + (f" ({SO_FAR})" if month >= unfinished else "")
