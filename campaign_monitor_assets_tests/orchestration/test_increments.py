"""Incremental reading of tables: what is asked for, what proves it, and what is not believed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.errors import RetriesExhaustedError, SnapshotRefusedError
from campaign_monitor_assets.orchestration.incremental import warnings_of
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets.staging.records import Reason
from campaign_monitor_assets.warehouse.privacy_settings import PrivacySettings
from campaign_monitor_assets.warehouse.settings import PublishSettings, Strategy
from campaign_monitor_assets.warehouse.state import begin_reading
from campaign_monitor_assets_tests.orchestration.syncs import SCHEMA, Sync, Syncs

slow = pytest.mark.slow
ACTIVE = "active_subscribers"
OPENS = "campaign_opens"
JOINS = ("join", "join", "leave", "come_back")


@pytest.fixture(scope="module")
def _running() -> Iterator[Sandbox]:
    size = ("--today", "2026-02-01", "--lists", "1", "--subscribers", "260", "--campaigns", "5")
    with sandbox.start("--clients", "1", *size) as box:
        yield box


@pytest.fixture
def syncs(_running: Sandbox, tmp_path: Path) -> Iterator[Syncs]:
    """An account of one list on which much happened lately, not synced yet."""
    _running.reset()
    _running.live(days=3, most=15, kinds=["join"], reports=0)
    yield Syncs(_running, tmp_path / "account.duckdb")
    _running.reset()


def live(syncs: Syncs, *kinds: str, most: int = 3, reports: int = 0) -> list[dict[str, str]]:
    """Lets each kind of event happen at least once in a day."""
    happened = []
    for kind in dict.fromkeys(kinds):
        while not (new := syncs.box.live(kinds=[kind], most=most, days=0.2, reports=0)):
            pass
        happened += new
    if reports:
        syncs.box.live(kinds=[], days=0.2, reports=reports)
    return happened


def told(sync: Sync) -> str:
    return "\n".join(warnings_of(sync.staged))


def is_right(syncs: Syncs, table: str = ACTIVE) -> bool:
    return syncs.stored(table) == syncs.truth(table)


def test_what_was_added_is_asked_for(syncs: Syncs) -> None:
    """A day's arrivals and departures come by seven small requests, where a list has many pages."""
    first = syncs.sync(ACTIVE)
    assert first.reasons == {Reason.FIRST: 1}
    live(syncs, *JOINS, "bounce", "delete", "confirm")
    found = syncs.sync(ACTIVE)
    assert found.read.increments == 1
    assert is_right(syncs)
    fewest = 7
    assert fewest <= found.staged.requests <= fewest + 3 < first.staged.requests
    assert told(found) == ""


@pytest.mark.parametrize("hours", [1, 36.5])
def test_how_far_back_is_asked(syncs: Syncs, hours: float) -> None:
    """Records are asked for again from so many hours before the newest one, in part ones too."""
    syncs.extract = {"overlap_hours": hours}
    syncs.sync(ACTIVE)
    with syncs.database.connect(read_only=True) as connection:
        newest = connection.execute(f"select max(Date) from {SCHEMA}.{ACTIVE}").fetchall()[0][0]
    found = syncs.sync(ACTIVE)
    assert found.read.increments == 1
    asked = {entry["query"].get("date") for entry in syncs.box.requests()["requests"]}
    since = newest - timedelta(hours=hours)
    assert f"{since:%Y-%m-%d %H:%M}" in asked


