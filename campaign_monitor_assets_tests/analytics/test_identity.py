"""One address is one subscriber, and a date that can't be right is no date."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.analytics.handmade import create_table, make, rows

STATES = ("active_subscribers", "unsubscribed_subscribers", "bounced_subscribers")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouses.opened(tmp_path / "account.duckdb") as opened:
        create_table(opened, "clients", [{"ClientID": "c", "Name": "Client"}])
        create_table(opened, "lists", [{"ClientID": "c", "ListID": "l", "Name": "News"}])
        for table in (*STATES, "suppression_list", "list_custom_fields"):
            create_table(opened, table, [])
        yield opened


def person(address: str, since: str, joined: str = "2026-01-05", **more: Any) -> dict[str, Any]:
    return {
        "ClientID": "c",
        "ListID": "l",
        "EmailAddress": address,
        "Date": since,
        "ListJoinedDate": joined,
        **more,
    }


def test_two_spellings_are_one_subscriber(connection: duckdb.DuckDBPyConnection) -> None:
    """Case and blanks aside, an address counts once on a list in every view."""
    spelled = [person("Ann@Example.com", "2026-01-05"), person(" ann@example.com ", "2026-02-01")]
    create_table(connection, "active_subscribers", spelled)
    create_table(
        connection,
        "suppression_list",
        [
            {"ClientID": "c", "EmailAddress": "ANN@example.com", "Date": "2026-03-01"},
            {"ClientID": "c", "EmailAddress": "ann@example.com", "Date": "2026-03-02"},
        ],
    )
    views = ("subscribers_by_list", "list_growth_by_month", "subscribers_across_lists")
    make(connection, *views, "list_custom_field_views")
    assert rows(connection, "subscribers_by_list", "Active, Suppressed") == [(1, 1)]
    assert rows(connection, "list_growth_by_month", "Joined, Subscribers") == [(1, 1)]
    across = rows(connection, "subscribers_across_lists", "EmailAddress, Active, len(Lists)")
    assert across == [("ann@example.com", 1, 1)]
    [(view,)] = rows(connection, "list_custom_field_views", "ViewName")
    assert rows(connection, view, "EmailAddress") == [(" ann@example.com ",)]


def test_who_moved_while_the_tables_were_read(connection: duckdb.DuckDBPyConnection) -> None:
    """An address in the tables of two states is in the one that began later."""
    create_table(connection, "active_subscribers", [person("ann@example.com", "2026-01-05")])
    create_table(connection, "unsubscribed_subscribers", [person("Ann@example.com", "2026-02-01")])
    make(connection, "subscribers_by_list", "list_growth_by_month")
    assert rows(connection, "subscribers_by_list", "Active, Unsubscribed") == [(0, 1)]
    assert rows(connection, "list_growth_by_month", 'Month, Joined, "Left"') == [
        (date(2026, 1, 1), 1, 0),
        (date(2026, 2, 1), 0, 1),
    ]


def test_a_list_that_is_not_listed(connection: duckdb.DuckDBPyConnection) -> None:
    """Subscribers of a list that came after `lists` was read are counted all the same."""
    create_table(
        connection, "active_subscribers", [person("a@example.com", "2026-01-05", ListID="new")]
    )
    make(connection, "subscribers_by_list")
    found = rows(connection, "subscribers_by_list", "ClientName, ListID, ListName, Active")
    assert found == [("Client", "l", "News", 0), ("Client", "new", None, 1)]


@pytest.mark.parametrize("absurd", ["0001-01-01", "1899-12-30", "9999-12-31 23:59:59", None])
def test_absurd_dates(connection: duckdb.DuckDBPyConnection, absurd: str | None) -> None:
    """A date before 2000 or far ahead stands under no month, and the sums still hold."""
    known = person("a@example.com", "2026-01-05")
    odd = person("b@example.com", "2026-01-05")
    create_table(connection, "active_subscribers", [known, {**odd, "ListJoinedDate": absurd}])
    sent = {"ClientID": "c", "Name": "Issue", "TotalRecipients": 5}
    create_table(
        connection,
        "campaigns",
        [
            {**sent, "CampaignID": "1", "SentDate": "2026-01-05"},
            {**sent, "CampaignID": "2", "SentDate": absurd},
        ],
    )
    create_table(connection, "campaign_summary", [])
    make(connection, "list_growth_by_month", "campaign_performance_by_month")
    assert rows(connection, "list_growth_by_month", "Month, Joined, Subscribers") == [
        (date(2026, 1, 1), 1, 2),
        (None, 1, 1),
    ]
    assert rows(connection, "campaign_performance_by_month", "Month, Campaigns") == [
        (date(2026, 1, 1), 1),
        (None, 1),
    ]


def test_a_date_just_ahead_is_kept(connection: duckdb.DuckDBPyConnection) -> None:
    """Clocks and time zones differ: a date that is a little ahead is one."""
    now = datetime.now().replace(microsecond=0)  # noqa: DTZ005 (the API's times have no zone)
    create_table(connection, "active_subscribers", [person("a@example.com", str(now), str(now))])
    make(connection, "list_growth_by_month")
    assert rows(connection, "list_growth_by_month", "Month") == [(now.date().replace(day=1),)]
