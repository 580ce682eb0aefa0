from typing import Final

from campaign_monitor_assets.report.facts import MINE, Facts
from campaign_monitor_assets.report.grids import without_lone_client
from campaign_monitor_assets.report.model import Grid, Section, largest

_MOST: Final = 100


def _make(facts: Facts) -> Grid | None:
    """How each list fares this month and this year by the vendor's own count."""
    found = facts.ask(
        "select movements.name, clients.name, active, joined_this_month, left_this_month,"
        " joined_this_year, left_this_year"
        f" from temp.movements join temp.clients using (ClientID) where {MINE}"
        f" order by active desc, movements.name, ListID"
    )
    periods = ["Joined this month", "Left this month", "Joined this year", "Left this year"]
    remark = largest(_MOST, len(found), "List")
    return without_lone_client(["List", "Client", "Active", *periods], found[:_MOST], remark)


SECTION: Final = Section(
    title="Lists this month and this year",
    note="In Campaign Monitor's own count, at the time of the last sync.",
    tables=("lists", "list_stats"),
    make=_make,
    empty="there are no lists yet",
    summaries={
        "movements": """
            select lists.ClientID, ListID, name, coalesce(TotalActiveSubscribers, 0) as active,
                NewActiveSubscribersThisMonth as joined_this_month,
                UnsubscribesThisMonth as left_this_month,
                NewActiveSubscribersThisYear as joined_this_year,
                UnsubscribesThisYear as left_this_year
            from temp.lists join {list_stats} using (ListID)""",
    },
)
