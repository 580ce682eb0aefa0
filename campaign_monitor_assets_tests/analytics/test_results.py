"""Links, times of sending, domains and the change against before, worked out by hand."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.analytics.handmade import (
    create_log,
    create_readings,
    create_table,
    make,
    rows,
)

# The last sync was on Friday, 20 November 2026, at 9:00 UTC.
SYNCED = "2026-11-20 09:00:00"


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouses.opened(tmp_path / "account.duckdb") as opened:
        create_table(opened, "clients", [{"ClientID": "c", "Name": "Client"}])
        create_log(opened, [("campaigns", SYNCED), ("campaign_summary", SYNCED)])
        yield opened


def send(connection: duckdb.DuckDBPyConnection, *campaigns: tuple[str, str | None, Any]) -> None:
    """Campaigns with their identifiers, times of sending and, where they are known, results."""
    create_table(
        connection,
        "campaigns",
        [
            {"ClientID": "c", "CampaignID": number, "Name": f"№ {number}", "SentDate": sent}
            for number, sent, _ in campaigns
        ],
    )
    create_table(
        connection,
        "campaign_summary",
        [
            {"ClientID": "c", "CampaignID": number, **dict.fromkeys(NUMBERS, 0), **results}
            for number, _, results in campaigns
            if results is not None
        ],
    )


NUMBERS = ("Recipients", "UniqueOpened", "Clicks", "Bounced", "Unsubscribed", "SpamComplaints")


def results(delivered: int, opened: int = 0, clicks: int = 0, bounced: int = 0) -> dict[str, int]:
    return {
        "Recipients": delivered + bounced,
        "UniqueOpened": opened,
        "Clicks": clicks,
        "Bounced": bounced,
    }


def test_links(connection: duckdb.DuckDBPyConnection) -> None:
    """A link has as many clickers as addresses, however they are spelled and often they click."""
    send(connection, ("1", "2026-11-02 10:00", results(8, bounced=2)), ("2", "2026-11-03", None))
    clicks = [
        ("1", "ann@x", "https://a/", "2026-11-02 11:00"),
        ("1", "ANN@x ", "https://a/", "2026-11-02 12:00"),
        ("1", "ann@x", "https://a/", "2026-11-02 12:00"),
        ("1", "bob@x", " https://a/ ", "2026-11-04 09:00"),
        ("1", "bob@x", "https://a/?b=1", "2026-11-04 09:00"),
        ("1", "bob@x", "", "2026-11-04 09:00"),
        ("1", "bob@x", None, "2026-11-04 09:00"),
        ("2", "ann@x", "https://a/", None),
        ("gone", "ann@x", "https://a/", "2026-11-05"),
    ]
    create_table(
        connection,
        "campaign_clicks",
        [
            {"ClientID": "c", "CampaignID": campaign, "ListID": "l", "EmailAddress": address,
             "URL": url, "Date": clicked}
            for campaign, address, url, clicked in clicks
        ],
    )  # fmt: skip
    make(connection, "link_performance")
    columns = "CampaignID, Name, URL, Clicks, Clickers, ClickerRate, FirstClick, LastClick"
    first, last = datetime(2026, 11, 2, 11), datetime(2026, 11, 4, 9)  # noqa: DTZ001
    assert rows(connection, "link_performance", columns) == [
        ("1", "№ 1", "https://a/", 4, 2, 0.25, first, last),
        ("1", "№ 1", "https://a/?b=1", 1, 1, 0.125, last, last),
        ("2", "№ 2", "https://a/", 1, 1, None, None, None),
        ("gone", None, "https://a/", 1, 1, None, *[datetime(2026, 11, 5)] * 2),  # noqa: DTZ001
    ]


# Mondays at nine: five campaigns of 100; a Tuesday: one at nine, and one of 1,000 at 14 o'clock.
MONDAYS = ("2026-10-05", "2026-10-12", "2026-10-19", "2026-10-26", "2026-11-02")
TIMES: tuple[tuple[str, str | None, Any], ...] = (
    *((day, f"{day} 09:30", results(100, opened=30, clicks=10)) for day in MONDAYS),
    ("six", "2026-10-06 09:00", results(100, opened=90)),
    ("seven", "2026-10-06 14:00", results(1000, opened=100)),
    # Nothing is known of these, or not yet: no date, no results, nobody reached, two days old.
    ("undated", None, results(900, opened=900)),
    ("unread", "2026-10-07 09:00", None),
    ("nobody", "2026-10-07 09:00", results(0, bounced=3)),
    ("young", "2026-11-17 09:00", results(900, opened=1)),
    # Three days old, less an hour in which nobody can know the time zone.
    ("settled", "2026-11-16 23:00", results(10, opened=5)),
)


def test_times_of_sending(connection: duckdb.DuckDBPyConnection) -> None:
    """Weekdays and hours are the client's own, weighed by e-mails, and say where they are few."""
    send(connection, *TIMES)
    make(connection, "send_time_performance")
    columns = (
        "Slot, Weekday, WeekdayName, Hour, Campaigns, Delivered, OpenRate, ClickRate, IsEnough"
    )
    assert rows(connection, "send_time_performance", columns) == [
        ("hour", None, None, 9, 6, 600, 0.4, 50 / 600, True),
        ("hour", None, None, 14, 1, 1000, 0.1, 0, False),
        ("hour", None, None, 23, 1, 10, 0.5, 0, False),
        ("weekday", 1, "Monday", None, 6, 510, 155 / 510, 50 / 510, True),
        ("weekday", 2, "Tuesday", None, 2, 1100, 190 / 1100, 0, False),
        ("weekday and hour", 1, "Monday", 9, 5, 500, 0.3, 0.1, True),
        ("weekday and hour", 1, "Monday", 23, 1, 10, 0.5, 0, False),
        ("weekday and hour", 2, "Tuesday", 9, 1, 100, 0.9, 0, False),
        ("weekday and hour", 2, "Tuesday", 14, 1, 1000, 0.1, 0, False),
    ]


