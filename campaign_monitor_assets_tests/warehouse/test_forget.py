"""Forgetting people: no table, no history, no trial and no byte holds them any more."""

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from campaign_monitor_assets.errors import ConfigurationError, DatabaseError, SnapshotRefusedError
from campaign_monitor_assets.staging.folder import staging_folder
from campaign_monitor_assets.warehouse.forget import Forgotten, forget
from campaign_monitor_assets.warehouse.privacy import KEEP_ALL, Privacy
from campaign_monitor_assets.warehouse.publish import Published
from campaign_monitor_assets.warehouse.removal import pattern_of
from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.warehouse.snapshots import SCHEMA, Warehouse, person
from campaign_monitor_assets_tests.warehouse.test_enforce import everything, keeping
from campaign_monitor_assets_tests.warehouse.test_privacy import field, resolved

ANN = "ann.o'neil+news@unheard-of.example"
OTHERS = ("joann.o'neil+news@unheard-of.example", "ann.o'neil+news@unheard-of.example.org", "b@c.d")


def filled(folder: Path, privacy: Privacy = KEEP_ALL) -> Warehouse:
    """Ann in every kind of place, in several spellings, beside people whose addresses are alike."""
    people = keeping(folder, privacy)
    ann = person(ANN, Name="Ann Unheard", MobileNumber="+49151", Nickname="Annie Unheard")
    friend = person(OTHERS[2], CustomFields=[field("Friend", f"see {ANN.upper()}")], Friend=[ANN])
    rest = [person(address, Name="Somebody") for address in OTHERS[:2]]
    people.publish({"a": [ann, friend, *rest], "b": [ann | {"EmailAddress": f" {ANN.title()} "}]})
    people.publish({"a": [ann | {"Name": "Ann Unheard-Of"}, friend, *rest], "b": []})
    keeping(folder, privacy, "campaign_clicks").publish(
        {
            "c": [
                {"EmailAddress": ANN, "ListID": "a", "IPAddress": "192.0.2.77"},
                {"EmailAddress": OTHERS[2], "URL": f"https://x.example/?who={link(ANN)}&a=1"},
            ]
        }
    )
    keeping(folder, privacy, "campaigns").publish(
        {"k": [{"CampaignID": "c", "Name": "News", "FromName": "Ann Unheard", "FromEmail": ANN}]}
    )
    keeping(folder, privacy, "client_details").publish(
        {"k": [{"BasicDetails": {"ContactName": "Ann Unheard", "EmailAddress": ANN}}]}
    )
    keeping(folder, privacy, "segment_details").publish(
        {"s": [{"RuleGroups": [{"Rules": [{"RuleType": "x", "Clause": f"EQUALS {ANN}"}]}]}]}
    )
    people.query("create schema account_trial")
    people.query("create table account_trial.active_subscribers as from active_subscribers")
    return people


def link(address: str) -> str:
    return address.replace("@", "%40").replace("'", "%27").replace("+", "%2B")


def of_ann(store: Warehouse, forgotten: Forgotten) -> None:
    """Nothing of Ann is in what can be queried, in a byte of the folder, or in what is told."""
    held = [everything(store), warehouses.catalogue(store.path), *map(str, forgotten.lines())]
    for text in held:
        assert not re.search(r"Ann Unheard|Annie|\+49151|192\.0\.2\.77", text)
        assert not re.search(pattern(), text), text
    for file in warehouses.files(store.path):
        assert not re.search("Unheard|49151", file.read_bytes().decode("latin-1"))
        assert not re.search(pattern(), file.read_bytes().decode("latin-1"))


def pattern() -> str:
    escaped = "|".join(re.escape(each) for each in (ANN, link(ANN)))
    return rf"(?i)(?<!jo)({escaped})(?!\.org)"


