"""Who is inactive, which lists overlap, and how they grow against before, worked out by hand."""

from collections.abc import Iterable, Iterator
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

STATES = ("active_subscribers", "unsubscribed_subscribers", "bounced_subscribers")
REPORTS = ("campaign_recipients", "campaign_opens", "campaign_clicks")
JOURNEYS = ("journey_email_recipients", "journey_email_opens", "journey_email_clicks")
SYNCED = "2026-11-10 10:00:00"
# Twelve months before the sync is 10 November 2025, six months before 10 May 2026.
SENT = {
    "old": "2025-06-01 10:00:00",
    "mid": "2026-03-01 10:00:00",
    "new": "2026-09-01 10:00:00",
    "lost": "2026-10-01 10:00:00",  # its opens were never read
    "fresh": "2026-11-09 10:00:00",  # they were, a day after it was sent
    "other": "2026-10-15 10:00:00",  # of the other client, whose recipients were never read
}
CLIENT_OF = {campaign: "d" if campaign == "other" else "c" for campaign in SENT}


def person(address: str, list_id: str = "l", client: str = "c", **more: Any) -> dict[str, Any]:
    joined = {"Date": "2025-01-01", "ListJoinedDate": "2025-01-01"}
    return {"ClientID": client, "ListID": list_id, "EmailAddress": address, **joined, **more}


def event(campaign: str, address: str, at: str | None = None) -> dict[str, Any]:
    return person(address, client=CLIENT_OF[campaign]) | {"CampaignID": campaign, "Date": at}


def fill(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    found: Iterable[dict[str, Any]] = (),
    *without: str,
) -> None:
    left_out = ("ListJoinedDate", *without)
    create_table(
        connection,
        table,
        [{name: row[name] for name in row if name not in left_out} for row in found],
    )


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouses.opened(tmp_path / "account.duckdb") as opened:
        names = {"c": "Client", "d": "Other"}
        create_table(
            opened, "clients", [{"ClientID": key, "Name": name} for key, name in names.items()]
        )
        create_table(
            opened,
            "lists",
            [{"ClientID": "c", "ListID": key, "Name": f"List {key}"} for key in ("l", "m", "n")],
        )
        for table in (*STATES, "suppression_list"):
            create_table(opened, table, [])
        create_log(opened, [(table, SYNCED) for table in (*STATES, *REPORTS)])
        yield opened


RECEIVED = {
    "ann": "old mid new",
    "bob": "old mid new",
    "cid": "old mid new",
    "dee": "old mid new",
    "eve": "new",
    "fay": "mid",
    "hal": "old mid new",
    "ida": "old mid new",
    "jan": "old mid new",
    "kim": "old mid new",
    "leo": "old lost",
    "mia": "old mid new",
    "oda": "old fresh",
    "quin": "old mid new",
}


def live(connection: duckdb.DuckDBPyConnection) -> None:
    """A life of people; each is there for one rule."""
    campaigns = [
        {"ClientID": CLIENT_OF[name], "CampaignID": name, "Name": name, "SentDate": sent}
        for name, sent in SENT.items()
    ]
    create_table(connection, "campaigns", campaigns)
    active = [person(f"{name}@x") for name in (*RECEIVED, "gus")]
    consents = {"ida@x": "No", "ann@x": "Yes"}
    create_table(
        connection,
        "active_subscribers",
        [
            *(row | {"ConsentToTrack": consents.get(row["EmailAddress"])} for row in active),
            # kim is on another list as well, and reads what comes by the first one.
            person("kim@x", "m", ListJoinedDate="2024-01-01"),
            # zoe has left.
            person("Zoe@x"),
            person("bob@x", "k", "d"),
            # Nobody knows whom the other client's campaign of 15 October went to.
            person("una@x", "k", "d", ListJoinedDate="2026-10-01"),
            person("vic@x", "k", "d", ListJoinedDate="2026-10-20"),
        ],
    )
    create_table(
        connection, "unsubscribed_subscribers", [person("zoe@x", Date="2026-01-01", State="x")]
    )
    fill(connection, "suppression_list", [person("JAN@x")], "ListID")
    fill(
        connection,
        "campaign_recipients",
        [
            event(campaign, f" {name.title()}@X")
            for name, received in RECEIVED.items()
            for campaign in received.split()
        ],
        "Date",
    )
    fill(
        connection,
        "campaign_opens",
        [
            event("new", "ANN@x", "2026-09-02"),
            event("old", "cid@x", "2025-06-02"),
            event("mid", "dee@x", "2026-03-02"),
            event("new", "kim@x", "2026-09-02"),
            event("new", "quin@x"),
            event("other", "bob@x", "2026-10-16"),
        ],
    )
    fill(connection, "campaign_clicks", [event("new", "hal@x", "2026-09-02")])
    create_readings(
        connection,
        [
            (table, campaign, SYNCED)
            for table in REPORTS
            for campaign in SENT
            if campaign != "other" and (table, campaign) != ("campaign_opens", "lost")
        ],
    )


