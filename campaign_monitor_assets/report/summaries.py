"""The account summed up: what the report is made of, in small temporary tables.

Each large table is read once, and each client's figures are then sums over these. Names come out
fit to be shown: e-mail addresses in them masked, and characters replaced that would break a line
or turn its direction.
"""

from collections.abc import Iterable
from typing import Final

import duckdb

from campaign_monitor_assets.analytics import ALL_VIEWS, HISTORY_VIEWS
from campaign_monitor_assets.analytics.absent import why_absent
from campaign_monitor_assets.analytics.model import with_fragments
from campaign_monitor_assets.analytics.relations import Place
from campaign_monitor_assets.analytics.temporary import create_temporary_views, temporary
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.report.model import HISTORY, Section
from campaign_monitor_assets.warehouse.enforce import stored_rules
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.privacy import KEEP_ALL, Privacy
from campaign_monitor_assets.warehouse.quoting import table_exists

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
"""What a name is to pass through before it is shown."""

_VIEWS: Final = (
    "subscribers",
    "suppressed_addresses",
    "subscribers_by_list",
    "campaign_performance",
)
"""What the summaries that all sections have in common are made from."""

# In the order in which they need one another. What a figure is, is said by the views.
_SUMMARIES: Final = {
    "by_list": "from {subscribers_by_list}",
    "states": " union all ".join(
        [
            f"select ClientID, ListID, '{state}' as state, {state} as number from temp.by_list"
            f" where {state} > 0"
            for state in ("Active", "Unsubscribed", "Bounced")
        ]
        + [
            f"select any_value(ClientID), ListID, '{STATES[table]}', count(distinct {{address}})"
            f" from {{{table}}} group by ListID"
            for table in ("unconfirmed_subscribers", "deleted_subscribers")
        ]
    ),
    "sent": """
        select *, {month} as month from (
            select ClientID, CampaignID, coalesce(shown(Name), CampaignID) as name,
                SentDate as sent, SentDate as Moment, Recipients as sent_to,
                case when Delivered is not null then Recipients end as Recipients, Delivered,
                UniqueOpened, Clicks, Unsubscribed, Bounced, SpamComplaints
            from {campaign_performance}
        )""",
    "suppressions": """
        select ClientID, coalesce(nullif(shown(SuppressionReason), ''), 'No reason given') as name,
            count(*) as number
        from {suppressed_addresses} group by all""",
    # A parent's snapshot may be older than its children's: nobody who is counted lacks a name.
    "lists": """
        select ListID, any_value(ClientID) as ClientID,
            coalesce(any_value(shown(Name)), ListID) as name
        from (
            select ClientID, ListID, Name from {lists}
            union all select ClientID, ListID, null from temp.states
        ) group by ListID""",
    "clients": """
        select ClientID, coalesce(any_value(shown(Name)), ClientID) as name
        from (
            select ClientID, Name from {clients}
            union all select ClientID, null from temp.lists
            union all select ClientID, null from temp.sent
            union all select ClientID, null from temp.suppressions
        ) group by ClientID""",
}


def absent_views(connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, str]:
    """The views that tell nothing right of what is stored, as `privacy` has it, and why."""
    stored = stored_rules(connection, schema)
    privacy = KEEP_ALL if stored is None else Privacy.of_rules(stored[0])
    reasons = {name: why_absent(view, privacy) for name, view in ALL_VIEWS.items()}
    return {name: reason.removesuffix(".") for name, reason in reasons.items() if reason}


def summarize(
    connection: duckdb.DuckDBPyConnection, schema: str, sections: Iterable[Section]
) -> frozenset[str]:
    """Makes the summaries that sections ask, and returns which of the catalogue's tables there are.

    Raises:
        DatabaseError: The schema holds none of them.
    """
    present = frozenset(name for name in CATALOGUE if table_exists(connection, schema, name))
    if not present:
        raise DatabaseError(
            f"The schema {schema!r} of the DuckDB file holds no table of an account. Materialize"
            " the tables first, or name the schema that they are in."
        )
    place = Place(connection, schema, schema)
    views = dict.fromkeys((*_VIEWS, *(name for section in sections for name in section.views)))
    create_temporary_views(place, views)
    relations = place.as_they_are({name: TableName(schema, name) for name in CATALOGUE})
    relations |= {name: temporary(name) for name in views}
    connection.execute(_SHOWN)
    summaries = dict(_SUMMARIES)
    for section in sections:
        summaries |= section.summaries
    for name, query in summaries.items():
        sql = with_fragments(query).format(**relations)
        connection.execute(f"create temp table {name} as {sql}")
    kept = all(
        place.history_exists(table) for table in HISTORY_VIEWS["subscriber_state_periods"].history
    )
    return present | {HISTORY} if kept else present