@pytest.mark.parametrize("preset", ["keep", pytest.param("pseudonymous", marks=pytest.mark.slow)])
def test_nothing_of_a_person_is_left(tmp_path: Path, preset: str) -> None:
    """Rows about the person go, other rows lose the address; people with like addresses stay."""
    privacy = resolved(preset)
    store = filled(tmp_path, privacy)
    kept = "select count(*) from {}active_subscribers"
    before = [store.query(kept.format(place))[0][0] for place in ("", "account_history.")]
    if preset == "keep" and warehouses.KIND != "file":
        assert ANN in warehouses.catalogue(store.path).replace("''", "'"), (
            "it has bounds of columns"
        )
    forgotten = forget(store.database, SCHEMA, [f"  {ANN.upper()} "], privacy)
    of_ann(store, forgotten)
    rows = forgotten.removed.rows
    assert rows["account.active_subscribers"] == rows["account_trial.active_subscribers"] == 1
    # Without her name, nothing of her has changed.
    versions = 3 if preset == "keep" else 2
    assert rows["account_history.active_subscribers"] == versions
    assert rows["account.campaign_clicks"] == 1
    after = [store.query(kept.format(place))[0][0] for place in ("", "account_history.")]
    assert after == [before[0] - 1, before[1] - versions] == [3, 3]
    assert store.query("select Name, FromName, FromEmail from campaigns") == [("News", None, None)]
    assert store.query("select count(*) from campaign_clicks") == [(1,)]
    if preset == "keep":
        assert set(store.query("select EmailAddress from active_subscribers")) == {
            (address,) for address in OTHERS
        }
        assert store.query(
            "select CustomFields, Friend from active_subscribers where len(CustomFields) > 0"
        ) == [([field("Friend", "see (forgotten)")], '["(forgotten)"]')]
        assert store.query("select URL from campaign_clicks") == [
            ("https://x.example/?who=(forgotten)&a=1",)
        ]
        assert store.query("select RuleGroups[1].Rules[1].Clause from segment_details") == [
            ("EQUALS (forgotten)",)
        ]
    again = forget(store.database, SCHEMA, [ANN], privacy)
    assert again.lines()[0] == "No table of the account holds the address."


@pytest.mark.slow
def test_what_is_logged_of_a_snapshot_follows(tmp_path: Path) -> None:
    """Rows and reported rows of the parents fall with the rows, so that checks pass as before."""
    store = filled(tmp_path)
    forget(store.database, SCHEMA, [ANN], KEEP_ALL)
    assert store.query(
        "select parent, rows, reported from sync_log_parents"
        " where table_name = 'active_subscribers' order by all"
    ) == [("a", 3, 3), ("b", 0, 0)]


@pytest.mark.slow
def test_a_history_goes_on_after_forgetting(tmp_path: Path) -> None:
    """The next snapshot without the person changes nothing, and the versions of others go on."""
    store = filled(tmp_path)
    forget(store.database, SCHEMA, [ANN], KEEP_ALL)
    before = store.query("from account_history.active_subscribers order by all")
    rest = [person(address, Name="Somebody") for address in OTHERS[:2]]
    friend = person(OTHERS[2], CustomFields=[field("Friend", "see (forgotten)")])
    store.publish({"a": [friend | {"Friend": ["(forgotten)"]}, *rest], "b": []})
    assert store.query("from account_history.active_subscribers order by all") == before


@pytest.mark.slow
def test_tables_of_ones_own_are_named(tmp_path: Path) -> None:
    """A table that is not the account's is left alone, and the report says that it holds them."""
    store = filled(tmp_path)
    with warehouses.opened(store.path) as connection:
        connection.execute("create schema mine; create table mine.people (who varchar)")
        connection.execute("insert into mine.people values (?), ('nobody')", [ANN])
    forgotten = forget(store.database, SCHEMA, [ANN], KEEP_ALL)
    assert forgotten.removed.elsewhere == {"mine.people": 1}
    assert any("mine.people: 1 rows still hold" in line for line in forgotten.lines())


def test_hashes_need_their_key(tmp_path: Path) -> None:
    """Where addresses are hashed, nobody is found without the key: an error, not a promise."""
    store = filled(tmp_path, resolved("pseudonymous"))
    with pytest.raises(ConfigurationError, match="takes the key"):
        forget(store.database, SCHEMA, [ANN], KEEP_ALL)


