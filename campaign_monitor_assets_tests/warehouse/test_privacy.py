"""What becomes of personal data between the staged rows and the tables."""

import hashlib
import hmac
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.warehouse.privacy import Action, Privacy
from campaign_monitor_assets.warehouse.privacy_settings import PrivacySettings
from campaign_monitor_assets.warehouse.publish import Published
from campaign_monitor_assets.warehouse.settings import PublishSettings
from campaign_monitor_assets_tests.warehouse.crashes import COMMITTED, kill
from campaign_monitor_assets_tests.warehouse.snapshots import Warehouse, person

KEY = "a key of the tests, which is long enough"
ENVIRONMENT = {"CAMPAIGN_MONITOR_HASH_KEY": KEY}


def resolved(preset: str = "keep", **said: Any) -> Privacy:
    return PrivacySettings(preset=preset, **said).resolve(ENVIRONMENT)


def hash_of(address: str, key: str = KEY) -> str:
    return hmac.new(key.encode(), address.encode(), hashlib.sha256).hexdigest()


def warehouse(folder: Path, privacy: Privacy, table: str = "active_subscribers") -> Warehouse:
    return Warehouse(folder / "a.duckdb", table=table, settings=PublishSettings(privacy=privacy))


def field(key: str, value: str) -> dict[str, str]:
    return {"Key": key, "Value": value}


def test_pseudonymous_keeps_what_names_nobody(tmp_path: Path) -> None:
    """Addresses are hashed, names left out, and of custom fields the named ones stay."""
    store = warehouse(
        tmp_path, resolved("pseudonymous", keep_custom_fields=["[plan]", " Favourite Colour "])
    )
    ann = person(
        "  Ann@Example.com ",
        Name="Ann",
        MobileNumber="+4915112345",
        CustomFields=[
            field("Plan", "Gold"),
            field("[favourite colour]", "red"),
            field("Birthday", "1990/02/28"),
        ],
        Nickname="Annie",
        Date="2026-01-01 08:00:00",
    )
    published = store.publish({"a": [ann, person("bob@example.com", CustomFields=None)]})
    found = store.query(
        "select EmailAddress, Name, MobileNumber, CustomFields, State, Date::varchar"
        " from active_subscribers order by Date nulls last"
    )
    kept = [field("Plan", "Gold"), field("[favourite colour]", "red")]
    assert found == [
        (hash_of("ann@example.com"), None, None, kept, "Active", "2026-01-01 08:00:00"),
        (hash_of("bob@example.com"), None, None, None, "Active", None),
    ]
    assert "Nickname" not in [name for name, *_ in store.query("describe active_subscribers")]
    assert isinstance(published, Published)
    assert published.loaded.left_out == ("Nickname",)
    assert published.loaded.malformed == {}


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    address=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
    key=st.text("abcXYZ 0189é", min_size=40, max_size=90).filter(lambda key: key == key.strip()),
)
@pytest.mark.slow
def test_a_hash_is_an_hmac(
    tmp_path_factory: pytest.TempPathFactory, address: str, key: str
) -> None:
    """The hash of an address is HMAC-SHA-256, whatever the length of the key and the characters."""
    privacy = PrivacySettings(columns={"EmailAddress": "hash"}).resolve(
        {"CAMPAIGN_MONITOR_HASH_KEY": key}
    )
    store = warehouse(tmp_path_factory.mktemp("hash"), privacy)
    store.publish({"a": [person(address)]})
    [(found, plain)] = store.query(
        "select EmailAddress, lower(trim('" + address.replace("'", "''") + "'))"
        " from active_subscribers"
    )
    assert found == (hash_of(plain, key) if plain else "")


def test_nothing_clear_in_what_a_killed_process_leaves(tmp_path: Path) -> None:
    """What was committed waits in the write-ahead log, and nobody stands there either."""
    store = warehouse(tmp_path, resolved("pseudonymous"))
    rows = {"a": [person("ann@unheard-of.example", Name="unheard-of", Nickname="unheard-of")]}
    kill(partial(store.publish, rows, reading=1), COMMITTED)
    log = store.path.with_name(f"{store.path.name}.wal")
    assert hash_of("ann@unheard-of.example").encode() in log.read_bytes()
    left = [each for each in tmp_path.iterdir() if each.is_file()]
    assert not [each for each in left if b"unheard-of" in each.read_bytes()]
    assert not [each for each in left if KEY.encode() in each.read_bytes()]


def test_a_domain_beside_the_hash(tmp_path: Path) -> None:
    """On request the domain of a hashed address stands beside it, in small letters."""
    privacy = resolved("pseudonymous", email_domain=True)
    store = warehouse(tmp_path, privacy)
    store.publish({"a": [person("Ann@Example.COM "), person("no address")]})
    assert store.query("select EmailDomain from active_subscribers order by all") == [
        ("example.com",),
        (None,),
    ]
    assert not resolved(email_domain=True).has_domain("active_subscribers")