YEAR, HALF = "no open for 12 months", "no open for 6 months"
INACTIVE = [
    ("Client", "bob@x", YEAR, 3, None),
    ("Client", "cid@x", YEAR, 3, "2025-06-02 00:00:00"),
    ("Client", "dee@x", HALF, 3, "2026-03-02 00:00:00"),
    ("Client", "fay@x", "not mailed for 6 months", 1, None),
    ("Client", "gus@x", "never mailed", 0, None),
    ("Client", "mia@x", YEAR, 3, None),
    ("Other", "vic@x", "never mailed", 0, None),
]
COLUMNS = "ClientName, EmailAddress, Inactivity, CampaignsReceived, LastOpen::varchar"


def test_inactive_subscribers(connection: duckdb.DuckDBPyConnection) -> None:
    """Those are named who let a year or half a year pass, and nobody who is too little known."""
    live(connection)
    make(connection, "inactive_subscribers")
    assert rows(connection, "inactive_subscribers", COLUMNS) == INACTIVE
    reach = rows(
        connection, "inactive_subscribers", "distinct KnownSince::varchar, KnownUntil::varchar"
    )
    assert reach == [(SENT["old"], SYNCED), (None, SYNCED)]


def test_journeys_are_read_too(connection: duckdb.DuckDBPyConnection) -> None:
    """Who opens or clicks a journey's e-mail is active, and who was sent one has been mailed."""
    live(connection)
    journeys = [("mia@x", "2026-10-01"), ("cid@x", "2026-10-01"), ("gus@x", "2026-10-01")]
    for table, (address, at) in zip(reversed(JOURNEYS), journeys, strict=True):
        column = "SentDate" if table.endswith("recipients") else "Date"
        create_table(
            connection, table, [{"ClientID": "c", "EmailAddress": address.upper(), column: at}]
        )
    make(connection, "inactive_subscribers")
    found = rows(connection, "inactive_subscribers", COLUMNS)
    assert found == [row for row in INACTIVE if row[1] not in {"mia@x", "cid@x", "gus@x"}]


def test_opens_that_were_read_for_too_short(connection: duckdb.DuckDBPyConnection) -> None:
    """A window of a few days on the opens makes nobody inactive: late ones are not known."""
    live(connection)
    connection.execute(
        "update campaign_monitor.sync_log_parents set synced_at = SentDate + interval 6 day"
        " from campaign_monitor.campaigns where CampaignID = parent"
        " and table_name = 'campaign_opens'"
    )
    make(connection, "inactive_subscribers")
    found = rows(connection, "inactive_subscribers", "distinct Inactivity")
    assert found == [("never mailed",), ("not mailed for 6 months",)]


