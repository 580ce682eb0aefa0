"""When a table counts as late."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter

from campaign_monitor_assets.orchestration.schedules import FREQUENCIES, freshness_policy

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll")
READING = timedelta(minutes=29)
"""How long a table may take to be read and still be on time."""
BY_THE_CLOCK = [
    words for words, frequency in FREQUENCIES.items() if frequency.interval > timedelta(hours=1)
]
"""The frequencies whose ticks stand at times of day, and so move with the clocks."""


@pytest.mark.parametrize("words", BY_THE_CLOCK)
@pytest.mark.parametrize("zone", ZONES)
def test_no_table_is_late_that_is_read_in_time(words: str, zone: str) -> None:
    """In three years no warning comes between two ticks, days of 25 hours among them."""
    frequency = FREQUENCIES[words]
    policy: Any = freshness_policy(frequency, zone)
    local = croniter(frequency.cron, datetime(2026, 1, 1), ret_type=datetime)  # noqa: DTZ001
    year = timedelta(days=365) / frequency.interval
    ticks = [
        next(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for _ in range(int(3 * year))
    ]
    longest = max(later - tick for tick, later in pairwise(ticks))
    assert longest + READING < policy.warn_window.to_timedelta()
    assert longest + READING < policy.fail_window.to_timedelta()


def test_a_day_of_25_hours() -> None:
    """Where clocks are put back a daily table may be an hour older; in UTC it may not."""
    daily = FREQUENCIES["daily"]
    berlin: Any
    utc: Any
    berlin, utc = (freshness_policy(daily, zone) for zone in ("Europe/Berlin", "UTC"))
    assert berlin.warn_window.to_timedelta() == timedelta(hours=25, minutes=30)
    assert utc.warn_window.to_timedelta() == timedelta(hours=24, minutes=30)
