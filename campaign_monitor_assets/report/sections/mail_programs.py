from typing import Final

from campaign_monitor_assets.report import charts
from campaign_monitor_assets.report.facts import MINE, Facts
from campaign_monitor_assets.report.model import Chart, Section


def _make(facts: Facts) -> Chart | None:
    """The e-mail programs of the active subscribers, the most common first."""
    found = facts.ask(
        f"select name, sum(number)::bigint as number from temp.programs where {MINE}"
        f" group by all order by number desc, name limit {charts.MOST_BARS}"
    )
    if not found:
        return None
    names, numbers = zip(*found, strict=True)
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
