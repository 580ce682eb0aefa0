"""The views on history against a life of an account that was worked out by hand."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from campaign_monitor_assets.analytics import HISTORY_VIEWS
from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.analytics.handmade import create_log, create_table, make, rows

STATES = ("active", "unsubscribed", "bounced", "deleted")
# The tables are read one after the other, in this order, ten seconds apart.
SECONDS = {state: 10 * at for at, state in enumerate(STATES)}
DAYS = (1, 2, 3, 4, 5, 6, 9)
Version = tuple[str, str, str, str | None]


def at(state: str, day: int, hour: int = 10) -> str:
    """When a state's table was read on a day of May 2026."""
    return f"2026-05-{day:02} {hour}:00:{SECONDS[state]:02}"


def seen(day: int, seconds: int, hour: int = 10) -> datetime:
    return datetime(2026, 5, day, hour, 0, seconds)  # noqa: DTZ001 (DuckDB's times have no zone)


def fill(connection: duckdb.DuckDBPyConnection, life: dict[str, list[dict[str, Any]]]) -> None:
    create_table(connection, "clients", [{"ClientID": "c", "Name": "Client"}])
    create_table(connection, "lists", [{"ClientID": "c", "ListID": "l", "Name": "News"}])
    log = [(f"{state}_subscribers", at(state, day)) for state in STATES for day in DAYS]
    # On the second day there were two syncs.
    create_log(
        connection, [*log, *((f"{state}_subscribers", at(state, 2, 18)) for state in STATES)]
    )
    for state in STATES:
        create_table(connection, f"{state}_subscribers", [], history=True)
        create_table(connection, f"{state}_subscribers", life.get(state, []), history=True)


def version(address: str, since: str, until: str | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "ClientID": "c",
        "ListID": "l",
        "EmailAddress": address,
        "_valid_from": since,
        "_valid_to": until,
        **fields,
    }


