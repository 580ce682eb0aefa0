"""A schedule for each frequency that some table has."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import dagster as dg
from croniter import CroniterBadDateError, croniter

from campaign_monitor_assets.analytics import View
from campaign_monitor_assets.errors import AttributeRefusedError
from campaign_monitor_assets.orchestration.account import Account
from campaign_monitor_assets.orchestration.cron_names import cron_name
from campaign_monitor_assets.orchestration.views import SKIPPING, view_selection
from campaign_monitor_assets.wording import shown

MANUAL: Final = "manual"


@dataclass(frozen=True)
class Frequency:
    """How often tables are read.

    Attributes:
        name: What the schedule is named for.
        cron: The cron string.
        interval: The longest time between two reads, for freshness.
    """

    name: str
    cron: str
    interval: timedelta


# No two of these fire in the same minute, so that runs which share a table don't start at once;
# and none between 02:00 and 03:00, which the change to summer time leaves out.
FREQUENCIES: Final[Mapping[str, Frequency]] = {
    words: Frequency(words.replace(" ", "_"), cron, interval)
    for words, cron, interval in (
        ("every 5 minutes", "*/5 * * * *", timedelta(minutes=5)),
        ("every 30 minutes", "2,32 * * * *", timedelta(minutes=30)),
        ("hourly", "7 * * * *", timedelta(hours=1)),
        ("every 6 hours", "13 */6 * * *", timedelta(hours=6)),
        ("every 12 hours", "18 */12 * * *", timedelta(hours=12)),
        ("daily", "24 1 * * *", timedelta(days=1)),
        ("weekly", "41 1 * * 1", timedelta(weeks=1)),
        ("monthly", "53 1 1 * *", timedelta(days=31)),
    )
}
_SCHEDULE_TAG: Final = "dagster/schedule_name"
"""Dagster's tag of the runs of a schedule."""
_UNFINISHED: Final = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
_TICKS_LOOKED_AT: Final = 3000
_SPAN_LOOKED_AT: Final = timedelta(days=65)
_GRACE: Final = timedelta(minutes=30)
"""How long a read may take before its table counts as late."""


def parse_frequency(given: str, where: str) -> Frequency | None:
    """The frequency in plain words or cron; None for `manual`.

    Args:
        given: What the user wrote.
        where: The key it was written at, for the error.

    Raises:
        AttributeRefusedError: It is neither.
    """
    words = " ".join(given.lower().split())
    if words == MANUAL:
        return None
    if words in FREQUENCIES:
        return FREQUENCIES[words]
    if not croniter.is_valid(given) or len(words.split()) not in {1, 5}:
        allowed = ", ".join(repr(name) for name in [*FREQUENCIES, MANUAL])
        raise AttributeRefusedError(
            where,
            f"{shown(given)} is no frequency. Allowed: {allowed}, or a cron string such as"
            " '15 4 * * 1-5'.",
        )
    cron = " ".join(given.split())
    known = {frequency.cron: frequency for frequency in FREQUENCIES.values()}
    if cron in known:
        return known[cron]
    name = cron_name(cron)
    if name in {frequency.name for frequency in FREQUENCIES.values()}:
        # At other minutes: every 6 hours is 13 */6, not 0 */6.
        name += "_by_cron"
    try:
        return Frequency(name, cron, _longest_gap(cron))
    except CroniterBadDateError:
        raise AttributeRefusedError(
            where, f"{given!r} never comes. Choose a cron string whose day is in its month."
        ) from None


def freshness_policy(frequency: Frequency, timezone: str) -> dg.FreshnessPolicy:
    """A table is late after one missed read, and stale after two.

    Args:
        frequency: How often it is read.
        timezone: The time zone of the schedule, by its IANA name: where clocks are put back, a day
            is longer once a year.
    """
    longest = frequency.interval
    if longest > timedelta(hours=1):
        longest += _clock_change(timezone)
    return dg.FreshnessPolicy.time_window(
        warn_window=longest + _GRACE, fail_window=longest + frequency.interval + 2 * _GRACE
    )


def _clock_change(timezone: str) -> timedelta:
    """By how much the clocks of a time zone are put back, at the most, in a year from now."""
    zone, now = ZoneInfo(timezone), datetime.now(UTC)
    offsets = [
        (now + timedelta(days=day)).astimezone(zone).utcoffset() or timedelta()
        for day in range(366)
    ]
    return max(offsets) - min(offsets)


def build_schedules(
    frequencies: Mapping[str, Frequency | None],
    views: Sequence[View],
    account: Account,
    *,
    timezone: str,
    running: bool,
) -> list[dg.ScheduleDefinition]:
    """One schedule for each frequency: its tables, what is upstream of them, the views on them.

    Args:
        frequencies: For each table how often it is read.
        views: The views that there are.
        account: How the assets stand in the code location.
        timezone: The time zone of the cron strings, by its IANA name.
        running: Whether the schedules are on where nobody switched them yet.
    """
    tables: dict[Frequency, list[str]] = {}
    for table, frequency in frequencies.items():
        if frequency is not None:
            tables.setdefault(frequency, []).append(table)
    status = dg.DefaultScheduleStatus.RUNNING if running else dg.DefaultScheduleStatus.STOPPED
    called = _distinct(tables)
    return [
        dg.ScheduleDefinition(
            name=f"{account.name}_{called[frequency]}",
            cron_schedule=frequency.cron,
            execution_timezone=timezone,
            default_status=status,
            description=_description(frequency, names),
            execution_fn=partial(
                _run_unless_one_is_unfinished,
                name=f"{account.name}_{called[frequency]}",
                tags={**account.tags, "campaign_monitor/frequency": called[frequency]},
            ),
            job=account.job(
                f"{called[frequency]}_job",
                dg.AssetSelection.assets(*(account.key(name) for name in names)).upstream()
                | view_selection(names, views, account),
                _description(frequency, names),
                SKIPPING,
            ),
        )
        for frequency, names in tables.items()
    ]


def _distinct(frequencies: Iterable[Frequency]) -> Mapping[Frequency, str]:
    """Their names; cron strings that say the same in words (0 and 7 are Sunday) are numbered."""
    found: dict[Frequency, str] = {}
    for frequency in frequencies:
        alike = sum(each.name == frequency.name for each in found)
        found[frequency] = f"{frequency.name}_{alike + 1}" if alike else frequency.name
    return found


def _run_unless_one_is_unfinished(
    context: dg.ScheduleEvaluationContext, *, name: str, tags: Mapping[str, str]
) -> dg.RunRequest | dg.SkipReason:
    unfinished = context.instance.get_runs(
        dg.RunsFilter(tags={_SCHEDULE_TAG: name}, statuses=_UNFINISHED), limit=1
    )
    if not unfinished:
        return dg.RunRequest(tags=tags)
    [run] = unfinished
    return dg.SkipReason(
        f"The run {run.run_id} of this schedule is not finished yet ({run.status.value}). Its"
        " tables are read again at the next tick after its end."
    )


def _description(frequency: Frequency, tables: Sequence[str]) -> str:
    return (
        f"Reads {', '.join(tables)} ({frequency.cron}), and first what they depend on; then makes"
        " the views on them."
    )


def _longest_gap(cron: str) -> timedelta:
    """The longest time between two ticks, in a span that holds a month's end and weekends."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    ticks = croniter(cron, start, ret_type=datetime)
    last, longest = start, timedelta()
    for tick in itertools.islice(ticks, _TICKS_LOOKED_AT):
        longest = max(longest, tick - last)
        last = tick
        if last - start > _SPAN_LOOKED_AT:
            break
    return longest
