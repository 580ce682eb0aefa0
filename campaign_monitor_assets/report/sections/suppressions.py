from typing import Final

from campaign_monitor_assets.report import charts
from campaign_monitor_assets.report.facts import MINE, Facts
from campaign_monitor_assets.report.model import Chart, Section


def _make(facts: Facts) -> Chart | None:
    """The reasons why addresses are suppressed, the most common first."""
    found = facts.ask(
        f"select name, sum(number)::bigint as number from temp.suppressions where {MINE}"
        f" group by all order by number desc, name limit {charts.MOST_BARS}"
    )
    if not found:
        return None
    names, numbers = zip(*found, strict=True)
    return charts.bars("Reason", names, {"Addresses": numbers}, "Addresses")


SECTION: Final = Section(
    title="Suppressed addresses by reason",
    note="No campaign of a client is sent to these addresses.",
    tables=("suppression_list",),
    make=_make,
    empty="no address is suppressed",
)
