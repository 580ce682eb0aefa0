"""The account's day: today where nothing else is said, and any day as good as another."""

import re
import time
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets.sandbox.account import Size
from campaign_monitor_assets.sandbox.build import Bulk, build_account, build_bulk_account

MOMENT = re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
AN_ORDINARY_DAY = date(2026, 5, 20)
ZONES = ("UTC", "Pacific/Kiritimati", "Etc/GMT+12", "America/New_York", "Asia/Kathmandu")


def day_of(box: Sandbox) -> date:
    """The day of the last campaign, which went out two hours before the account's noon."""
    rows = [row for rows in box.account("campaigns")["campaigns"].values() for row in rows]
    return datetime.fromisoformat(max(row["SentDate"] for row in rows)).date()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the system has no TZ")
@pytest.mark.parametrize("zone", ZONES)
def test_default_day(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left at its default the account's day is today, wherever the machine stands."""
    monkeypatch.setenv("TZ", zone)
    before = today_in(zone)
    with sandbox.start("--lists", "1", "--subscribers", "20", "--campaigns", "2") as box:
        found = day_of(box)
    # The day may change while the sandbox starts.
    assert found in {before, today_in(zone)}


def today_in(zone: str) -> date:
    return datetime.now(ZoneInfo(zone)).date()


def shape(value: Any, shift: timedelta) -> Any:
    """What an account holds, with each time moved back by as much as the account's day was."""
    if isinstance(value, dict):
        return {name: shape(each, shift) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(each, shift) for each in value]
    if isinstance(value, str) and MOMENT.fullmatch(value):
        return str(datetime.fromisoformat(value) - shift)
    return value


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 1, 1),
        date(2026, 3, 1),
        date(2028, 2, 29),
        date(2028, 3, 1),
        date(2026, 10, 31),
        date(2026, 12, 31),
    ],
    ids=str,
)
def test_any_day(day: date) -> None:
    """On each day the account is the same but for its times, which stand as far from the day."""
    ordinary, other = (
        build_account(Size(1, each, subscribers=60)).tables for each in (AN_ORDINARY_DAY, day)
    )
    for tables in (ordinary, other):
        # How much of a month is over is all that a day decides.
        del tables["list_stats"]
        for collection in ("campaigns", "campaign_summary"):
            for rows in tables[collection].values():
                for row in rows if isinstance(rows, list) else [rows]:
                    row["Name"] = re.sub(r" \w{3} \d{4}$", "", row["Name"])
        for details in tables["segment_details"].values():
            details["RuleGroups"] = re.sub(r"\d{4}-\d\d-\d\d", "", str(details["RuleGroups"]))
    assert shape(other, day - AN_ORDINARY_DAY) == ordinary


@pytest.mark.parametrize("day", [date(2024, 2, 29), date(2027, 1, 1), date(2028, 12, 31)], ids=str)
def test_any_day_of_a_bulk_account(day: date) -> None:
    """The people of a benchmark account joined in the two years before the account's own."""
    account = build_bulk_account(Size(1, day), Bulk(1, 2000))
    [rows] = account.tables["active_subscribers"].values()
    assert rows[0]["ListJoinedDate"][:10] == f"{day.year - 2}-01-01"
    assert rows[len(rows) - 1]["ListJoinedDate"][:4] == str(day.year - 1)
    [stats] = account.tables["list_stats"].values()
    assert stats["NewActiveSubscribersThisYear"] == 0
