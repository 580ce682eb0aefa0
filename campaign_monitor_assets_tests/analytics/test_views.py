"""The analytics views against figures worked out by hand on an account of a few rows."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
import pytest
import requests

from campaign_monitor_assets.analytics import VIEWS
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets.warehouse.quoting import identifier
from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.project import Project, failures, key
from campaign_monitor_assets_tests.small_account import (
    EMPTY,
    NEWS,
    NOWHERE,
    OTHERS,
    SYDNEY,
    VIP,
    active,
    fill,
)

SCHEMA = "campaign_monitor_analytics"
TABLES = sorted({name for view in VIEWS.values() for name in view.needs} - set(VIEWS))


def view_key(name: str) -> dg.AssetKey:
    return dg.AssetKey([SCHEMA, name])


def run(project: Project, tables: Iterable[str], views: Iterable[str]) -> Any:
    """Materializes tables and views in a real run."""
    job = project.definitions().resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        asset_selection=[*map(key, tables), *map(view_key, views)], raise_on_error=False
    )


def metadata(result: dg.ExecuteInProcessResult, view: str) -> dict[str, Any]:
    [found] = result.asset_materializations_for_node(f"{SCHEMA}__{view}")
    return {name: value.value for name, value in found.metadata.items()}


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def rows(project: Project, view: str, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
    return project.query(f"select {columns} from {SCHEMA}.{view} where {where} order by all")


@pytest.fixture(scope="module")
def made(
    running: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Project, dg.ExecuteInProcessResult]:
    """The account of a few rows in DuckDB, with every view, and the run that made it."""
    running.reset()
    fill(running)
    project = Project(running, tmp_path_factory.mktemp("analytics") / "account.duckdb")
    result = run(project, TABLES, VIEWS)
    assert result.success, failures(result)
    running.reset()
    return project, result


@pytest.fixture
def account(made: tuple[Project, dg.ExecuteInProcessResult]) -> Project:
    return made[0]


@pytest.fixture
def own(made: tuple[Project, dg.ExecuteInProcessResult], box: Sandbox, tmp_path: Path) -> Project:
    """The account in a file and a sandbox that the test may change."""
    fill(box)
    return made[0].copy_to(tmp_path / "account.duckdb")


RATES = "OpenRate, ClickRate, ClickToOpenRate, BounceRate, UnsubscribeRate, ComplaintRate"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        # 8 of 10 arrived, 4 of these 8 opened it, and so on.
        (1, (10, 8, 0.5, 0.25, 0.5, 0.2, 0.125, 0)),
        (3, (0, 0, None, None, None, None, None, None)),
        (4, (7, None, None, None, None, None, None, None)),
        (5, (3, 0, None, None, None, 1, None, None)),
    ],
)
def test_campaign_rates(account: Project, number: int, expected: tuple[Any, ...]) -> None:
    """Rates are shares of what arrived; a share of nothing and one not reported yet are NULL."""
    columns = f"Recipients, Delivered, {RATES}"
    assert rows(account, "campaign_performance", columns, f"Name = '№ {number}'") == [expected]


def test_campaigns_are_named(account: Project) -> None:
    """Each sent campaign is one row with the names that people know it by."""
    columns = "ClientName, Name, Subject, SentDate"
    found = rows(account, "campaign_performance", columns, f"ClientID = '{SYDNEY}'")
    assert len(found) == 5
    assert found[0] == ("Ärzte & Söhne 東京", "№ 1", "Grüße 🌱", at("2026-01-15 12:00:00"))


def test_rates_of_a_month_are_of_its_sums(account: Project) -> None:
    """A month's rates weigh its campaigns by size, and pass over those not reported yet."""
    columns = f"Month, Campaigns, Recipients, Delivered, {RATES}"
    found = rows(account, "campaign_performance_by_month", columns, f"ClientID = '{SYDNEY}'")
    assert found == [
        (date(2026, 1, 1), 2, 100, 90, 0.1, 0.1, 1.0, 0.1, 0.1, 0.1),
        (date(2026, 4, 1), 1, 3, 0, None, None, None, 1.0, None, None),
        (date(2026, 7, 1), 2, 0, 0, None, None, None, None, None, None),
    ]


