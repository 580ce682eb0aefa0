from typing import Final

from campaign_monitor_assets.report import charts
from campaign_monitor_assets.report.facts import Facts
from campaign_monitor_assets.report.model import Chart, Section


def _make(facts: Facts) -> Chart | None:
    """The reasons why addresses are suppressed, the most common first."""
    found = facts.most_common("suppressions", charts.MOST_BARS)
    if found is None:
        return None
    names, numbers = found
    return charts.bars("Reason", names, {"Addresses": numbers}, "Addresses")


SECTION: Final = Section(
    title="Suppressed addresses by reason",
    note="No campaign of a client is sent to these addresses.",
    tables=("suppression_list",),
    make=_make,
    empty="no address is suppressed",
)