def test_the_details_of_a_client_without_its_contact(tmp_path: Path) -> None:
    """Company, country and time zone stay, which views need; the person who is its contact goes."""
    store = warehouse(tmp_path, resolved("pseudonymous"), "client_details")
    details = {
        "ClientID": "c",
        "CompanyName": "Firm",
        "ContactName": "Ann",
        "EmailAddress": "Ann@example.com",
        "Country": "Chile",
        "TimeZone": "(GMT) UTC",
    }
    store.publish({"c": [{"BasicDetails": details, "BillingDetails": {"Name": "Ann"}}]})
    store.publish({"c": [{"BasicDetails": details}], "d": [{"BasicDetails": None}]})
    cleaned = details | {"ContactName": None, "EmailAddress": hash_of("ann@example.com")}
    assert store.query(
        "select ClientID, BasicDetails, BillingDetails from client_details order by all"
    ) == [("c", cleaned, None), ("d", None, None)]


def test_a_column_of_a_table_counts_more_than_its_name_and_that_more_than_the_preset() -> None:
    """`table.column` before a column's name, a column's name before the preset."""
    privacy = resolved(
        "pseudonymous",
        columns={
            "unsubscribed_subscribers.Name": "hash",
            "Name": "keep",
            "campaigns.Subject": "drop",
            "IPAddress": "hash",
        },
    )
    assert privacy.action("active_subscribers", "Name") is Action.KEEP
    assert privacy.action("unsubscribed_subscribers", "Name") is Action.HASH
    assert privacy.action("campaigns", "Subject") is Action.DROP
    assert privacy.action("scheduled_campaigns", "Subject") is Action.KEEP
    assert privacy.action("campaign_opens", "IPAddress") is Action.HASH
    assert privacy.action("campaign_opens", "City") is Action.DROP


def test_a_name_means_the_personal_columns_of_that_name() -> None:
    """`Name: drop` leaves out the names of people, not those of lists and campaigns."""
    dropped = {table for table, column in resolved(columns={"Name": "drop"}).actions}
    assert "active_subscribers" in dropped
    assert "people" in dropped
    assert dropped.isdisjoint({"lists", "tags", "campaigns", "clients"})


@pytest.mark.parametrize("table", CATALOGUE.values(), ids=lambda table: table.name)
def test_pseudonymous_decides_every_personal_column(table: Any) -> None:
    """Whatever is personal is hashed, left out or cleaned, and nothing else is touched."""
    privacy = resolved("pseudonymous")
    for column in table.columns:
        action = privacy.action(table.name, column.name)
        assert (action is not Action.KEEP) == column.personal, column.name
        assert (action is Action.HASH) == column.address, column.name
        assert not column.address or column.personal
        assert action is not Action.DROP or column.name not in table.key


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"EmailAdress": "hash"}, "Did you mean EmailAddress?"),
        ({"active_subscribers.Nam": "drop"}, "Did you mean active_subscribers.Name?"),
        ({"subscribers.Name": "drop"}, "Allowed: the name of a column, or table.column"),
        ({"EmailAddress": "drop"}, "part of the key (ClientID, EmailAddress)"),
        ({"active_subscribers.EmailAddress": "drop"}, "Allowed for it: keep or hash"),
        ({"lists.ListID": "hash"}, "a key by which other tables are read"),
        ({"campaign_recipients.ListID": "hash"}, "a key by which other tables are read"),
        ({"active_subscribers.ClientID": "drop"}, "a key by which other tables are read"),
        ({"clients.Name": "drop"}, "clients can be chosen by it"),
        ({"campaigns.SentDate": "drop"}, "report_windows go by it"),
        ({"CustomFields": "hash"}, "Allowed for it: keep or drop"),
        ({"Latitude": "hash"}, "holds no text but DOUBLE"),
        ({"list_stats.TotalBounces": "drop"}, "checks and the report compare with it"),
        ({"campaign_opens.Date": "hash"}, "holds no text but TIMESTAMP"),
    ],
)
def test_what_is_not_possible_is_refused(columns: dict[str, str], said: str) -> None:
    """A column that isn't known, or an action that isn't possible for it, is an error."""
    with pytest.raises(ConfigurationError) as refused:
        resolved(columns=columns)
    assert said in str(refused.value)
    assert next(iter(columns)) in str(refused.value)


@pytest.mark.parametrize("environment", [{}, {"OWN_KEY": ""}, {"OWN_KEY": "  "}])
def test_the_key_must_be_there(environment: dict[str, str]) -> None:
    """Without a key there are no hashes, and the error says how to make one."""
    said = PrivacySettings(preset="pseudonymous", hash_key_variable="OWN_KEY")
    with pytest.raises(ConfigurationError, match=r"OWN_KEY is not set.*openssl rand"):
        said.resolve(environment)
    assert said.resolve({"OWN_KEY": f" {KEY}\n"}).key == KEY.encode()


def test_a_short_key_is_refused_and_not_repeated() -> None:
    """The error says how long the key is, never what it is; nor does any text of the rules."""
    with pytest.raises(ConfigurationError, match="has 9 characters") as refused:
        PrivacySettings(preset="pseudonymous").resolve({"CAMPAIGN_MONITOR_HASH_KEY": "my secret"})
    assert "my secret" not in str(refused.value)
    privacy = resolved("pseudonymous")
    assert KEY not in f"{privacy!r} {privacy} {privacy.rules} {privacy.key_check}"


def test_custom_fields_are_kept_by_a_preset_only() -> None:
    """To name the custom fields that are kept where all are is an error."""
    with pytest.raises(ConfigurationError, match="goes with `preset: pseudonymous`"):
        resolved(keep_custom_fields=["Plan"])
