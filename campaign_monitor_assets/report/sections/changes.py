from collections.abc import Sequence
from typing import Final

from campaign_monitor_assets.analytics.model import PERIODS, SETTLED_DAYS
from campaign_monitor_assets.report.facts import MINE, Facts
from campaign_monitor_assets.report.model import Cell, Grid, Section, Signed, written
from campaign_monitor_assets.report.times import day_of

_SHARES: Final = {
    "Opened": ("UniqueOpened", "Delivered"),
    "Clicks": ("Clicks", "Delivered"),
    "Unsubscribed": ("Unsubscribed", "Delivered"),
    "Bounced": ("Bounced", "Recipients"),
}
_SENT: Final = {"Campaigns sent": "Campaigns", "E-mails sent": "Recipients"}
_GROWTH: Final = {
    "Joined": "Joined",
    "Unsubscribed": '"Left"',
    "Bounced": "Bounced",
    "Net growth": "Net",
}
_HEADS: Final = [f"Last {days} days" for days in PERIODS]
_Pair = tuple[int | float | None, int | float | None]


def _campaigns(facts: Facts) -> Grid | None:
    sums = {name: (name, f"{name}Before") for name in _SENT.values()}
    sums |= {name: (name, f"{name}Before") for share in _SHARES.values() for name in share}
    found = _sums(facts, "temp.campaign_changes", sums)
    rows: list[tuple[str, list[_Pair]]] = [
        (title, [each[name] for each in found]) for title, name in _SENT.items()
    ]
    rows += [
        (title, [_share(each[part], each[whole]) for each in found])
        for title, (part, whole) in _SHARES.items()
    ]
    return _grid(facts, "temp.campaign_changes", "Of campaigns", rows) if found else None


def _growth(facts: Facts) -> Grid | None:
    columns = {name: (name, f"{name.strip(chr(34))}Before") for name in _GROWTH.values()}
    found = _sums(facts, "temp.list_changes", columns)
    rows = [(title, [each[name] for each in found]) for title, name in _GROWTH.items()]
    return _grid(facts, "temp.list_changes", "Of lists", rows) if found else None


def _sums(facts: Facts, table: str, columns: dict[str, tuple[str, str]]) -> list[dict[str, _Pair]]:
    """For each period the sums of it and of the one before."""
    asked = ", ".join(
        f"coalesce(sum({now}), 0)::bigint, coalesce(sum({before}), 0)::bigint"
        for now, before in columns.values()
    )
    found = facts.ask(f"select {asked} from {table} where {MINE} group by Days order by Days")
    return [dict(zip(columns, zip(row[::2], row[1::2], strict=True), strict=True)) for row in found]


def _share(part: _Pair, whole: _Pair) -> _Pair:
    now, before = (
        100 * one / all_ if one is not None and all_ else None
        for one, all_ in zip(part, whole, strict=True)
    )
    return now, before


def _grid(facts: Facts, table: str, head: str, rows: Sequence[tuple[str, Sequence[_Pair]]]) -> Grid:
    [(last,)] = facts.ask(f"select max(LastDay) from {table} where {MINE}")
    cells: list[list[Cell]] = [
        [title, *(_told(now, before) for now, before in pairs)] for title, pairs in rows
    ]
    return Grid([head, *_HEADS][: len(cells[0])], cells, remark=f"Up to {day_of(last)}.")


def _told(now: float | None, before: float | None) -> Cell:
    """A figure, and in brackets by how much it is more than before."""
    if now is None:
        return None
    if isinstance(now, float):
        change = None if before is None else _signed(f"{now - before:.1f}", "points")
    else:
        change = _signed(f"{100 * (now - before) / abs(before):,.0f}", "%") if before else None
    return Signed(f"{written(now)} ({change})" if change else written(now))


def _signed(number: str, unit: str) -> str:
    if not number.strip("-0."):
        return f"±\N{NO-BREAK SPACE}0\N{NO-BREAK SPACE}{unit}"
    return f"{'' if number.startswith('-') else '+'}{number}\N{NO-BREAK SPACE}{unit}"


CAMPAIGNS: Final = Section(
    title="Compared with the period before",
    note="In brackets how much more or less it is than in as many days before: numbers in percent"
    f" of what was then, rates in points. The last {SETTLED_DAYS} days before the sync are left"
    " out, since results still come in.",
    tables=("campaigns", "campaign_summary"),
    make=_campaigns,
    empty=f"no campaign was sent in the last {2 * PERIODS[-1]} days",
    views=("campaign_performance_change",),
    summaries={"campaign_changes": "from {campaign_performance_change}"},
)

GROWTH: Final = Section(
    title="Growth compared with the period before",
    note="In brackets how much more or less it is than in as many days before. Who was deleted is"
    " in neither.",
    tables=("active_subscribers", "unsubscribed_subscribers", "bounced_subscribers"),
    make=_growth,
    empty=f"nobody came or went in the last {2 * PERIODS[-1]} days",
    views=("list_growth_change",),
    summaries={"list_changes": "from {list_growth_change}"},
    partly=True,
)
