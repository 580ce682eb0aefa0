from dataclasses import replace
from typing import Final

from campaign_monitor_assets.report import charts
from campaign_monitor_assets.report.facts import MINE, Facts
from campaign_monitor_assets.report.model import Chart, Section, largest
from campaign_monitor_assets.report.summaries import STATES

_COLOURS: Final = dict(
    zip(
        STATES.values(),
        (charts.BLUE, charts.ORANGE, charts.RED, charts.GREEN, charts.GREY),
        strict=True,
    )
)


def _make(facts: Facts) -> Chart | None:
    """A bar for each of the largest lists or clients, the most active ones first."""
    everything = facts.ask_grouped(
        f"with mine as (select {facts.key}, state, sum(number)::bigint as number"
        f" from temp.states where {MINE} group by all)"
        f" select {facts.key}, name, state, number from mine join {facts.names} using ({facts.key})"
        f" order by sum(case state when 'Active' then number else 0 end)"
        f" over (partition by {facts.key}) desc, name, {facts.key}"
    )
    if not everything:
        return None
    each = everything[: charts.MOST_BARS]
    numbers = [{state: number for *_, state, number in rows} for rows in each]
    shown = [state for state in STATES.values() if any(state in known for known in numbers)]
    chart = charts.bars(
        facts.kind,
        [str(rows[0][1]) for rows in each],
        {state: [known.get(state, 0) for known in numbers] for state in shown},
        "Subscribers",
        _COLOURS,
    )
    return replace(chart, remark=largest(charts.MOST_BARS, len(everything), facts.kind))


SECTION: Final = Section(
    title="Subscribers by state",
    note="Who is on two lists counts twice.",
    tables=("active_subscribers", "unsubscribed_subscribers", "bounced_subscribers"),
    make=_make,
    empty="nobody is on a list yet",
    partly=True,
)