def test_list_growth(account: Project) -> None:
    """Each list's months tell who joined, left and bounced; the last sum is who is active."""
    columns = 'ListName, Month, Joined, "Left", Bounced, Net, Subscribers'
    found = rows(account, "list_growth_by_month", columns)
    assert found == [
        ("NEWS!", date(2026, 5, 1), 1, 0, 0, 1, 1),
        ("News ✨", date(2026, 1, 1), 3, 0, 0, 3, 3),
        ("News ✨", date(2026, 2, 1), 2, 0, 1, 1, 4),
        ("News ✨", date(2026, 3, 1), 0, 1, 0, -1, 3),
        ("VIP", date(2025, 12, 1), 1, 0, 0, 1, 1),
        ("VIP", date(2026, 1, 1), 1, 1, 1, -1, 0),
        ("VIP", date(2026, 2, 1), 1, 1, 0, 0, 0),
        ("VIP", date(2026, 3, 1), 1, 0, 0, 1, 1),
    ]


def test_growth_without_dates(own: Project) -> None:
    """Who joined on no known day stands under no month, first, so that the sums still hold."""
    undated = active("new@example.com", joined="2026-06-01") | {"ListJoinedDate": ""}
    known = active("sue@example.com", joined="2026-05-01")
    own.box.mutate("active_subscribers", OTHERS, [known, undated])
    result = run(own, ["active_subscribers"], ["list_growth_by_month"])
    assert result.success, failures(result)
    columns, where = "Month, Joined, Subscribers", f"ListID = '{OTHERS}'"
    assert rows(own, "list_growth_by_month", columns, where) == [
        (date(2026, 5, 1), 1, 2),
        (None, 1, 1),
    ]


def test_state_by_list(account: Project) -> None:
    """Every list is counted, empty ones too, and the suppressed are not to be mailed."""
    columns = "ListName, Active, Unsubscribed, Bounced, Suppressed, MayBeMailed"
    assert rows(account, "subscribers_by_list", columns) == [
        ("NEWS!", 1, 0, 0, 0, 1),
        ("News ✨", 3, 1, 1, 1, 2),
        ("VIP", 1, 2, 1, 0, 1),
        ("お知らせ", 0, 0, 0, 0, 0),
    ]


def test_engagement(account: Project) -> None:
    """Opens and clicks are counted by list and address, whatever the address's case."""
    columns = (
        "ListID, EmailAddress, CampaignsReceived, CampaignsOpened, CampaignsClicked, Opens, Clicks,"
        " LastReceived, LastOpen, LastClick"
    )
    sent = at("2026-01-15 12:00:00")
    assert rows(account, "subscriber_engagement", columns) == [
        (
            *(NEWS, "ann@example.com", 2, 2, 1, 3, 1),
            at("2026-04-05 02:30:00"),
            at("2026-04-06 09:00:00"),
            at("2026-01-16 08:01:00"),
        ),
        (NEWS, "bob@example.com", 1, 1, 0, 1, 0, sent, at("2026-01-17 10:00:00"), None),
        (VIP, "bob@example.com", 1, 0, 0, 0, 0, sent, None, None),
    ]


def test_who_may_be_mailed(account: Project) -> None:
    """Each address of a client says whether it may be mailed, and why or why not."""
    columns = "EmailAddress, MayBeMailed, Reason, Active, Unsubscribed, Bounced"
    found = rows(account, "subscribers_across_lists", columns, f"ClientID = '{SYDNEY}'")
    assert found == [
        ("ann@example.com", True, "active on 1 list", 1, 0, 0),
        ("bob@example.com", True, "active on 2 lists", 2, 0, 0),
        ("cid@example.com", False, "unsubscribed from every list", 0, 2, 0),
        ("dee@example.com", False, "unsubscribed or bounced on every list", 0, 1, 1),
        ("eve@example.com", False, "bounced on every list", 0, 0, 1),
        ("ghost@example.com", False, "suppressed: Spam Complaint", 0, 0, 0),
        ("sue@example.com", False, "suppressed: Manual", 1, 0, 0),
    ]


