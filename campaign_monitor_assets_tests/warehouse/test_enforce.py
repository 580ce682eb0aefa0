"""A change of `privacy`: what was stored before is brought under the new rules."""

from pathlib import Path
from typing import Any

import pytest

from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.warehouse.privacy import KEEP_ALL, Privacy
from campaign_monitor_assets.warehouse.privacy_settings import PrivacySettings
from campaign_monitor_assets.warehouse.publish import Published
from campaign_monitor_assets.warehouse.settings import PublishSettings
from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.warehouse.snapshots import SCHEMA, Warehouse, person
from campaign_monitor_assets_tests.warehouse.test_privacy import (
    ENVIRONMENT,
    field,
    hash_of,
    resolved,
)

CLEAR = b"unheard-of"
"""What stands in every personal value below."""


def keeping(folder: Path, privacy: Privacy, table: str = "active_subscribers") -> Warehouse:
    settings = PublishSettings(privacy=privacy, history=True)
    return Warehouse(folder / "a.duckdb", table=table, settings=settings)


def known(number: int, **more: Any) -> dict[str, Any]:
    return person(
        f"{number}@unheard-of.com",
        Name=f"unheard-of {number}",
        CustomFields=[field("Plan", "Gold"), field("Pet", "unheard-of")],
        Nickname="unheard-of",
        **more,
    )


def filled(folder: Path, table: str = "active_subscribers") -> Warehouse:
    """Clear rows in a table, its history and its trial."""
    store = keeping(folder, KEEP_ALL, table)
    store.publish({"a": [known(1), known(2)], "b": [known(1)]})
    store.publish({"a": [known(1), known(3)], "b": [known(1)]})
    store.query("create schema if not exists account_trial")
    store.query(f"create table account_trial.{table} as from {table}")
    return store


def everything(store: Warehouse) -> str:
    """All that can be queried, of all tables of the file."""
    tables = store.query(
        "select schema_name, table_name from duckdb_tables()"
        " where database_name = current_database()"
    )
    return "".join(str(store.query(f'from "{schema}"."{table}"')) for schema, table in tables)


def test_a_switch_leaves_nothing_clear(tmp_path: Path) -> None:
    """With the first snapshot under new rules all tables, histories and trials follow them."""
    store = filled(tmp_path)
    other = filled(tmp_path, "bounced_subscribers")
    assert [each for each in warehouses.files(store.path) if CLEAR in each.read_bytes()]
    privacy = resolved("pseudonymous", keep_custom_fields=["Plan"])
    now = keeping(tmp_path, privacy)
    published = now.publish({"a": [known(1), known(3)], "b": [known(1)]})
    assert isinstance(published, Published)
    assert published.bytes_left
    assert published.written.changes is not None
    assert not published.written.changes.any
    store.clean()
    assert CLEAR.decode() not in everything(store)
    assert CLEAR.decode() not in warehouses.catalogue(store.path)
    assert not [each for each in warehouses.files(store.path) if CLEAR in each.read_bytes()]
    # The other table was not read again.
    assert other.query(
        "select distinct EmailAddress, Name, CustomFields from bounced_subscribers order by all"
    ) == sorted((hash_of(f"{n}@unheard-of.com"), None, [field("Plan", "Gold")]) for n in (1, 3))


def test_histories_go_on_after_a_switch(tmp_path: Path) -> None:
    """The versions that were there stay, hashed, and only real changes begin further ones."""
    filled(tmp_path)
    versions = "select count(*), count(_valid_to), min(_valid_from) from account_history.{}"
    store = keeping(tmp_path, resolved("pseudonymous"))
    [(before, ended, begun)] = store.query(versions.format("active_subscribers"))
    store.publish({"a": [known(1), known(3)], "b": [known(1)]})
    assert store.query(versions.format("active_subscribers")) == [(before, ended, begun)]
    store.publish({"a": [known(3), known(4)], "b": [known(1)]})
    assert store.query(versions.format("active_subscribers")) == [(before + 1, ended + 1, begun)]
    described = dict(
        store.query(
            "select column_name, comment from duckdb_columns()"
            " where schema_name = 'account_history' and table_name = 'active_subscribers'"
        )
    )
    assert described["_valid_from"]


def test_a_second_run_finds_nothing_to_do(tmp_path: Path) -> None:
    """Only the first snapshot after a change cleans; loosening cleans nothing."""
    store = filled(tmp_path)
    rows = {"a": [known(1), known(3)], "b": [known(1)]}
    for privacy, cleaned in (
        (resolved("pseudonymous"), True),
        (resolved("pseudonymous"), False),
        (resolved("pseudonymous", columns={"Name": "keep"}), False),
        (KEEP_ALL, False),
        # What was stored in between is clear.
        (resolved("pseudonymous"), True),
        (resolved("pseudonymous", email_domain=True), False),
    ):
        published = keeping(tmp_path, privacy).publish(rows)
        assert isinstance(published, Published)
        assert published.bytes_left is cleaned
        if cleaned:
            # Until the file is written anew, each snapshot asks for it.
            again = keeping(tmp_path, privacy).publish(rows)
            assert isinstance(again, Published)
            assert again.bytes_left
            store.clean()
    assert "unheard-of 1" not in everything(store)


def test_a_domain_that_is_no_longer_wanted_goes(tmp_path: Path) -> None:
    """Domains are there for old rows too once they are wanted, and leave once they are not."""
    filled(tmp_path)
    history = "select EmailDomain from account_history.active_subscribers"
    rows = {"a": [known(1), known(3)], "b": [known(1)]}
    store = keeping(tmp_path, resolved("pseudonymous", email_domain=True))
    store.publish(rows)
    assert set(store.query(history)) == {("unheard-of.com",)}
    keeping(tmp_path, resolved("pseudonymous")).publish(rows)
    assert "EmailDomain" not in str(store.query("describe account_history.active_subscribers"))


def test_another_key_is_refused(tmp_path: Path) -> None:
    """Under another key the same address would be two, so nothing is written and nothing told."""
    store = keeping(tmp_path, resolved("pseudonymous"))
    store.publish({"a": [known(1)]})
    other = PrivacySettings(preset="pseudonymous").resolve({"CAMPAIGN_MONITOR_HASH_KEY": "o" * 32})
    with pytest.raises(ConfigurationError, match="hashed with another key") as refused:
        keeping(tmp_path, other).publish({"a": [known(2)]})
    assert "o" * 32 not in str(refused.value)
    assert store.query("select EmailAddress from active_subscribers") == [
        (hash_of("1@unheard-of.com"),)
    ]
    key = ENVIRONMENT["CAMPAIGN_MONITOR_HASH_KEY"]
    for file in warehouses.files(store.path):
        assert key.encode() not in file.read_bytes()
    assert store.query(f"select rules::json->>'hash' from {SCHEMA}.sync_privacy")[0][0]
