import duckdb
import pytest

from campaign_monitor_assets.catalogue import CATALOGUE, INHERITED, SYNCED_AT, Shape, Table
from campaign_monitor_assets_tests.project import THE_ELEVEN

MORE_DEFAULTS = {"list_stats", "list_custom_fields", "campaign_summary"}
ON_REQUEST = {
    "unconfirmed_subscribers",
    "deleted_subscribers",
    "client_details",
    "people",
    "tags",
    "administrators",
    "list_details",
    "list_webhooks",
    "segment_details",
    "segment_subscribers",
    "campaign_lists",
    "campaign_segments",
    "campaign_email_client_usage",
    "campaign_recipients",
    "campaign_opens",
    "campaign_clicks",
    "campaign_bounces",
    "campaign_unsubscribes",
    "campaign_spam_complaints",
    "journeys",
    "journey_emails",
    "journey_email_recipients",
    "journey_email_opens",
    "journey_email_clicks",
    "journey_email_bounces",
    "journey_email_unsubscribes",
}

TABLES = tuple(CATALOGUE.values())
every_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


def names(table: Table) -> tuple[str, ...]:
    """Every column's name, the inherited ones first."""
    return (*table.inherits, *(column.name for column in table.columns))


def quoted(name: str) -> str:
    return f'"{name}"'


def test_all_forty_tables_are_there() -> None:
    """The catalogue holds the tables that the API lets one read: no fewer, no others."""
    assert set(CATALOGUE) == THE_ELEVEN | MORE_DEFAULTS | ON_REQUEST
    assert len(CATALOGUE) == 40


def test_no_name_is_given_twice() -> None:
    """The catalogue is put together from modules, none of which hides another's table."""
    from campaign_monitor_assets.catalogue import (  # noqa: PLC0415
        account,
        campaign_reports,
        campaigns,
        journeys,
        lists,
        subscribers,
    )

    modules = (account, campaigns, lists, subscribers, campaign_reports, journeys)
    assert sum(len(module.TABLES) for module in modules) == len(CATALOGUE)


def test_fourteen_tables_are_read_by_default() -> None:
    """Who chooses nothing gets the eleven, the lists' figures and fields, and the summaries."""
    assert {table.name for table in TABLES if table.default} == THE_ELEVEN | MORE_DEFAULTS


@every_table
def test_a_parent_stands_before_its_children(table: Table) -> None:
    """A table's parent is in the catalogue, and before it, so that order alone is enough."""
    order = list(CATALOGUE)
    if table.parent is not None:
        assert order.index(table.parent) < order.index(table.name)


@every_table
def test_what_is_inherited_is_the_parents(table: Table) -> None:
    """Every inherited column is one of the parent, and its meaning is known."""
    of_parent = names(CATALOGUE[table.parent]) if table.parent else ()
    assert set(table.inherits) <= set(of_parent)
    assert set(table.inherits) <= set(INHERITED)


@every_table
def test_the_path_asks_for_what_is_inherited(table: Table) -> None:
    """Whatever fills the path is carried by the rows as a foreign key."""
    assert set(table.placeholders) <= set(table.inherits)
    assert bool(table.placeholders) == (table.parent is not None)


@every_table
def test_the_key_is_made_of_columns(table: Table) -> None:
    """A key names columns that the table has, each once."""
    assert set(table.key) <= set(names(table))
    assert len(set(table.key)) == len(table.key)


@every_table
def test_no_column_is_repeated(table: Table) -> None:
    """DuckDB takes two names that differ in case only for one, so no table has such a pair."""
    folded = [name.casefold() for name in (*names(table), SYNCED_AT.name)]
    assert len(set(folded)) == len(folded)


@every_table
def test_everything_is_described(table: Table) -> None:
    """Every table and column says what it means, in whole sentences, and what it costs."""
    assert table.description.endswith(".")
    for column in table.columns:
        assert column.description.endswith("."), column.name
    assert table.cost
    assert table.docs.startswith("https://www.campaignmonitor.com/api/v3-3/")


@every_table
def test_duckdb_knows_every_type(table: Table) -> None:
    """A table of the catalogue's columns can be made in DuckDB as it stands."""
    inherited = tuple(INHERITED[name] for name in table.inherits)
    columns = (*inherited, *table.columns, SYNCED_AT)
    defined = ", ".join(f"{quoted(column.name)} {column.type}" for column in columns)
    with duckdb.connect() as connection:
        connection.execute(f"create temp table {quoted(table.name)} ({defined})")
        described = connection.execute(f"describe {quoted(table.name)}").fetchall()
    assert [row[0] for row in described] == [column.name for column in columns]


@every_table
def test_what_encloses_the_rows_becomes_columns(table: Table) -> None:
    """Fields are lifted from an answer into its rows only where rows lie inside, as columns."""
    own = {column.name for column in table.columns}
    assert set(table.enclosing) <= own
    assert table.rows_at is None or table.shape is Shape.OBJECT
    assert not table.enclosing or table.rows_at is not None


@every_table
def test_paging_is_asked_of_pages_only(table: Table) -> None:
    """Only an endpoint that answers in pages is told an order, and always oldest or A first."""
    assert table.order_field is None or table.shape is Shape.PAGE
    assert dict(table.query).get("orderdirection", "asc") == "asc"


@every_table
def test_a_secret_is_never_a_column(table: Table) -> None:
    """What must not be stored has no column, neither of its own nor inside a typed struct."""
    for secret in (*table.never_stored, "ApiKey"):
        assert secret not in names(table)
        assert all(quoted(secret) not in column.type for column in table.columns)


@every_table
def test_a_stat_is_one_that_the_lists_have(table: Table) -> None:
    """A table that is counted elsewhere names a column of `list_stats`."""
    assert table.stat is None or table.stat in names(CATALOGUE["list_stats"])


def test_the_key_of_a_client_is_dropped() -> None:
    """The details of a client come with the client's own API key, which reaches no file."""
    assert "ApiKey" in CATALOGUE["client_details"].never_stored


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name.startswith("journey_email_")])
def test_reports_of_journeys_reach_back(name: str) -> None:
    """Without a date the API gives 30 days only, so the reports of journeys always name one."""
    query = dict(CATALOGUE[name].query)
    assert query["date"] == "2000-01-01"
    assert CATALOGUE[name].order_field is None


def test_lists_and_segments_of_a_campaign_are_one_answer() -> None:
    """The two tables share a path and are asked alike, so that one request serves both."""
    lists, segments = CATALOGUE["campaign_lists"], CATALOGUE["campaign_segments"]
    assert lists.path == segments.path
    assert lists.query == segments.query
    assert lists.inherits == segments.inherits
    assert (lists.rows_at, segments.rows_at) == ("Lists", "Segments")