@pytest.mark.slow
@pytest.mark.parametrize(
    "table",
    [
        pytest.param(name, marks=() if name in (OPENS, "suppression_list") else slow)
        for name, table in CATALOGUE.items()
        if table.increments is not None
    ],
)
def test_every_table_that_can_be(syncs: Syncs, table: str) -> None:
    """Each table that can be read incrementally is right after a few days of everything."""
    syncs.page_size = 11
    for _ in range(3):
        syncs.sync(table)
        assert is_right(syncs, table)
        live(syncs, "join", "leave", "bounce", "ask_to_join", "delete", reports=4)


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ({"what": "date", "misses": 2, "path": "/active"}, "leaves some out"),
        ({"what": "date", "misses": 9, "path": "/unsubscribed"}, "tell where they went"),
        ({"what": "date", "ignores": "time"}, "from before the time that was asked for"),
        ({"what": "error", "status": 400, "code": 5}, "is refused (code 5)"),
        *(
            pytest.param(*lie, marks=slow)
            for lie in (
                ({"what": "date", "shift": 24}, "leaves some out"),
                ({"what": "date", "shift": -24}, "from before the time that was asked for"),
                ({"what": "date", "ignores": "date"}, "gives all"),
                ({"what": "error", "code": 5, "status": 400, "path": "/bounced"}, "is refused"),
            )
        ),
    ],
)
def test_a_filter_that_lies(syncs: Syncs, lie: dict[str, Any], said: str) -> None:
    """The rows are right, it may take more requests, and a warning says what the filter did."""
    syncs.sync(ACTIVE)
    live(syncs, *JOINS)
    syncs.box.faults([{"times": None, "dated": True, **lie}])
    found = syncs.sync(ACTIVE)
    assert is_right(syncs)
    assert said in told(found)
    in_full = said != "from before the time that was asked for"
    assert found.reasons == ({Reason.UNPROVED: 1} if in_full else {})
    assert (found.staged.requests > found.read.full_requests) is in_full
    assert "@" not in told(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "lie",
    [
        {"what": "date", "shift": -48},
        pytest.param({"what": "date", "misses": 1}, marks=slow),
        pytest.param({"what": "date", "shift": 48}, marks=slow),
        pytest.param({"what": "date", "ignores": "time"}, marks=slow),
        pytest.param({"what": "date", "ignores": "date"}, marks=slow),
        pytest.param({"what": "error", "status": 400, "code": 5}, marks=slow),
    ],
)
def test_a_filter_of_events_that_lies(syncs: Syncs, lie: dict[str, Any]) -> None:
    """Events, which have no key to be merged by, are neither lost nor doubled."""
    syncs.page_size = 11
    syncs.box.live(kinds=[], days=3, reports=60)
    syncs.sync(OPENS)
    syncs.box.live(kinds=[], days=1, reports=30)
    syncs.box.faults([{"times": None, "dated": True, **lie}])
    found = syncs.sync(OPENS)
    assert is_right(syncs, OPENS)
    assert told(found)


@slow
def test_requests_of_large_lists(tmp_path: Path) -> None:
    """Of lists of 500 pages of which 0.1 % moved, at most 2 % of a full refresh's requests."""
    with sandbox.start("--bulk", "2x10000") as box:
        large = Syncs(box, tmp_path / "account.duckdb")
        first = large.sync(ACTIVE)
        for _ in range(3):
            box.move(0.001)
            found = large.sync(ACTIVE)
            assert found.read.increments == 2
            assert found.staged.requests <= 0.02 * first.staged.requests
            assert is_right(large)


def test_small_collections(syncs: Syncs) -> None:
    """What takes no more requests in full is read in full, and nothing else is asked."""
    syncs.page_size = 40
    syncs.sync(ACTIVE)
    live(syncs, *JOINS, "edit")
    found = syncs.sync(ACTIVE)
    assert found.reasons == {Reason.SMALL: 1}
    assert is_right(syncs)
    assert all("date" not in each["query"] for each in syncs.box.requests()["requests"])


@pytest.mark.slow
def test_as_much_as_the_whole(syncs: Syncs) -> None:
    """Where nearly all is new, all is read in full."""
    syncs.sync(ACTIVE)
    syncs.box.live(kinds=["join"] * 60, most=10, reports=0)
    found = syncs.sync(ACTIVE)
    assert found.reasons == {Reason.SMALL: 1}
    assert is_right(syncs)


def names(syncs: Syncs) -> set[str]:
    return {row[0] for row in syncs.query(f"select EmailAddress || Name from {ACTIVE}")}


def test_edits_show_at_the_next_full_reading(syncs: Syncs) -> None:
    """Edited names and changed addresses are not seen between full readings, and then they are."""
    syncs.sync(ACTIVE)
    kept = names(syncs)
    live(syncs, "edit", "change_address", most=9)
    assert syncs.sync(ACTIVE).read.increments == 1
    assert names(syncs) == kept
    assert not is_right(syncs)
    syncs.age(7)
    assert syncs.sync(ACTIVE).reasons == {Reason.DUE: 1}
    assert is_right(syncs)