def test_suppression_is_of_one_client(account: Project) -> None:
    """What one client may not mail another client may."""
    columns = "ClientName, EmailAddress, MayBeMailed, SuppressionReason"
    found = rows(account, "subscribers_across_lists", columns, "EmailAddress like 'sue@%'")
    assert found == [
        ("Nowhere | Ltd", "sue@example.com", True, None),
        ("Ärzte & Söhne 東京", "sue@example.com", False, "Manual"),
    ]


def test_state_on_each_list(account: Project) -> None:
    """An address carries its lists with the state on each; one only suppressed has none."""
    found = dict(
        rows(account, "subscribers_across_lists", "EmailAddress, Lists", f"ClientID = '{SYDNEY}'")
    )
    assert [(each["Name"], each["State"], each["Date"]) for each in found["dee@example.com"]] == [
        ("News ✨", "Bounced", at("2026-02-20 12:00:00")),
        ("VIP", "Unsubscribed", at("2026-02-02 12:00:00")),
    ]
    assert found["ghost@example.com"] == []


def test_campaign_times_in_utc(account: Project) -> None:
    """UTC follows the client's summer time, and is NULL where the zone is not known."""
    assert rows(account, "campaigns_utc", "Name, SentDateUTC, Zone") == [
        ("№ 1", at("2026-01-15 01:00:00"), "Australia/Sydney"),
        ("№ 2", at("2026-01-31 12:59:59"), "Australia/Sydney"),
        ("№ 3", at("2026-07-15 02:00:00"), "Australia/Sydney"),
        ("№ 4", at("2026-07-19 14:00:00"), "Australia/Sydney"),
        # 2:30 comes twice on that day; it is taken to be the second, in standard time.
        ("№ 5", at("2026-04-04 16:30:00"), "Australia/Sydney"),
        ("№ 6", None, None),
    ]


def test_subscriber_times_in_utc(account: Project) -> None:
    """Each subscriber of every state is there with both times in UTC."""
    found = rows(
        account, "subscribers_utc", "State, DateUTC, ListJoinedDateUTC", f"ListID = '{VIP}'"
    )
    assert found == [
        ("Active", at("2026-03-01 01:00:00"), at("2026-03-01 01:00:00")),
        ("Bounced", at("2026-01-06 01:00:00"), at("2026-01-05 01:00:00")),
        ("Unsubscribed", at("2026-01-01 01:00:00"), at("2025-12-31 01:00:00")),
        ("Unsubscribed", at("2026-02-02 01:00:00"), at("2026-02-01 01:00:00")),
    ]
    assert rows(account, "subscribers_utc", "DateUTC, TimeZone", f"ListID = '{OTHERS}'") == [
        (None, "(GMT+25:00) Atlantis")
    ]


def test_scheduled_times_in_utc(account: Project) -> None:
    """A scheduled campaign's time is in its own zone; a zone that no place keeps gives none."""
    assert rows(account, "scheduled_campaigns_utc", "Name, DateScheduledUTC") == [
        ("(GMT-02:00) Mid-Atlantic", None),
        ("(UTC+05:45) Kathmandu", at("2026-12-24 12:15:00")),
    ]


def test_unknown_time_zones_are_named(
    made: tuple[Project, dg.ExecuteInProcessResult],
) -> None:
    """A display name that is not known is named on the page of each view that needed it."""
    for view in ("client_time_zones", "campaigns_utc", "subscribers_utc"):
        shown = metadata(made[1], view)["unknown_time_zones"]
        assert "Atlantis" in shown
        assert "Sydney" not in shown
    assert "Mid-Atlantic" in metadata(made[1], "scheduled_campaigns_utc")["unknown_time_zones"]


