"""Dagster's sensors that tell somebody of failed runs and of failed checks.

A run is marked by a tag before its message goes out, so that nothing is told twice, however often a
tick is repeated. A message that could not be delivered waits, marked too, and goes out when the
next run succeeds.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import dagster as dg

from campaign_monitor_assets.alerts.delivery import Outcome, UndeliveredError, deliver
from campaign_monitor_assets.alerts.message import Alert
from campaign_monitor_assets.orchestration.run_problems import Watched

_NOTHING: Final = "nothing"
_BOTH: Final = "slack and email"
_MOST_WAITING: Final = 3
"""Messages that are sent later at once, since a sensor has a minute."""
_GIVEN_UP_AFTER: Final = timedelta(days=2)
_SCHEDULE: Final = "dagster/schedule_name"
_WILL_RETRY: Final = "dagster/will_retry"


@dataclass(frozen=True)
class _Tags:
    """The tags of an account's runs, which another account of the code location has too.

    Attributes:
        what: What was told of the run, so that the same is known again.
        when: When it was told last, in seconds since 1970.
        waits: By which channel it has still to be told.
    """

    what: str
    when: str
    waits: str

    @classmethod
    def of(cls, watched: Watched) -> "_Tags":
        """Those of an account."""
        return cls(*(f"{watched.name}/alert{end}" for end in ("", "_told_at", "_waits_for")))


class AlertNotDeliveredError(Exception):
    """Somebody should have been told and wasn't; the sensor's tick says so, and no run fails."""


def build_alert_sensors(watched: Watched) -> list[dg.SensorDefinition]:
    """The sensors of an account; none where nobody is to be told."""
    if not watched.settings.channels:
        return []

    @dg.run_failure_sensor(
        name=f"{watched.name}_tell_of_failures",
        description="Tells which tables of a run failed, why, and what to do.",
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def tell_of_failures(context: dg.RunFailureSensorContext) -> None:
        _tell(context, watched)

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name=f"{watched.name}_tell_of_checks",
        description="Tells which checks failed in a run that succeeded, and sends messages that"
        " could not be delivered before.",
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def tell_of_checks(context: dg.RunStatusSensorContext) -> None:
        try:
            _tell(context, watched)
        finally:
            _tell_what_waits(context, watched)

    return [tell_of_failures, tell_of_checks]


def _tell(context: dg.RunStatusSensorContext, watched: Watched) -> None:
    instance, tags = context.instance, _Tags.of(watched)
    # As it is now: another tick may have told of it already.
    run = instance.get_run_by_id(context.dagster_run.run_id) or context.dagster_run
    if tags.what in run.tags or run.tags.get(_WILL_RETRY) == "true":
        return
    alert = watched.alert(instance, run)
    if alert is None:
        return
    told_at = _told_before(instance, run, alert, watched)
    # A whole second that has passed: one that is rounded up would lie ahead of the next look.
    when = int(told_at or time.time())
    instance.add_run_tags(run.run_id, {tags.what: alert.digest, tags.when: str(when)})
    if told_at is not None:
        context.log.info("The run before failed in the same way, and that was told.")
        return
    _send(context, watched, alert, watched.settings.channels)


def _told_before(
    instance: dg.DagsterInstance, run: dg.DagsterRun, alert: Alert, watched: Watched
) -> float | None:
    """When the same was told of the schedule's run before; None: it is to be told now."""
    schedule, tags = run.tags.get(_SCHEDULE), _Tags.of(watched)
    if schedule is None:
        return None
    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
    chosen = dg.RunsFilter(tags={_SCHEDULE: schedule}, statuses=ended)
    earlier = [
        each.dagster_run
        for each in instance.get_run_records(chosen, limit=5)
        if each.dagster_run.run_id != run.run_id
    ]
    if not earlier or earlier[0].tags.get(tags.what) != alert.digest:
        return None
    told_at = float(earlier[0].tags.get(tags.when, 0))
    return told_at if time.time() - told_at < 3600 * watched.settings.reminder_hours else None


def _tell_what_waits(context: dg.RunStatusSensorContext, watched: Watched) -> None:
    since, tag = datetime.now(UTC) - _GIVEN_UP_AFTER, _Tags.of(watched).waits
    waiting = dg.RunsFilter(tags={tag: ["slack", "email", _BOTH]}, created_after=since)
    for record in context.instance.get_run_records(waiting, limit=_MOST_WAITING):
        run = record.dagster_run
        alert = watched.alert(context.instance, run)
        if alert is not None:
            waits_for, channels = run.tags[tag], watched.settings.channels
            context.instance.add_run_tags(run.run_id, {tag: _NOTHING})
            _send(context, watched, alert, [each for each in channels if each in waits_for])


def _send(
    context: dg.RunStatusSensorContext, watched: Watched, alert: Alert, channels: Iterable[str]
) -> None:
    """Sends an alert by some channels, and marks what couldn't be delivered.

    Raises:
        AlertNotDeliveredError: Something was not delivered.
    """
    waits, said = [], []
    for channel in channels:
        try:
            deliver(channel, alert, watched.settings)
        except UndeliveredError as error:
            said.append(f"{channel}: {error.outcome}, since {error}")
            if error.outcome is Outcome.UNSENT:
                waits.append(channel)
        else:
            context.log.info(f"Told by {channel}.")
    if waits:
        marked = _BOTH if len(waits) > 1 else waits[0]
        context.instance.add_run_tags(alert.run_id, {_Tags.of(watched).waits: marked})
        said.append("it is sent when the next run succeeds")
    if said:
        raise AlertNotDeliveredError(
            f"The alert of the run {alert.run_id} was not delivered: {'; '.join(said)}."
        )
