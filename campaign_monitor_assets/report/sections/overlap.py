from typing import Final

from campaign_monitor_assets.report.facts import MINE, Facts
from campaign_monitor_assets.report.grids import without_lone_client
from campaign_monitor_assets.report.model import Grid, Section

_TOP: Final = 20


def _make(facts: Facts) -> Grid | None:
    """The pairs of lists with the most subscribers in common, the smaller list first."""
    found = facts.ask(
        "select small.name, clients.name, large.name, Active, OtherActive, OnBoth,"
        " 100 * OnBoth / Active from temp.common"
        " join temp.lists small using (ListID)"
        " join temp.lists large on large.ListID = OtherListID"
        " join temp.clients on clients.ClientID = common.ClientID"
        f" where {MINE.replace('ClientID', 'common.ClientID')}"
        f" order by OnBoth desc, small.name, large.name, ListID, OtherListID limit {_TOP}"
    )
    heads = ["List", "Client", "Other list", "On the list", "On the other", "On both", "Share"]
    return without_lone_client(heads, found)


SECTION: Final = Section(
    title="Who is on several lists",
    note=f"The {_TOP} pairs of lists with the most active subscribers in common, the smaller list"
    " first, of which Share is.",
    tables=("active_subscribers", "unsubscribed_subscribers", "bounced_subscribers"),
    make=_make,
    empty="no two lists have a subscriber in common",
    views=("list_overlap",),
    summaries={
        "common": """
            from {list_overlap}
            where Active < OtherActive or Active = OtherActive and ListID < OtherListID""",
    },
)
