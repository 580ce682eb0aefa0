"""The sections of the report, each whole in a module of its own.

A module says what its sections are made from, asks for it, and draws it. A further one takes a
`Section`, and its place in one of the groups here.
"""

from typing import Final

from campaign_monitor_assets.report.facts import Facts
from campaign_monitor_assets.report.model import Group
from campaign_monitor_assets.report.sections import (
    campaigns_by_month,
    changes,
    domains,
    history,
    inactivity,
    links,
    list_growth,
    list_statistics,
    mail_programs,
    overlap,
    send_times,
    single_campaigns,
    subscribers_by_state,
    suppressions,
)
from campaign_monitor_assets.report.summaries import STATES

_RATES: Final = (
    "Bounced is a share of all e-mails that were sent; opened, clicks and unsubscribed are shares"
    " of those that did not bounce. Somebody who clicks twice counts twice among the clicks."
)


def _no_campaigns(facts: Facts) -> str:
    none = "campaigns" in facts.present and not facts.campaigns()
    return "No campaign was sent yet." if none else ""


def _no_subscribers(facts: Facts) -> str:
    none = facts.present.issuperset(("lists", *list(STATES)[:3])) and not facts.states()
    return "Nobody is on a list yet." if none else ""


GROUPS: Final = (
    Group(
        "Campaigns",
        (
            changes.CAMPAIGNS,
            campaigns_by_month.SENT,
            campaigns_by_month.PERFORMANCE,
            single_campaigns.LATEST,
            single_campaigns.MOST_OPENED,
            links.SECTION,
            send_times.WEEKDAYS,
            send_times.HOURS,
        ),
        _RATES,
        _no_campaigns,
    ),
    Group(
        "Subscribers",
        (
            subscribers_by_state.SECTION,
            list_growth.SECTION,
            changes.GROWTH,
            list_statistics.SECTION,
            history.SIZES,
            history.MOVES,
            inactivity.SECTION,
            overlap.SECTION,
            mail_programs.SECTION,
        ),
        empty=_no_subscribers,
    ),
    Group("Addresses that get no e-mail", (suppressions.SECTION, domains.SECTION)),
)
"""What the report on a client, and that on all clients, consists of, in its order."""

SECTIONS: Final = tuple(section for group in GROUPS for section in group.sections)
