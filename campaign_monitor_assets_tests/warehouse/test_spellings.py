"""Two spellings of an address on one list, which become one row where the address is hashed."""

from pathlib import Path

import pytest

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.warehouse.checks import Subject, checks_of
from campaign_monitor_assets.warehouse.forget import forget
from campaign_monitor_assets.warehouse.privacy import KEEP_ALL, Privacy
from campaign_monitor_assets.warehouse.publish import Published
from campaign_monitor_assets_tests.warehouse.snapshots import SCHEMA, Warehouse, person
from campaign_monitor_assets_tests.warehouse.test_enforce import keeping
from campaign_monitor_assets_tests.warehouse.test_privacy import hash_of, resolved

PSEUDONYMOUS = resolved("pseudonymous")
OLD = person("ann@example.com", Date="2026-01-01 08:00:00", ReadsEmailWith="old")
NEW = person("ANN@example.com ", Date="2026-01-02 08:00:00", ReadsEmailWith="new")
BOB = person("bob@example.com")
ANN = hash_of("ann@example.com")
LOGGED = (
    "select parent, rows, reported, merged from sync_log_parents"
    " where table_name = 'active_subscribers' order by all"
)


def failing(store: Warehouse) -> list[str]:
    """The checks that fail."""
    with store.database.connect(read_only=True) as connection:
        subject = Subject(connection, SCHEMA, CATALOGUE[store.table])
        return [
            check.name
            for check in checks_of(subject.table, warn_drop_percent=99)
            if not check.run(subject).passed
        ]


def test_the_newest_stays_and_the_log_says_how_many_went(tmp_path: Path) -> None:
    """The newest row stands for all spellings, and checks count with those that went."""
    store = keeping(tmp_path, PSEUDONYMOUS)
    published = store.publish({"a": [NEW, OLD, BOB], "b": [NEW], "c": []})
    assert isinstance(published, Published)
    assert published.loaded.merged == {"a": 1}
    assert store.query(
        f"select ListID, ReadsEmailWith from active_subscribers where EmailAddress = '{ANN}'"
        " order by all"
    ) == [("a", "new"), ("b", "new")]
    assert store.query(LOGGED) == [("a", 2, 3, 1), ("b", 1, 1, 0), ("c", 0, 0, 0)]
    assert failing(store) == []
    store.query(f"delete from active_subscribers where EmailAddress = '{ANN}' and ListID = 'a'")
    assert failing(store) == ["row_count_matches_source"]


def test_of_two_of_the_same_time_the_same_one_stays(tmp_path: Path) -> None:
    """In whatever order they come, nothing changes from one sync to the next."""
    store = keeping(tmp_path, PSEUDONYMOUS)
    rows = [person(address, ReadsEmailWith=address) for address in ("a@b.c", "A@b.c", "a@B.c")]
    store.publish({"a": rows})
    for _ in range(2):
        rows = [*rows[1:], rows[0]]
        published = store.publish({"a": rows})
        assert isinstance(published, Published)
        assert published.written.changes is not None
        assert not published.written.changes.any


def test_a_window_keeps_what_is_logged_of_its_parents(tmp_path: Path) -> None:
    """A parent that is not read again keeps its figures, and checks hold."""
    store = keeping(tmp_path, PSEUDONYMOUS)
    store.publish({"a": [NEW, OLD], "b": [BOB]})
    store.publish({"b": [BOB, NEW, OLD]}, kept=["a"])
    assert store.query(LOGGED) == [("a", 1, 2, 1), ("b", 2, 3, 1)]
    assert failing(store) == []


def test_rows_that_are_hashed_later(tmp_path: Path) -> None:
    """Where hashing begins later, stored rows, trials and histories become one row too."""
    clear = keeping(tmp_path, KEEP_ALL)
    clear.publish({"a": [NEW, OLD, BOB]})
    assert clear.query("select count(*) from active_subscribers") == [(3,)]
    clear.publish_trial({"a": [NEW, OLD, BOB]})
    keeping(tmp_path, PSEUDONYMOUS, "bounced_subscribers").publish({"a": []})
    for place in ("account", "account_trial"):
        assert clear.query(LOGGED.replace("from ", f"from {place}.")) == [("a", 2, 3, 1)]
        stored = (
            f"select ReadsEmailWith from {place}.active_subscribers where EmailAddress = '{ANN}'"
        )
        assert clear.query(stored) == [("new",)]
    assert failing(clear) == []
    # The history loses nothing: the version that is not the newest ends with the next snapshot.
    valid = "select count(*), count(_valid_to) from account_history.active_subscribers"
    assert clear.query(valid) == [(3, 0)]
    keeping(tmp_path, PSEUDONYMOUS).publish({"a": [OLD, BOB, NEW]})
    assert clear.query(valid) == [(3, 1)]
    assert clear.query(
        "select ReadsEmailWith from account_history.active_subscribers where _valid_to is not null"
    ) == [("old",)]
    assert failing(clear) == []


@pytest.mark.parametrize("privacy", [KEEP_ALL, PSEUDONYMOUS])
def test_forgetting_somebody_of_two_spellings(tmp_path: Path, privacy: Privacy) -> None:
    """Both go, and what is logged of the list fits the rows that are left."""
    store = keeping(tmp_path, privacy)
    store.publish({"a": [NEW, OLD, BOB]})
    forget(store.database, SCHEMA, ["Ann@Example.com"], privacy)
    assert store.query("select count(*) from active_subscribers") == [(1,)]
    [(_, rows, reported, merged)] = store.query(LOGGED)
    assert (rows, reported - merged) == (1, 1)
    assert failing(store) == []