def test_every_time_zone_of_the_vendor(account: Project, box: Sandbox) -> None:
    """Every name that the API offers has a zone that has kept the offset in the name."""
    answer = requests.get(f"{box.url}/timezones.json", auth=(box.key, "x"), timeout=10)
    names = answer.json()
    assert len(names) == 97
    zones = dict(rows(account, "time_zones", "Places, Zone"))
    without = []
    for name in names:
        found = re.fullmatch(r"\(GMT(?:([+-])(\d\d):(\d\d))?\) (.*)", name)
        assert found is not None
        sign, hours, minutes, places = found.groups()
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        if places in zones:
            assert (-offset if sign == "-" else offset) in kept_by(zones[places]), name
        else:
            without.append(places)
    assert without == ["Petropavlovsk-Kamchatsky - Old", "Mid-Atlantic"]


def kept_by(zone: str) -> set[timedelta | None]:
    moments = (
        datetime(year, month, 1, tzinfo=UTC) for year in range(2005, 2027) for month in (1, 7)
    )
    local = [moment.astimezone(ZoneInfo(zone)) for moment in moments]
    return {each.utcoffset() for each in local if not each.dst()}


def test_every_zone_is_known(account: Project) -> None:
    """Python's and DuckDB's time zones agree on each zone, in winter and in summer."""
    zones = rows(account, "time_zones", "distinct Zone")
    assert len(zones) > 100
    for month in (1, 7):
        noon = at(f"2025-{month:02}-15 12:00:00")
        found = account.query(
            "select Zone, timezone('UTC', timezone(Zone, ?::timestamp)) from"
            " campaign_monitor_analytics.time_zones",
            noon,
        )
        for zone, utc in found:
            expected = noon.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
            assert utc == expected, zone


def test_custom_fields_are_typed_columns(account: Project) -> None:
    """A list's view has a typed column for each field, found by its name or either key."""
    [(name,)] = rows(account, "list_custom_field_views", "ViewName", f"ListID = '{NEWS}'")
    assert account.query(f"select column_name, column_type from (describe {SCHEMA}.{name})")[
        5:
    ] == [
        ('"; drop_', "VARCHAR"),
        ("Age", "DOUBLE"),
        ("Born", "DATE"),
        ("City", "VARCHAR"),
        ("Shoe size", "DOUBLE"),
        ("name_", "VARCHAR"),
        ("two words", "VARCHAR[]"),
    ]
    columns = 'EmailAddress, City, "two words", Age, Born, name_, "Shoe size"'
    assert rows(account, name, columns, "State = 'Active'") == [
        ("Bob@Example.com", "L'Aquila", [], None, None, None, 43),
        ("ann@example.com", "Köln", ["one", "two"], 42.5, date(1990, 2, 28), "Ännchen", None),
        ("sue@example.com", None, [], None, None, None, None),
    ]
    assert rows(account, name, "count(*)") == [(5,)]


def test_values_that_are_not_shown_are_counted(
    made: tuple[Project, dg.ExecuteInProcessResult],
) -> None:
    """The page names values that fit no type and those whose field is gone."""
    found = metadata(made[1], "list_custom_field_views")
    assert found["values_without_field"].splitlines()[2:] == [f"| {NEWS} | Forgotten | 1 |"]
    assert found["values_that_do_not_fit"].splitlines()[2:] == [
        f"| {NEWS} | Age | 1 |",
        f"| {NEWS} | Born | 1 |",
    ]


def test_a_view_for_each_list(account: Project) -> None:
    """Every list has a view of its own, whatever its name, and however alike two names are."""
    found = rows(account, "list_custom_field_views", "ViewName, ListID, len(Fields)")
    assert found == [
        (f"fields_list_{'3' * 8}", EMPTY, 0),
        (f"fields_news_{'1' * 8}", NEWS, 7),
        (f"fields_news_{OTHERS}", OTHERS, 0),
        (f"fields_vip_{'2' * 8}", VIP, 0),
    ]
    assert rows(account, f"fields_news_{OTHERS}", "EmailAddress") == [("sue@example.com",)]
    assert rows(account, f"fields_list_{'3' * 8}", "*") == []