def test_campaigns_against_the_period_before(connection: duckdb.DuckDBPyConnection) -> None:
    """Two periods of whole days are compared, of which the later ends three days ago."""
    # At nine by UTC the 19th has not ended in the far west. Three days earlier ends the period: the
    # last thirty days are 17 October to 15 November, those before 17 September to 16 October.
    send(
        connection,
        ("too old", "2026-09-16 23:59", results(7, opened=7)),
        ("first before", "2026-09-17 00:00", results(60, opened=6)),
        ("last before", "2026-10-16 23:59", results(40, opened=4, bounced=100)),
        ("first", "2026-10-17 00:00", results(100, opened=30)),
        ("last", "2026-11-15 23:59", results(100, opened=10)),
        ("unread", "2026-11-01 12:00", None),
        ("too young", "2026-11-16 00:00", results(900, opened=1)),
        ("undated", None, results(900)),
    )
    make(connection, "campaign_performance_change")
    columns = (
        "Days, FirstDay, LastDay, Campaigns, CampaignsBefore, Delivered, DeliveredBefore,"
        " round(OpenRate, 3), round(OpenRateBefore, 3), round(OpenRateChange, 3),"
        " BounceRate, BounceRateBefore"
    )
    found = rows(connection, "campaign_performance_change", columns)
    last = date(2026, 11, 15)
    assert found[0] == (*(30, date(2026, 10, 17), last, 3, 2, 200, 100, 0.2, 0.1, 0.1, 0, 0.5),)
    assert found[1][:7] == (90, date(2026, 8, 18), last, 6, 0, 307, 0)
    assert found[1][7:10] == (round(57 / 307, 3), None, None)
    assert found[2][:5] == (365, date(2025, 11, 16), last, 6, 0)
    assert len(found) == 3


def test_periods_end_where_it_is_no_longer_that_day(connection: duckdb.DuckDBPyConnection) -> None:
    """A sync in the morning by UTC doesn't count the day before: in the west it has not ended."""
    for synced, last in (("11:59", date(2026, 11, 15)), ("12:00", date(2026, 11, 16))):
        create_log(connection, [("campaigns", f"2026-11-20 {synced}")])
        send(connection, ("1", "2026-11-01", results(1)))
        make(connection, "campaign_performance_change")
        found = rows(connection, "campaign_performance_change", "distinct LastDay")
        assert found == [(last,)]


