"""An account with millions of subscribers and events, made inside DuckDB, for what reads tables.

Everything follows from the numbers of the rows: the same rows each time, and no chance.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import duckdb

from campaign_monitor_assets.analytics.relations import columns_of
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.warehouse.quoting import identifier

SCHEMA: Final = "campaign_monitor"
CLIENTS: Final = 4
LISTS: Final = 20
CAMPAIGNS: Final = 200
MONTHS: Final = 24
STATES: Final = ("active_subscribers", "unsubscribed_subscribers", "bounced_subscribers")

_NOW: Final = "timestamp '2026-11-01 12:00:00'"
_LIST: Final = "md5('list ' || {})"
_CAMPAIGN: Final = "md5('campaign ' || n)"
_CLIENT: Final = f"md5('client ' || ({{}}) % {CLIENTS})"
_DOMAIN: Final = (
    "case when {0} % 10 < 4 then 'gmail.com' when {0} % 10 < 6 then 'outlook.com'"
    " when {0} % 10 < 8 then 'domain' || {0} % 199 || '.com'"
    " else 'company' || {0} % 20011 || '.example' end"
)
_ADDRESS: Final = f"'reader.' || {{0}} || '@' || {_DOMAIN}"

# Of twenty rows three are of people who are on another list, too.
_PERSON: Final = "if({0} % 20 >= 3, {0}, if({0} < 1000, -{0}, {0} // 3))"
_PEOPLE: Final = f"""
    select number, number % {LISTS} as list, {_PERSON.format("number")} as person,
        case when number * 7 % 100 < 84 then 'Active' when number * 7 % 100 < 96
            then 'Unsubscribed' else 'Bounced' end as State,
        {_NOW} - to_minutes(number * 37 % 1500000) as joined
    from range({{rows}}) numbers(number)
