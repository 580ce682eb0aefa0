"""The account summed up: what the report is made of, in small temporary tables.

Each large table is read once, and each client's figures are then sums over these. Names come out
fit to be shown: e-mail addresses in them masked, and characters replaced that would break a line
or turn its direction.
"""

from typing import Final

import duckdb

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.warehouse.quoting import identifier, table_exists

STATES: Final = {
    "active_subscribers": "Active",
    "unsubscribed_subscribers": "Unsubscribed",
    "bounced_subscribers": "Bounced",
    "unconfirmed_subscribers": "Unconfirmed",
    "deleted_subscribers": "Deleted",
}
"""For each table of subscribers the state that they are in."""

# RE2, which DuckDB's regular expressions are of.
_UNPRINTABLE: Final = r"[\p{Cc}\x{2028}-\x{202E}\x{2066}-\x{2069}]+"
_ADDRESS: Final = r"([^\s@])[^\s@]*@"
_SHOWN: Final = f"""
create temp macro shown(value) as regexp_replace(
    regexp_replace(value, '{_UNPRINTABLE}', ' ', 'g'), '{_ADDRESS}', '\\1***@', 'g'
)"""

# In the order in which they need one another.
_SUMMARIES: Final = {
    "subscribers": " union all ".join(
        f"select ClientID, ListID, '{state}' as state, count(*) as number from {{{table}}}"
        " group by all"
        for table, state in STATES.items()
    ),
    "growth": """
        select ClientID, date_trunc('month', ListJoinedDate) as month, count(*) as joined,
            0 as unsubscribed, 0 as bounced
        from (
            select ClientID, ListJoinedDate from {active_subscribers}
            union all select ClientID, ListJoinedDate from {unsubscribed_subscribers}
            union all select ClientID, ListJoinedDate from {bounced_subscribers}
        ) group by all
        union all select ClientID, date_trunc('month', Date), 0, count(*), 0
        from {unsubscribed_subscribers} group by all
        union all select ClientID, date_trunc('month', Date), 0, 0, count(*)
        from {bounced_subscribers} group by all""",
    "programs": """
        select ClientID, coalesce(nullif(shown(ReadsEmailWith), ''), 'Not known yet') as name,
            count(*) as number
        from {active_subscribers} group by all""",
    "suppressions": """
        select ClientID, coalesce(nullif(shown(SuppressionReason), ''), 'No reason given') as name,
            count(*) as number
        from {suppression_list} group by all""",
    "sent": """
        select ClientID, CampaignID, coalesce(shown(campaign.Name), CampaignID) as name,
            SentDate as sent, coalesce(TotalRecipients, 0) as recipients,
            coalesce(Recipients, 0) as reported,
            greatest(coalesce(Recipients - Bounced, 0), 0) as delivered,
            coalesce(UniqueOpened, 0) as opened,
            coalesce(Clicks, 0) as clicks, coalesce(Unsubscribed, 0) as unsubscribed,
            coalesce(Bounced, 0) as bounced
        from {campaigns} campaign left join {campaign_summary} using (ClientID, CampaignID)""",
    # A parent's snapshot may be older than its children's: nobody who is counted lacks a name.
    "lists": """
        select ListID, any_value(ClientID) as ClientID,
            coalesce(any_value(shown(Name)), ListID) as name
        from (
            select ClientID, ListID, Name from {lists}
            union all select ClientID, ListID, null from temp.subscribers
        ) group by ListID""",
    "clients": """
        select ClientID, coalesce(any_value(shown(Name)), ClientID) as name
        from (
            select ClientID, Name from {clients}
            union all select ClientID, null from temp.lists
            union all select ClientID, null from temp.sent
            union all select ClientID, null from temp.suppressions
        ) group by ClientID""",
    "movements": """
        select lists.ClientID, ListID, name, coalesce(TotalActiveSubscribers, 0) as active,
            NewActiveSubscribersThisMonth as joined_this_month,
            UnsubscribesThisMonth as left_this_month,
            NewActiveSubscribersThisYear as joined_this_year,
            UnsubscribesThisYear as left_this_year
        from temp.lists join {list_stats} using (ListID)""",
}


def summarize(connection: duckdb.DuckDBPyConnection, schema: str) -> frozenset[str]:
    """Makes the summaries, and returns which of the catalogue's tables there are.

    Raises:
        DatabaseError: The schema holds none of them.
    """
    present = frozenset(name for name in CATALOGUE if table_exists(connection, schema, name))
    if not present:
        raise DatabaseError(
            f"The schema {schema!r} of the DuckDB file holds no table of an account. Materialize"
            " the tables first, or name the schema that they are in."
        )
    relations = {
        name: identifier(schema, name) if name in present else _empty(name) for name in CATALOGUE
    }
    connection.execute(_SHOWN)
    for name, query in _SUMMARIES.items():
        connection.execute(f"create temp table {name} as {query.format(**relations)}")
    return present


def _empty(name: str) -> str:
    """A table without rows in the place of one that is not there."""
    table = CATALOGUE[name]
    types = dict.fromkeys(table.inherits, "VARCHAR")
    types |= {column.name: column.type for column in table.columns}
    columns = ", ".join(f"null::{type_} as {identifier(column)}" for column, type_ in types.items())
    return f"(select {columns} where false)"
