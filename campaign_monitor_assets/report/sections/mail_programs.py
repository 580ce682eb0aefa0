from typing import Final

from campaign_monitor_assets.report import charts
from campaign_monitor_assets.report.facts import Facts
from campaign_monitor_assets.report.model import Chart, Section


def _make(facts: Facts) -> Chart | None:
    """The e-mail programs of the active subscribers, the most common first."""
    found = facts.most_common("programs", charts.MOST_BARS)
    if found is None:
        return None
    names, numbers = found
    unit = "Active subscribers"
    return charts.bars("E-mail program", names, {unit: numbers}, unit)


SECTION: Final = Section(
    title="E-mail programs",
    note="What the active subscribers were last seen to read with; not known of those who have not"
    " opened anything yet.",
    tables=("active_subscribers",),
    make=_make,
    empty="there are no active subscribers",
    summaries={
        "programs": """
            select ClientID, coalesce(nullif(shown(ReadsEmailWith), ''), 'Not known yet') as name,
                count(*) as number
            from {subscribers} where State = 'Active' group by all""",
    },
)