def change_old(syncs: Syncs, *, gone: bool = False, came: bool = False) -> None:
    """Lets an old record vanish, one with an old date come, or both."""
    for list_id, rows in syncs.box.account(ACTIVE)[ACTIVE].items():
        rows.sort(key=lambda row: row["Date"])
        old = rows[1] | {"EmailAddress": "imported@example.com"}
        syncs.box.mutate(ACTIVE, list_id, [*rows[gone:], *([old] if came else [])])


def test_a_removal_for_good_that_hides_an_old_arrival(syncs: Syncs) -> None:
    """The two together are not seen until the next full reading, and then they are."""
    syncs.sync(ACTIVE)
    kept = names(syncs)
    change_old(syncs, gone=True, came=True)
    assert syncs.sync(ACTIVE).read.increments == 1
    assert names(syncs) == kept
    assert syncs.sync(ACTIVE, full=True).reasons == {Reason.ASKED: 1}
    assert is_right(syncs)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["gone", "came"])
def test_a_removal_for_good_or_an_old_arrival_alone(syncs: Syncs, what: str) -> None:
    """Each alone is noticed by its count, and the list is read in full at once."""
    syncs.sync(ACTIVE)
    change_old(syncs, **{what: True})
    found = syncs.sync(ACTIVE)
    assert found.reasons == {Reason.UNPROVED: 1}
    assert is_right(syncs)


@pytest.mark.slow
def test_a_departure_that_hides_an_old_arrival(syncs: Syncs) -> None:
    """Who left is asked for although the count fits, so an old arrival can't hide it."""
    syncs.sync(ACTIVE)
    live(syncs, "leave", most=1)
    change_old(syncs, came=True)
    assert syncs.sync(ACTIVE).reasons == {Reason.UNPROVED: 1}
    assert is_right(syncs)


def test_a_record_of_the_future(syncs: Syncs) -> None:
    """A date that is yet to come hides none of the records that come before it."""
    for list_id, rows in syncs.box.account(ACTIVE)[ACTIVE].items():
        syncs.box.mutate(ACTIVE, list_id, [rows[0] | {"Date": "2099-01-01 00:00:00"}, *rows[1:]])
    syncs.sync(ACTIVE)
    live(syncs, *JOINS)
    syncs.sync(ACTIVE)
    assert is_right(syncs)


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        f"drop table {ACTIVE}",
        f"delete from {ACTIVE} where rowid = 3",
        "delete from sync_parents",
        pytest.param("update sync_parents set settled = false", marks=slow),
        pytest.param("update sync_parents set form = null", marks=slow),
        pytest.param("delete from sync_log", marks=slow),
    ],
)
def test_a_snapshot_that_nothing_can_be_added_to(syncs: Syncs, change: str) -> None:
    """Where the table or its log is not what an increment needs, the list is read in full."""
    syncs.sync(ACTIVE)
    syncs.change(change)
    found = syncs.sync(ACTIVE)
    assert found.reasons == {Reason.FIRST: 1}
    assert is_right(syncs)


@pytest.mark.slow
def test_other_fields_are_wanted(syncs: Syncs) -> None:
    """Rows that were read without a field are not mixed with rows that have it."""
    syncs.sync(ACTIVE)
    syncs.extract = {"include_tracking_preference": True}
    assert syncs.sync(ACTIVE).reasons == {Reason.FIRST: 1}
    assert syncs.query(f"select count(*) from {ACTIVE} where ConsentToTrack is null") == [(0,)]


def test_two_accounts_in_one_file(syncs: Syncs) -> None:
    """Increments of one schema are added to the snapshots of that schema alone."""
    other = Syncs(syncs.box, syncs.path, schema="other")
    syncs.sync(ACTIVE)
    live(syncs, *JOINS)
    assert other.sync(ACTIVE).reasons == {Reason.FIRST: 1}
    live(syncs, *JOINS)
    assert other.sync(ACTIVE).read.increments == syncs.sync(ACTIVE).read.increments == 1
    assert is_right(syncs)
    assert is_right(other)