def report(
    connection: duckdb.DuckDBPyConnection, table: str, *sent: tuple[str, str, dict[str, Any]]
) -> None:
    create_table(
        connection,
        table,
        [
            {
                "ClientID": "c",
                "CampaignID": campaign,
                "ListID": "l",
                "EmailAddress": address,
                **more,
            }
            for campaign, address, more in sent
        ],
    )


def test_domains(connection: duckdb.DuckDBPyConnection) -> None:
    """Bounces and complaints are shares of what was sent by campaigns that are known whole."""
    send(connection, ("1", "2026-11-01", None), ("2", "2026-11-02", None))
    people = [f"person.{number}@Big.example" for number in range(20)]
    report(
        connection,
        "campaign_recipients",
        *(("1", address, {}) for address in (*people, "ann@small.example", "a@b@small.example ")),
        ("2", people[0].upper(), {}),
        ("1", "nonsense", {}),
        # The bounces of this campaign have not been read.
        ("3", "ann@small.example", {}),
    )
    hard, soft = {"BounceType": "Hard"}, {"BounceType": "Soft"}
    report(
        connection,
        "campaign_bounces",
        ("1", people[1], hard),
        ("1", people[2], soft),
        ("2", people[0], soft),
        ("1", "ann@small.example", hard),
    )
    report(connection, "campaign_spam_complaints", ("1", people[3], {}))
    reports = ("campaign_recipients", "campaign_bounces", "campaign_spam_complaints")
    read = [(table, campaign, SYNCED) for table in reports for campaign in "12"]
    create_readings(connection, [*read, ("campaign_recipients", "3", SYNCED)])
    make(connection, "domain_performance")
    columns = (
        "Domain, Addresses, Recipients, HardBounces, SoftBounces, SpamComplaints, BounceRate,"
        " HardBounceRate, ComplaintRate, IsEnough"
    )
    assert rows(connection, "domain_performance", columns) == [
        ("big.example", 20, 21, 1, 2, 1, 3 / 21, 1 / 21, 1 / 18, True),
        ("small.example", 2, 2, 1, 0, 0, 0.5, 0.5, 0, False),
        (None, 1, 1, 0, 0, 0, 0, 0, 0, False),
    ]


def test_domains_beside_hashed_addresses(connection: duckdb.DuckDBPyConnection) -> None:
    """Where addresses are hashed, the domain that is kept beside them is the one that counts."""
    send(connection, ("1", "2026-11-01", None))
    reports = ("campaign_recipients", "campaign_bounces", "campaign_spam_complaints")
    for table in reports:
        report(connection, table, ("1", "0f" * 32, {}))
        connection.execute(f"alter table campaign_monitor.{table} add column EmailDomain varchar")
        connection.execute(f"update campaign_monitor.{table} set EmailDomain = 'x.example'")
    create_readings(connection, [(table, "1", SYNCED) for table in reports])
    make(connection, "domain_performance")
    found = rows(connection, "domain_performance", "Domain, Recipients, SpamComplaints")
    assert found == [("x.example", 1, 1)]


def test_how_far_reports_were_read(connection: duckdb.DuckDBPyConnection) -> None:
    """A campaign's reports have the time of their own last reading; those never read have none."""
    send(connection, ("1", "2026-11-01", None), ("2", "2026-11-02", None))
    create_table(connection, "campaign_recipients", [])
    read = [("campaign_opens", "1", "2026-11-03 10:00"), ("campaign_clicks", "1", SYNCED)]
    create_readings(connection, read)
    make(connection, "campaign_reports_read")
    columns = "CampaignID, RecipientsReadAt, OpensReadAt, ClicksReadAt::varchar"
    assert rows(connection, "campaign_reports_read", columns) == [
        ("1", None, datetime(2026, 11, 3, 10), SYNCED),  # noqa: DTZ001 (UTC, as DuckDB has it)
        ("2", None, None, None),
    ]
    # A log of an older version knows only when the table was last read.
    connection.execute("alter table campaign_monitor.sync_log_parents drop column synced_at")
    create_log(connection, [("campaign_opens", "2026-11-09 10:00")])
    make(connection, "campaign_reports_read")
    assert rows(connection, "campaign_reports_read", columns)[0][2] == datetime(2026, 11, 9, 10)  # noqa: DTZ001