def test_views_of_gone_lists_are_dropped(own: Project) -> None:
    """A list that is gone takes its view along; a view of the user's own stays."""
    own.change(f"create view {SCHEMA}.fields_mine as select 1 as one")
    own.box.mutate("lists", NOWHERE, [])
    result = run(own, ["lists", "list_custom_fields"], ["list_custom_field_views"])
    assert result.success, failures(result)
    named = own.query("select view_name from duckdb_views() where view_name like 'fields_%'")
    assert sorted(name for (name,) in named) == [
        f"fields_list_{'3' * 8}",
        "fields_mine",
        f"fields_news_{'1' * 8}",
        f"fields_vip_{'2' * 8}",
    ]
    assert metadata(result, "list_custom_field_views")["dropped_views"] == [f"fields_news_{OTHERS}"]


def test_views_follow_their_tables(own: Project) -> None:
    """A table that is replaced, with a new column too, shows in its views at once."""
    grown = active("new@example.com", joined="2026-06-01") | {"Loyalty": {"Level": 3}}
    own.box.mutate("active_subscribers", OTHERS, [grown])
    result = run(own, ["active_subscribers"], [])
    assert result.success, failures(result)
    assert own.query("select count(*) from active_subscribers where Loyalty is not null") == [(1,)]
    where = f"ListID = '{OTHERS}'"
    assert rows(own, "list_growth_by_month", "Month, Subscribers", where) == [(date(2026, 6, 1), 1)]
    assert rows(own, f"fields_news_{OTHERS}", "EmailAddress") == [("new@example.com",)]
    for view in VIEWS:
        own.query(f"select * from {SCHEMA}.{view}")


@pytest.mark.slow
def test_views_of_empty_tables(box: Sandbox, tmp_path: Path) -> None:
    """An account with one empty list has every view, and those about it have its row alone."""
    fill(box)
    box.mutate("clients", "", [{"ClientID": SYDNEY, "Name": "Alone"}])
    box.mutate("lists", SYDNEY, [{"ListID": EMPTY, "Name": "Empty"}])
    for collection in ("campaigns", "scheduled_campaigns", "suppression_list"):
        box.mutate(collection, SYDNEY, [])
    project = Project(box, tmp_path / "account.duckdb")
    result = run(project, TABLES, VIEWS)
    assert result.success, failures(result)
    counts = {view: metadata(result, view)["dagster/row_count"] for view in VIEWS}
    assert counts.pop("time_zones") > 100
    assert {view: count for view, count in counts.items() if count} == {
        "subscribers_by_list": 1,
        "client_time_zones": 1,
        "list_custom_field_views": 1,
    }
    assert rows(project, "subscribers_by_list", "ListName, Active, MayBeMailed") == [
        ("Empty", 0, 0)
    ]


def test_a_table_that_is_missing(project: Project) -> None:
    """A view whose table was never read says which, and what to do."""
    result = run(project, ["clients"], ["campaign_performance"])
    assert not result.success
    [text] = failures(result).values()
    assert "campaign_monitor.campaigns is not in the DuckDB file yet" in text
    assert "materialize it first" in text


def test_views_need_their_tables_chosen() -> None:
    """Of the default tables come the views that need no others; and none where not wanted."""

    def views(**settings: Any) -> set[str]:
        found = dg.build_defs_for_component(CampaignMonitorComponent(**settings))
        keys = found.resolve_asset_graph().get_all_asset_keys()
        return {each.path[-1] for each in keys if each.path[0] == SCHEMA}

    heavy = {
        "subscriber_engagement",
        "client_time_zones",
        "campaigns_utc",
        "subscribers_utc",
        "link_performance",
        "campaign_reports_read",
        "domain_performance",
        "inactive_subscribers",
    }
    assert views() == set(VIEWS) - heavy
    assert views(tables=["clients", "campaigns", "client_details"]) == {
        "time_zones",
        "client_time_zones",
        "campaigns_utc",
    }
    assert views(analytics=False) == set()