@pytest.mark.parametrize("given", ["", "Ann", "Ann <ann@example.com>", "a@b c@d", "ann@"])
def test_what_is_no_address_is_refused_and_not_repeated(tmp_path: Path, given: str) -> None:
    """The error says what is allowed, and doesn't repeat what was given."""
    store = keeping(tmp_path, KEEP_ALL)
    store.publish({"a": []})
    with pytest.raises(ConfigurationError, match="is not an e-mail address") as refused:
        forget(store.database, SCHEMA, [given], KEEP_ALL)
    assert not given or given not in str(refused.value)


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """To forget somebody in a file that isn't there is a mistake, and makes none."""
    store = keeping(tmp_path, KEEP_ALL)
    with pytest.raises(DatabaseError, match="does not exist"):
        forget(store.database, SCHEMA, [ANN], KEEP_ALL)
    assert not store.path.exists()


@pytest.mark.slow
def test_what_was_read_before_is_not_published(tmp_path: Path) -> None:
    """A run that began to read before somebody was forgotten can't bring them back; a later can."""
    store, other = filled(tmp_path), keeping(tmp_path, KEEP_ALL, "unsubscribed_subscribers")
    begun = store.begin()
    forget(store.database, SCHEMA, [ANN], KEEP_ALL)
    for each in (store, other):
        for publish in (each.publish, each.publish_trial):
            with pytest.raises(SnapshotRefusedError, match=r"somebody was forgotten.*Run it again"):
                publish({"a": [person(ANN)]}, reading=begun)
    assert not re.search(pattern(), everything(store))
    assert isinstance(store.publish({"a": [person("b@c.d")]}), Published)


@pytest.mark.slow
def test_many_are_forgotten_together(tmp_path: Path) -> None:
    """More than are searched for at a time: each row is counted once, and all of them go."""
    store = keeping(tmp_path, KEEP_ALL)
    addresses = [f"nobody.{number}@unheard-of.example" for number in range(250)]
    texts = [field("Friends", f"{addresses[0]}, {addresses[249]}"), field("Friend", "b@c.d")]
    store.publish(
        {"a": [*map(person, addresses), person("b@c.d", CustomFields=texts), person("e@f.g")]}
    )
    forgotten = forget(store.database, SCHEMA, addresses, KEEP_ALL)
    assert forgotten.removed.rows["account.active_subscribers"] == 250
    assert forgotten.removed.cleared["account.active_subscribers"] == 1
    assert store.query("select EmailAddress from active_subscribers order by 1") == [
        ("b@c.d",),
        ("e@f.g",),
    ]
    assert store.query("select CustomFields[1].Value from active_subscribers order by all")[0] == (
        "(forgotten), (forgotten)",
    )


@pytest.mark.slow
def test_staged_rows_of_killed_runs_go_and_a_run_is_told(tmp_path: Path) -> None:
    """What a killed run staged is removed; a run that is reading is mentioned."""
    store = filled(tmp_path)
    root = store.database.staging_root
    left = root / "sync-killed"
    left.mkdir(parents=True)
    (left / "lock").touch()
    (left / "active_subscribers.rows.ndjson").write_text(ANN)
    assert not forget(store.database, SCHEMA, [ANN], KEEP_ALL).is_reading
    assert not root.exists()
    with staging_folder(root):
        told = forget(store.database, SCHEMA, [ANN], KEEP_ALL).lines()
    assert any("A run is reading" in line for line in told)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("ann@x.de", True),
        ("ANN@X.DE", True),
        ("<ann@x.de>, more", True),
        ("write to ann@x.de.", True),
        ("mailto%3Aann%40x%2Ede", True),
        (r"{\"a\":\"ann\u0040x.de\"}", True),
        ("ann@x.de,ann@x.de", True),
        ("joann@x.de", False),
        ("jo.ann@x.de", False),
        ("jo+ann@x.de", False),
        ("müann@x.de", False),
        ("ann@x.dev", False),
        ("ann@x.de.org", False),
        ("ann@x-de", False),
        ("annx.de", False),
    ],
)
def test_an_address_within_a_text(text: str, holds: bool) -> None:  # noqa: FBT001
    """An address is found in any letters and escaped, and not as a part of another one."""
    found: Any = duckdb.execute(
        "select regexp_matches(?, ?)", [text, pattern_of(["Ann@x.de"])]
    ).fetchone()
    assert found == (holds,)