def custom(**values: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


ANN: dict[str, Any] = {"Name": "Ann", "CustomFields": custom(City="A")}
ANNA: dict[str, Any] = {"Name": "Anna", "CustomFields": custom(City="B", Plan="Gold")}
# On day 1 the history begins: ann, bob, cid and dee are active, gus has left.
LIFE = {
    "active": [
        # ann leaves on day 3 and comes back on day 5; on day 6 her name and city change.
        version("ann@x", at("active", 1), at("active", 3), Name="Ann"),
        version(
            "ann@x", at("active", 5), at("active", 6), Name="Ann", CustomFields=custom(City="A")
        ),
        version("Ann@x", at("active", 6), **ANNA),
        # bob is deleted on day 4.
        version("bob@x", at("active", 1), at("active", 4)),
        # cid bounces on day 2, at the first sync, and is put back at the second.
        version("cid@x", at("active", 1), at("active", 2)),
        version("cid@x", at("active", 2, 18)),
        # dee vanishes without a trace on day 3, and is there again on day 9.
        version("dee@x", at("active", 1), at("active", 3)),
        version("dee@x", at("active", 9)),
        # eve joins on day 2.
        version("eve@x", at("active", 2)),
        # fay joins on day 4; on day 5 she leaves after `active` was read, so it shows her until 6.
        version("fay@x", at("active", 4), at("active", 6)),
        # gus, who had left, comes back on day 6; `unsubscribed` is read after `active`.
        version("gus@x", at("active", 6)),
    ],
    "unsubscribed": [
        version("ann@x", at("unsubscribed", 3), at("unsubscribed", 5)),
        version("fay@x", at("unsubscribed", 5)),
        version("gus@x", at("unsubscribed", 1), at("unsubscribed", 6)),
    ],
    "bounced": [version("cid@x", at("bounced", 2), at("bounced", 2, 18))],
    "deleted": [version("bob@x", at("deleted", 4))],
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("history") / "account.duckdb"
    with warehouses.opened(found) as connection:
        fill(connection, LIFE)
        make(connection, *HISTORY_VIEWS)
    return found


@pytest.fixture
def account(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouses.opened(path) as connection:
        yield connection


def test_state_changes(account: duckdb.DuckDBPyConnection) -> None:
    """Who moves is one row, at the time it was first seen; who was there at first did not join."""
    found = rows(account, "subscriber_state_changes", "EmailAddress, ChangedAt, FromState, ToState")
    assert found == [
        ("ann@x", seen(3, 0), "Active", "Unsubscribed"),
        ("ann@x", seen(5, 0), "Unsubscribed", "Active"),
        ("bob@x", seen(4, 0), "Active", "Deleted"),
        ("cid@x", seen(2, 0), "Active", "Bounced"),
        ("cid@x", seen(2, 0, 18), "Bounced", "Active"),
        ("dee@x", seen(3, 0), "Active", None),
        ("dee@x", seen(9, 0), None, "Active"),
        ("eve@x", seen(2, 0), None, "Active"),
        ("fay@x", seen(4, 0), None, "Active"),
        ("fay@x", seen(5, 10), "Active", "Unsubscribed"),
        ("gus@x", seen(6, 0), "Unsubscribed", "Active"),
    ]


def test_list_size_by_day(account: duckdb.DuckDBPyConnection) -> None:
    """Each day has its sizes at its end, days without a sync too; what came and went within one
    day is not seen."""
    columns = "ListName, Day, Active, Unsubscribed, Bounced, Deleted"
    sizes = [
        (4, 1, 0, 0),  # ann, bob, cid, dee; gus
        (5, 1, 0, 0),  # eve
        (3, 2, 0, 0),  # ann left, dee vanished
        (3, 2, 0, 1),  # fay joined, bob was deleted
        (3, 2, 0, 1),  # ann came back, fay left
        (4, 1, 0, 1),  # gus came back
        (4, 1, 0, 1),
        (4, 1, 0, 1),
        (5, 1, 0, 1),  # dee is there again
    ]
    assert rows(account, "list_size_by_day", columns) == [
        ("News", date(2026, 5, day), *numbers) for day, numbers in enumerate(sizes, 1)
    ]


def test_field_changes(account: duckdb.DuckDBPyConnection) -> None:
    """What changed in the fields is told field by field, from one version to the next."""
    columns = "EmailAddress, ChangedAt, Field, OldValue, NewValue"
    found = [row for row in rows(account, "subscriber_field_changes", columns) if row[1].day == 6]
    assert found == [
        ("ann@x", seen(6, 0), "City", "A", "B"),
        ("ann@x", seen(6, 0), "Name", "Ann", "Anna"),
        ("ann@x", seen(6, 0), "Plan", None, "Gold"),
    ]


def test_one_state_at_a_time(account: duckdb.DuckDBPyConnection) -> None:
    """No two periods of an address on a list overlap."""
    [(overlapping,)] = account.execute(
        "select count(*) from campaign_monitor_analytics.subscriber_state_periods one"
        " join campaign_monitor_analytics.subscriber_state_periods other"
        " using (ListID, EmailAddress) where one.Since < other.Since and"
        " coalesce(one.Until, 'infinity') > other.Since"
    ).fetchall()
    assert overlapping == 0


def test_as_it_was_on_a_day(account: duckdb.DuckDBPyConnection) -> None:
    """A table's history tells it as it was."""
    found = account.execute(
        "select EmailAddress from campaign_monitor_history.active_subscribers"
        " where _valid_from <= '2026-05-03 12:00' and"
        " coalesce(_valid_to > '2026-05-03 12:00', true) order by all"
    ).fetchall()
    assert found == [("bob@x",), ("cid@x",), ("eve@x",)]


@pytest.mark.parametrize("read_again", [True, False])
def test_a_gap_between_two_states(tmp_path: Path, read_again: bool) -> None:  # noqa: FBT001
    """Who is in no table for a while has moved, unless the other table was read in between."""
    with warehouses.opened(tmp_path / "account.duckdb") as connection:
        days = (1, 3, 4) if read_again else (1, 4)
        life = {
            "active": [
                version("ann@x", at("active", 1), at("active", 2)),
                version("b@x", at("active", 1)),
            ],
            "unsubscribed": [version("ann@x", at("unsubscribed", 4))],
        }
        fill(connection, life)
        log = [("unsubscribed_subscribers", at("unsubscribed", day)) for day in days]
        create_log(connection, [*log, *(("active_subscribers", at("active", day)) for day in DAYS)])
        # The history of `unsubscribed` began with somebody else.
        connection.execute(
            "insert into campaign_monitor_history.unsubscribed_subscribers by name"
            f" select 'c' as ClientID, 'l' as ListID, 'z@x' as EmailAddress,"
            f" timestamp '{at('unsubscribed', 1)}' as _valid_from"
        )
        make(connection, "subscriber_state_changes")
        found = rows(connection, "subscriber_state_changes", "ChangedAt, FromState, ToState")
        moved = [(seen(2, 0), "Active", "Unsubscribed")]
        away = [(seen(2, 0), "Active", None), (seen(4, 10), None, "Unsubscribed")]
        assert found == (away if read_again else moved)