@pytest.mark.parametrize("strategy", [Strategy.MERGE, pytest.param(Strategy.REPLACE, marks=slow)])
def test_history_has_the_same_difference(syncs: Syncs, strategy: Strategy) -> None:
    """Every arrival and departure of an increment is a version that begins or ends, no other."""
    syncs.settings = PublishSettings(history=True, strategy=strategy)
    rows = syncs.sync(ACTIVE).published.written.rows
    happened = Counter(each["what"] for each in live(syncs, "join", "leave"))
    found = syncs.sync(ACTIVE)
    assert found.read.increments == 1
    changes = found.published.written.changes
    assert changes is not None
    assert (changes.inserted, changes.deleted) == (happened["join"], happened["leave"])
    assert changes.updated == 0
    versions = f"{SCHEMA}_history.{ACTIVE}"
    assert syncs.query(
        f"select count(*), count(_valid_to), count(distinct _valid_from) from {versions}"
    ) == [(rows + happened["join"], happened["leave"], 2)]
    assert is_right(syncs)


@pytest.mark.slow
def test_a_field_that_the_catalogue_does_not_know(syncs: Syncs) -> None:
    """A field that only arrivals have becomes a column, and rows that stay keep theirs."""
    syncs.sync(ACTIVE)
    live(syncs, "join")
    for list_id, rows in syncs.box.account(ACTIVE)[ACTIVE].items():
        newest = max(row["Date"] for row in rows)
        more = [row | ({"Shoe": 43} if row["Date"] == newest else {}) for row in rows]
        syncs.box.mutate(ACTIVE, list_id, more)
    assert syncs.sync(ACTIVE).read.increments == 1
    assert syncs.query(f"select count(*) from {ACTIVE} where Shoe = 43") == [(1,)]
    syncs.sync(ACTIVE)
    live(syncs, "leave")
    assert syncs.sync(ACTIVE).read.increments == 1
    assert is_right(syncs)
    assert syncs.query(f"select count(*) from {ACTIVE} where Shoe = 43")[0][0] <= 1


def bookkeeping(syncs: Syncs) -> Sequence[Any]:
    tables = (ACTIVE, "sync_log", "sync_log_parents")
    return [syncs.query(f"from {table} order by all") for table in tables]


def test_lasting_faults_leave_all_as_it_was(syncs: Syncs) -> None:
    """Where a question is never answered, the old snapshot and its bookkeeping stay whole."""
    syncs.sync(ACTIVE)
    before = bookkeeping(syncs)
    live(syncs, *JOINS)
    for path in ("/active", "/bounced"):
        syncs.box.faults([{"what": "500", "times": None, "dated": True, "path": path}])
        with pytest.raises(RetriesExhaustedError):
            syncs.sync(ACTIVE)
        assert bookkeeping(syncs) == before
    syncs.box.faults([])
    assert syncs.sync(ACTIVE).read.increments == 1
    assert is_right(syncs)


@pytest.mark.slow
def test_transient_errors(syncs: Syncs) -> None:
    """Refusals and errors that pass make an increment take longer, and nothing else."""
    syncs.sync(ACTIVE)
    live(syncs, *JOINS)
    faults = [{"what": "429", "reset_after": 0, "times": 2}, {"what": "503", "times": 1, "skip": 4}]
    syncs.box.faults(faults)
    assert syncs.sync(ACTIVE).read.increments == 1
    assert is_right(syncs)


@pytest.mark.slow
def test_a_campaign_that_is_deleted_meanwhile(syncs: Syncs) -> None:
    """A parent that was deleted since it was listed leaves no rows behind, as in a full refresh."""
    syncs.page_size = 11
    syncs.box.live(kinds=[], days=3, reports=60)
    syncs.sync(OPENS)
    gone, *_ = syncs.stored(OPENS)
    syncs.box.mutate(OPENS, gone, None)
    found = syncs.sync(OPENS)
    assert [each.parent["CampaignID"] for each in found.staged.missing] == [gone]
    assert found.read.increments >= 1
    assert is_right(syncs, OPENS)