def test_views_are_documented(made: tuple[Project, dg.ExecuteInProcessResult]) -> None:
    """Each view and each column of it has its description in DuckDB and in Dagster."""
    project, _ = made
    graph = project.definitions().resolve_asset_graph()
    # A lake has no comments on columns of those.
    views = {name for (name,) in project.query("select view_name from duckdb_views()")}
    for name, view in VIEWS.items():
        comments = project.query(
            "select column_name, comment from duckdb_columns()"
            " where schema_name = ? and table_name = ? order by column_index",
            SCHEMA,
            name,
        )
        described = warehouses.KIND == "file" or name not in views
        assert comments == [
            (column.name, column.description if described else None) for column in view.columns
        ]
        node = graph.get(view_key(name))
        assert node.description == view.description
        assert node.group_name == "analytics"
        assert [each.description for each in node.metadata["dagster/column_schema"].columns] == [
            column.description for column in view.columns
        ]
        assert node.parent_keys == {
            view_key(need) if need in VIEWS else key(need) for need in (*view.needs, *view.optional)
        }
    of_view = project.query(
        "select comment from duckdb_views() where schema_name = ? and view_name = ?",
        SCHEMA,
        "campaign_performance",
    )
    assert of_view == [(VIEWS["campaign_performance"].description,)]


def test_pages_show_figures_and_no_address(
    made: tuple[Project, dg.ExecuteInProcessResult],
) -> None:
    """A view's page has its rows, its SQL and a table to look at, and no address in full."""
    project, result = made
    for name, view in VIEWS.items():
        found = metadata(result, name)
        assert [(found["dagster/row_count"],)] == rows(project, name, "count(*)")
        assert found["dagster/table_name"] == f"{SCHEMA}.{name}"
        assert set(view.shows) <= set(found)
        told = "".join(str(value) for label, value in found.items() if label != "sql")
        assert not re.search(r"[^*\s]@", told), name
    state = metadata(result, "subscribers_by_list")["state_by_list"]
    assert "| Ärzte & Söhne 東京 | News ✨ | 3 | 1 | 1 | 1 | 2 | ████████████████████ |" in state
    growth = metadata(result, "list_growth_by_month")["list_growth"]
    assert growth.splitlines()[2].startswith("| 2026-05-01 | 1 | 0 | 0 | 1 | 5 | ███")
    latest = metadata(result, "campaign_performance")["latest_campaigns"]
    assert "| № 1 | 2026-01-15 12:00:00 | 10 | 50.0 | ██████████" in latest


@warehouses.file_only
@pytest.mark.parametrize("name", ["campaign_monitor", SCHEMA, "CAMPAIGN_monitor", "it's"])
def test_a_file_is_renamed(account: Project, tmp_path: Path, name: str) -> None:
    """Every view answers whatever the file is called, be it like a schema."""
    renamed = account.copy_to(tmp_path / f"{name}.duckdb")
    catalog = identifier(name)
    with duckdb.connect(str(renamed.path), read_only=True) as connection:
        for view in VIEWS:
            found = connection.execute(f"from {catalog}.{SCHEMA}.{view} order by all").fetchall()
            assert found == rows(account, view, "*"), view


@pytest.mark.parametrize("name", ["another", SCHEMA, "campaign_monitor"])
def test_a_warehouse_is_attached(account: Project, name: str) -> None:
    """Every view answers whatever it is attached as; with a schema's name it must be used."""
    expected = {view: rows(account, view, "*") for view in VIEWS}
    with warehouses.instance() as connection:
        warehouses.attach(connection, account.path, name)
        if name != "another":
            connection.execute(f"use {name}.main")
        for view in VIEWS:
            found = connection.execute(f"from {name}.{SCHEMA}.{view} order by all").fetchall()
            assert found == expected[view], view
