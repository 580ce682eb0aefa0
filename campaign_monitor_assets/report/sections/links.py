from typing import Final

from campaign_monitor_assets.report.facts import MINE, Facts
from campaign_monitor_assets.report.grids import without_lone_client
from campaign_monitor_assets.report.model import Grid, Section

_TOP: Final = 15
_LEAST: Final = 3
"""Clickers of a link below which it may be one reader's own."""
_LONGEST: Final = 100
_ADDRESS: Final = r"'[^/?&=#;,:@\s]+(?:@|%40)'"
"""What stands before the sign of an address in a link, and the sign, however it is encoded."""


def _make(facts: Facts) -> Grid | None:
    """The links that most subscribers clicked, over all campaigns that had them."""
    found = facts.ask(
        "with mine as (select link, ClientID, sum(clickers)::bigint as clickers,"
        " sum(clicks)::bigint as clicks, count(distinct CampaignID) as campaigns"
        f" from temp.links where {MINE} group by all)"
        " select link, clients.name, clickers, clicks, campaigns from mine"
        f" join temp.clients using (ClientID) order by clickers desc, link, ClientID limit {_TOP}"
    )
    return without_lone_client(["Link", "Client", "Clicked by", "Clicks", "Campaigns"], found)


SECTION: Final = Section(
    title="The most clicked links",
    note=f"The {_TOP} that the most subscribers clicked. Somebody who clicks a link many times"
    f" counts once a campaign. Links that fewer than {_LEAST} clicked in a campaign are left out:"
    " they may be a reader's own.",
    tables=("campaigns", "campaign_summary", "campaign_clicks"),
    make=_make,
    empty=f"no link was clicked by {_LEAST} subscribers of a campaign yet",
    views=("link_performance",),
    summaries={
        "links": f"""
            select ClientID, CampaignID, Clickers as clickers, Clicks as clicks,
                left(shown(regexp_replace(
                    regexp_replace(URL, '^https?://', ''), {_ADDRESS}, '***%40', 'g'
                )), {_LONGEST}) as link
            from {{link_performance}} where Clickers >= {_LEAST}""",
    },
)