def test_hashed_addresses_are_merged(syncs: Syncs) -> None:
    """Keys are hashed alike, so arrivals and departures find the rows that they are about."""
    everything = PublishSettings()
    syncs.sync(ACTIVE)
    hashing = PrivacySettings(preset="pseudonymous").resolve(
        {"CAMPAIGN_MONITOR_HASH_KEY": "a key that is long enough 0123456789"}
    )
    syncs.settings = replace(everything, privacy=hashing)
    assert syncs.sync(ACTIVE).reasons == {Reason.FIRST: 1}
    happened = Counter(each["what"] for each in live(syncs, "join", "leave", "come_back"))
    rows = syncs.query(f"select EmailAddress from {ACTIVE}")
    found = syncs.sync(ACTIVE)
    assert found.read.increments == 1
    changes = found.published.written.changes
    assert changes is not None
    assert changes.deleted == happened["leave"]
    assert (
        len(set(rows) - set(syncs.query(f"select EmailAddress from {ACTIVE}"))) == changes.deleted
    )
    syncs.settings = everything
    assert syncs.sync(ACTIVE).reasons == {Reason.FIRST: 1}
    assert is_right(syncs)


def test_two_spellings_of_a_hashed_address(syncs: Syncs) -> None:
    """A list on which an address stands twice is read in full until it stands there once."""
    hashing = PrivacySettings(columns={"EmailAddress": "hash"}).resolve(
        {"CAMPAIGN_MONITOR_HASH_KEY": "a key that is long enough 0123456789"}
    )
    syncs.settings = replace(PublishSettings(), privacy=hashing)
    syncs.sync(ACTIVE)
    [(list_id, rows)] = syncs.box.account(ACTIVE)[ACTIVE].items()
    newest = max(row["Date"] for row in rows)
    other = rows[7] | {"EmailAddress": rows[7]["EmailAddress"].upper(), "Date": newest}
    syncs.box.mutate(ACTIVE, list_id, [*rows, other])
    logged = f"select rows, reported, merged from sync_log_parents where table_name = '{ACTIVE}'"
    for reason in (Reason.UNPROVED, Reason.SPELLINGS, Reason.SPELLINGS):
        assert syncs.sync(ACTIVE).reasons == {reason: 1}
        assert syncs.query(logged) == [(len(rows), len(rows) + 1, 1)]
        assert syncs.query(f"select count(*), count(distinct EmailAddress) from {ACTIVE}") == [
            (len(rows), len(rows))
        ]
    syncs.box.mutate(ACTIVE, list_id, rows)
    assert syncs.sync(ACTIVE).reasons == {Reason.SPELLINGS: 1}
    assert syncs.sync(ACTIVE).read.increments == 1
    assert syncs.query(logged) == [(len(rows), len(rows), 0)]


def test_another_snapshot_takes_the_place_of_the_one_that_is_added_to(syncs: Syncs) -> None:
    """Increments are never added to another snapshot than the one that they were asked for."""
    syncs.sync(ACTIVE)
    number = begin_reading(syncs.database, SCHEMA)
    live(syncs, *JOINS)
    syncs.between = lambda: syncs.change(f"update sync_log set snapshot = {number}")
    with pytest.raises(SnapshotRefusedError, match="adds to the snapshot that was there"):
        syncs.sync(ACTIVE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("skip", "arrive", "leave"),
    [
        (0, 2, 2),
        (2, 1, 0),
        *(
            pytest.param(skip, *drift, marks=slow)
            for skip in range(8)
            for drift in ((1, 0), (0, 1), (1, 1), (3, 2))
        ),
    ],
)
def test_drift_between_the_questions(syncs: Syncs, skip: int, arrive: int, leave: int) -> None:
    """Whoever was there all along is there, and the next sync is exact."""
    syncs.sync(ACTIVE)
    live(syncs, *JOINS)
    before = syncs.truth(ACTIVE)
    churn = {"what": "churn", "path": "/active", "arrive": arrive, "leave": leave}
    syncs.box.faults([churn | {"skip": skip, "positions": list(range(3, 3 + leave))}])
    syncs.sync(ACTIVE)
    after = syncs.truth(ACTIVE)
    stored = syncs.stored(ACTIVE)
    for parent in before:
        assert before[parent] & after[parent] <= stored[parent]
        assert stored[parent] <= before[parent] | after[parent]
    syncs.box.faults([])
    syncs.sync(ACTIVE)
    assert is_right(syncs)
