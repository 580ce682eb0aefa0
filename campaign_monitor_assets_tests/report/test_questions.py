"""What a marketer asks next, as the report shows it of an account that was made by hand."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from campaign_monitor_assets.report import write_report
from campaign_monitor_assets.warehouse.enforce import SYNC_PRIVACY
from campaign_monitor_assets.warehouse.privacy_settings import PrivacySettings
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.analytics.handmade import (
    SCHEMA,
    create_log,
    create_readings,
    create_table,
)
from campaign_monitor_assets_tests.analytics.test_audience import live, person
from campaign_monitor_assets_tests.analytics.test_results import SYNCED, TIMES, report, send
from campaign_monitor_assets_tests.report.test_report import Client, Report

STATES = ("active_subscribers", "unsubscribed_subscribers", "bounced_subscribers")
KEY = {"CAMPAIGN_MONITOR_HASH_KEY": "a key of the tests, which is long enough"}


@dataclass(frozen=True)
class Handmade:
    """An account that was made by hand, open until its report is written.

    Attributes:
        path: The warehouse.
        connection: What its tables are made by.
        opened: What is closed then.
    """

    path: Path
    connection: duckdb.DuckDBPyConnection
    opened: ExitStack

    def report(self) -> Client:
        """The report on the client."""
        self.opened.close()
        settings = WarehouseSettings(**warehouses.settings(self.path))
        found = Report(write_report(settings, SCHEMA, self.path.with_name("report.html")))
        return next(client for client in found.clients.values() if client.name == "Client")


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Handmade]:
    path = tmp_path / "account.duckdb"
    with ExitStack() as opened:
        connection = opened.enter_context(warehouses.opened(path))
        create_table(connection, "clients", [{"ClientID": "c", "Name": "Client"}])
        names = {"l": "News", "m": "Shop"}
        create_table(
            connection,
            "lists",
            [{"ClientID": "c", "ListID": key, "Name": name} for key, name in names.items()],
        )
        for table in (*STATES, "suppression_list"):
            create_table(connection, table, [])
        synced = (*STATES, "campaigns", "campaign_summary")
        create_log(connection, [(table, SYNCED) for table in synced])
        yield Handmade(path, connection, opened)


def test_what_to_switch_on(made: Handmade) -> None:
    """Each section that lacks a table has one line, which names it."""
    send(made.connection, *TIMES)
    create_table(made.connection, "active_subscribers", [person("ann@x")])
    said = made.report().left_out
    assert said["The most clicked links"] == "switch on the table campaign_clicks to see this."
    assert said["Who reads nothing"] == (
        "switch on the tables campaign_recipients, campaign_opens, campaign_clicks to see this."
    )
    assert said["Domains that bounce or complain"].startswith(
        "switch on the tables campaign_recipients, campaign_bounces, campaign_spam_complaints"
    )


def test_times_and_changes(made: Handmade) -> None:
    """Weekdays and hours that are too few are said to be; periods stand beside their change."""
    send(made.connection, *TIMES)
    joined = ["2026-11-01", "2026-11-02", "2026-11-03", "2026-10-01"]
    people = [person(f"{at}@x", ListJoinedDate=day) for at, day in enumerate(joined)]
    create_table(made.connection, "active_subscribers", people)
    sections = made.report().sections
    weekdays = sections["Results by weekday"]
    assert weekdays.labels() == ["Monday", "Tuesday (few)"]
    # One campaign of ten on a Monday evening is no longer young two hours before the limit.
    assert weekdays.trace("Opened")["x"] == [
        pytest.approx(100 * 155 / 510),
        pytest.approx(100 * 190 / 1100),
    ]
    hours = sections["Results by hour of sending"]
    assert hours.labels() == ["09:00", "14:00 (few)", "23:00 (few)"]
    assert hours.trace("Opened")["x"] == [40, 10, 50]
    # Since 17 October: three of the Mondays; before: two, and a Tuesday's two.
    changes = {
        row[0]: row[1].replace("\xa0", " ")
        for row in sections["Compared with the period before"].rows
    }
    assert changes["Of campaigns"] == "Last 30 days"
    assert changes["Campaigns sent"] == "3 (-50 %)"
    assert changes["E-mails sent"] == "300 (-77 %)"
    assert changes["Opened"] == "30.0 % (+10.8 points)"
    assert changes["Bounced"] == "0.0 % (-0.2 points)"
    growth = {
        row[0]: row[1].replace("\xa0", " ")
        for row in sections["Growth compared with the period before"].rows
    }
    assert growth["Joined"] == "3 (+200 %)"
    assert growth["Unsubscribed"] == "0"


def test_links_of_nobody_in_particular(made: Handmade) -> None:
    """The links are shown that several clicked; an address in one is masked, however spelled."""
    send(made.connection, ("1", "2026-11-01", None), ("2", "2026-11-02", None))
    link, own = "https://shop.example/?for=jane%40roe.example", "https://shop.example/my/ann"
    people = [f"{name}@x" for name in ("ann", "bob", "cid")]
    clicks = [(campaign, address, {"URL": link}) for campaign in "12" for address in people]
    report(made.connection, "campaign_clicks", *clicks, clicks[0], ("1", "ann@x", {"URL": own}))
    section = made.report().sections["The most clicked links"]
    assert section.rows == [
        ["Link", "Clicked by", "Clicks", "Campaigns"],
        ["shop.example/?for=***%40roe.example", "6", "7", "2"],
    ]


def test_who_reads_nothing(made: Handmade) -> None:
    """Those without an open stand beside those who had nothing to open, and apart from them."""
    live(made.connection)
    section = made.report().sections["Who reads nothing"]
    assert section.bars("Addresses") == {
        "No open for 6 to 12 months": 1,
        "No open for 12 months or more": 3,
        "Not mailed for 6 months": 1,
        "Never mailed": 1,
    }
    assert "reaches back to 1 Jun 2025" in section.said


def test_lists_and_domains(made: Handmade) -> None:
    """Pairs of lists stand once, the smaller first; domains of a few addresses are left out."""
    people = [f"{number}@big.example" for number in range(20)]
    create_table(
        made.connection,
        "active_subscribers",
        [*map(person, people), *(person(address, "m") for address in people[:5])],
    )
    send(made.connection, ("1", "2026-11-01", None))
    few = "ann@small.example"
    report(made.connection, "campaign_recipients", *(("1", each, {}) for each in (*people, few)))
    hard = {"BounceType": "Hard"}
    report(made.connection, "campaign_bounces", ("1", people[0], hard), ("1", few, hard))
    report(made.connection, "campaign_spam_complaints")
    reports = ("campaign_recipients", "campaign_bounces", "campaign_spam_complaints")
    create_readings(made.connection, [(table, "1", SYNCED) for table in reports])
    sections = made.report().sections
    assert sections["Who is on several lists"].rows[1:] == [
        ["Shop", "News", "5", "20", "5", "100.0 %"]
    ]
    assert sections["Domains that bounce or complain"].rows[1:] == [
        ["big.example", "20", "20", "5.0 %", "5.0 %", "0.0 %"]
    ]


def test_what_privacy_leaves_out(made: Handmade) -> None:
    """Where `privacy` leaves out what a section needs, the report says so and shows no figures."""
    live(made.connection)
    create_table(made.connection, "campaign_summary", [])
    columns = {"campaign_opens.EmailAddress": "keep", "URL": "drop"}
    rules = PrivacySettings(preset="pseudonymous", columns=columns).resolve(KEY).rules
    made.connection.execute(
        f"create table {SCHEMA}.{SYNC_PRIVACY} as select ? as rules, '' as key_check", [rules]
    )
    client = made.report()
    assert "Who reads nothing" not in client.sections
    assert "hash them all, or none" in client.left_out["Who reads nothing"]
    assert "campaign_clicks.URL" in client.left_out["The most clicked links"]