"""

_SENT: Final = (
    f"{_NOW} - to_hours(({{0}} * {MONTHS * 730} // {CAMPAIGNS}) // 24 * 24 + {{0}} * 5 % 11)"
)


def make(connection: duckdb.DuckDBPyConnection, rows: int) -> None:
    """Makes the tables.

    Args:
        connection: An open file without the account's tables.
        rows: How many rows the subscribers, the recipients and the opens have each; of clicks
            there are a fifth.
    """
    people = f"({_PEOPLE.format(rows=rows)})"
    for table, query in _queries(people, rows):
        _fill(connection, table, query)
    for table in STATES:
        _keep_history(connection, table)
    _log(connection)


def _queries(people: str, rows: int) -> Iterator[tuple[str, str]]:
    yield (
        "clients",
        (
            f"select {_CLIENT.format('n')} as ClientID, 'Client ' || n as Name"
            f" from range({CLIENTS}) t(n)"
        ),
    )
    zone = "(GMT+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"
    yield (
        "client_details",
        (
            f"select {_CLIENT.format('n')} as ClientID, {{'TimeZone': '{zone}'}} as BasicDetails"
            f" from range({CLIENTS}) t(n)"
        ),
    )
    yield (
        "lists",
        (
            f"select {_CLIENT.format('n')} as ClientID, {_LIST.format('n')} as ListID,"
            f" 'List ' || n as Name from range({LISTS}) t(n)"
        ),
    )
    yield (
        "list_custom_fields",
        (
            f"select {_CLIENT.format('n')} as ClientID, {_LIST.format('n')} as ListID,"
            f" field as FieldName, '[' || field || ']' as Key,"
            f" if(field = 'Orders', 'Number', 'Text') as DataType"
            f" from range({LISTS}) t(n), (values ('City'), ('Orders')) fields(field)"
        ),
    )
    yield "scheduled_campaigns", f"select {_CLIENT.format('1')} as ClientID, 'next' as CampaignID"
    for table, state in zip(STATES, ("Active", "Unsubscribed", "Bounced"), strict=True):
        yield table, _subscribers(people, state)
    yield (
        "suppression_list",
        (
            f"select {_CLIENT.format('list')} as ClientID,"
            f" {_ADDRESS.format('person')} as EmailAddress,"
            " 'Suppressed' as State, 'Unsubscribed' as SuppressionReason, joined as Date"
            f" from {people} where number % 10 = 7"
        ),
    )
    yield from _campaigns(rows)
    yield from _reports(rows)


def _subscribers(people: str, state: str) -> str:
    return (
        f"select {_CLIENT.format('list')} as ClientID, {_LIST.format('list')} as ListID,"
        f" {_ADDRESS.format('person')} as EmailAddress, 'Reader ' || person as Name, State,"
        f" joined as ListJoinedDate, joined + if(State = 'Active', interval 0 day,"
        f" to_days(number % 30)) as Date,"
        " [{'Key': '[City]', 'Value': 'Town ' || number % 1000},"
        " {'Key': '[Orders]', 'Value': (number % 50)::varchar}] as CustomFields,"
        " ['Gmail', 'Outlook', ''][number % 3 + 1] as ReadsEmailWith"
        f" from {people} where State = '{state}'"
    )


def _campaigns(rows: int) -> Iterator[tuple[str, str]]:
    each = rows // CAMPAIGNS
    yield (
        "campaigns",
        (
            f"select {_CLIENT.format(f'n % {LISTS}')} as ClientID, {_CAMPAIGN} as CampaignID,"
            " 'Campaign ' || n as Name, 'Subject ' || n as Subject,"
            f" {_SENT.format('n')} as SentDate,"
            f" {each} as TotalRecipients from range({CAMPAIGNS}) t(n)"
        ),
    )
    yield (
        "campaign_summary",
        (
            f"select {_CLIENT.format(f'n % {LISTS}')} as ClientID, {_CAMPAIGN} as CampaignID,"
            f" 'Campaign ' || n as Name, {each} as Recipients, {each} as TotalOpened,"
            f" {each // 4} + n as UniqueOpened, {each // 5} as Clicks, {each // 64} as Bounced,"
            f" {each // 200} as Unsubscribed, {each // 2000} as SpamComplaints"
            f" from range({CAMPAIGNS}) t(n)"
        ),
    )


def _reports(rows: int) -> Iterator[tuple[str, str]]:
    each, of_list = rows // CAMPAIGNS, rows // LISTS
    # A campaign goes to one list, each to others of its people.
    sent = (
        f"(select campaign, campaign % {LISTS} as list, position,"
        f" {LISTS} * ((position * 7 + campaign) % {max(of_list, 1)}) + campaign % {LISTS} as number"
        f" from range({CAMPAIGNS}) c(campaign), range({each}) p(position))"
    )
    person = _PERSON.format("number")
    who = (
        f"{_CLIENT.format('list')} as ClientID, md5('campaign ' || campaign) as CampaignID,"
        f" {_ADDRESS.format(person)} as EmailAddress, {_LIST.format('list')} as ListID"
    )
    when = f"{_SENT.format('campaign')} + to_seconds(position * {{0}} % {{1}}) as Date"
    yield "campaign_recipients", f"select {who} from {sent}"
    times = "range({}) t(time)"
    yield (
        "campaign_opens",
        (
            f"select {who}, {when.format('(time + 1)', 400_000)}, '203.0.113.7' as IPAddress,"
            f" 'Austin' as City from {sent}, {times.format(4)} where position % 4 = 1"
        ),
    )
    yield (
        "campaign_clicks",
        (
            f"select {who}, {when.format('(time + 1)', 400_000)},"
            " 'https://example.com/page/' || (position + time) % 12 as URL"
            f" from {sent}, {times.format(4)} where position % 20 = 1"
        ),
    )
    yield (
        "campaign_bounces",
        (
            f"select {who}, {when.format(1, 4000)},"
            " if(position % 128 = 3, 'Hard', 'Soft') as BounceType"
            f" from {sent} where position % 64 = 3"
        ),
    )
    yield (
        "campaign_unsubscribes",
        f"select {who}, {when.format(1, 400_000)} from {sent} where position % 200 = 5",
    )
    yield (
        "campaign_spam_complaints",
        f"select {who}, {when.format(1, 400_000)} from {sent} where position % 2000 = 6",
    )


def _fill(connection: duckdb.DuckDBPyConnection, table: str, query: str) -> None:
    columns = ", ".join(
        f"{identifier(column.name)} {column.type}" for column in columns_of(CATALOGUE[table])
    )
    name = identifier(SCHEMA, table)
    connection.execute(f"create schema if not exists {identifier(SCHEMA)}")
    connection.execute(f"create table {name} ({columns})")
    connection.execute(f"insert into {name} by name select *, {_NOW} as _synced_at from ({query})")


def _keep_history(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """The table as it was a month ago and is now: a tenth came since, a twentieth were edited."""
    source, schema = identifier(SCHEMA, table), f"{SCHEMA}_history"
    name = identifier(schema, table)
    connection.execute(f"create schema if not exists {identifier(schema)}")
    versions: Sequence[str] = (
        (
            f"select *, {_NOW} - interval 30 day as _valid_from,"
            f" if(hash(EmailAddress) % 20 = 1, {_NOW}, null) as _valid_to from {source}"
            " where hash(EmailAddress) % 10 > 0"
        ),
        (
            f"select * replace (Name || ' Jr' as Name), {_NOW} as _valid_from, null as _valid_to"
            f" from {source} where hash(EmailAddress) % 20 = 1"
        ),
        (
            f"select *, {_NOW} as _valid_from, null as _valid_to from {source}"
            " where hash(EmailAddress) % 10 = 0"
        ),
    )
    connection.execute(f"create table {name} as {' union all '.join(versions)}")


def _log(connection: duckdb.DuckDBPyConnection) -> None:
    tables = connection.execute(
        f"select table_name from duckdb_tables() where schema_name = '{SCHEMA}'"
    ).fetchall()
    log, parents = (identifier(SCHEMA, name) for name in ("sync_log", "sync_log_parents"))
    connection.execute(f"create table {log} (table_name varchar, synced_at timestamp)")
    connection.execute(
        f"create table {parents} (table_name varchar, parent varchar, synced_at timestamp)"
    )
    for (table,) in tables:
        connection.execute(f"insert into {log} select ?, {_NOW}", [table])
        if table.startswith("campaign_"):
            connection.execute(
                f"insert into {parents} select ?, CampaignID, {_NOW} from"
                f" {identifier(SCHEMA, 'campaigns')}",
                [table],
            )