def test_months_are_counted_from_the_oldest_report(connection: duckdb.DuckDBPyConnection) -> None:
    """Opens that were last read half a year ago say nothing about the time since."""
    live(connection)
    create_log(
        connection,
        [
            ("campaign_opens", "2026-05-01"),
            ("campaign_clicks", SYNCED),
            ("campaign_recipients", SYNCED),
        ],
    )
    make(connection, "inactive_subscribers")
    found = dict(rows(connection, "inactive_subscribers", "EmailAddress, Inactivity"))
    # Then the first campaign was eleven months old, and dee's open two.
    assert found["bob@x"] == HALF
    assert "dee@x" not in found


def test_list_overlap(connection: duckdb.DuckDBPyConnection) -> None:
    """Two lists have in common who is active on both, within a client, however it is spelled."""
    create_table(
        connection,
        "active_subscribers",
        [
            *(person(f"{name}@x", "l") for name in ("ann", "bob", "cid", "dee")),
            *(person(f"{name}@X", "m") for name in ("Ann", "Bob")),
            # A list that is not in the snapshot of lists.
            person("ann@x", "gone"),
            # Another client's list, and one on which nobody else is.
            person("ann@x", "k", "d"),
            person("eve@x", "n"),
            # dee has left this list.
            person("dee@x", "m"),
        ],
    )
    create_table(connection, "unsubscribed_subscribers", [person("dee@x", "m", Date="2026-01-01")])
    make(connection, "list_overlap")
    columns = "ListID, ListName, OtherListID, Active, OtherActive, OnBoth, Share"
    assert rows(connection, "list_overlap", columns) == [
        ("gone", None, "l", 1, 4, 1, 1),
        ("gone", None, "m", 1, 2, 1, 1),
        ("l", "List l", "gone", 4, 1, 1, 0.25),
        ("l", "List l", "m", 4, 2, 2, 0.5),
        ("m", "List m", "gone", 2, 1, 1, 0.5),
        ("m", "List m", "l", 2, 4, 2, 1),
    ]


def test_growth_against_the_period_before(connection: duckdb.DuckDBPyConnection) -> None:
    """Two periods of whole days are compared, of which the later ends before the sync's day."""
    # The last thirty days are 10 October to 8 November, those before 10 September to 9 October:
    # in the far west the 9th has not ended at ten o'clock in the morning of the 10th, by UTC.
    joined = ("2026-11-09", "2026-11-08 23:59", "2026-10-10", "2026-10-09 23:59", "2026-09-10")
    create_table(
        connection,
        "active_subscribers",
        [person(f"{number}@x", ListJoinedDate=day) for number, day in enumerate(joined)],
    )
    left = {"Date": "2026-10-20", "ListJoinedDate": "2026-09-20"}
    create_table(connection, "unsubscribed_subscribers", [person("left@x", **left)])
    create_table(connection, "bounced_subscribers", [person("gone@x", Date="2026-09-12")])
    make(connection, "list_growth_change")
    columns = (
        'Days, ListName, FirstDay, LastDay, Joined, JoinedBefore, "Left", LeftBefore, Bounced,'
        " BouncedBefore, Net, NetBefore"
    )
    found = rows(connection, "list_growth_change", columns)
    last = date(2026, 11, 8)
    assert found == [
        (30, "List l", date(2026, 10, 10), last, 2, 3, 1, 0, 0, 1, 1, 2),
        (90, "List l", date(2026, 8, 11), last, 5, 0, 1, 0, 1, 0, 3, 0),
        (365, "List l", date(2025, 11, 9), last, 5, 1, 1, 0, 1, 0, 3, 1),
    ]


def test_without_a_log_it_is_now(connection: duckdb.DuckDBPyConnection) -> None:
    """Tables that came without a log are taken to be as of now."""
    connection.execute("drop table campaign_monitor.sync_log")
    now = datetime.now().replace(microsecond=0)  # noqa: DTZ005 (the API's times have no zone)
    create_table(
        connection, "active_subscribers", [person("a@x", ListJoinedDate=f"{now.year - 1}-06-15")]
    )
    make(connection, "list_growth_change")
    [(last,)] = rows(connection, "list_growth_change", "distinct LastDay")
    assert 0 < (now.date() - last).days < 4
