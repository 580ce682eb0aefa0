"""What the demo asks Dagster's instance about its runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

import dagster as dg

from campaign_monitor_assets.cli.cluster.processes import ClusterError, Process, eventually
from campaign_monitor_assets.orchestration.celery_runs import CeleryRunLauncher

_WITH_A_WORKER: Final = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
_WAITING: Final = {
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
}
_PARENT: Final = "dagster/parent_run_id"
"""Dagster's tag of a run that is another one started again."""


@dataclass(frozen=True)
class Runs:
    """The runs of an instance.

    Attributes:
        instance: Dagster's instance.
        watched: Processes without which no run would go on.
    """

    instance: dg.DagsterInstance
    watched: Sequence[Process]

    def wait_for_next(self, accounts: Sequence[str]) -> Mapping[str, dg.DagsterRun]:
        """The next run of each account that its schedule begins from now on."""
        now = datetime.now(UTC)

        def begun(account: str) -> Sequence[dg.DagsterRun]:
            tags = {"dagster/schedule_name": f"{account}_every_minute"}
            return self.instance.get_runs(dg.RunsFilter(tags=tags, created_after=now))

        return {
            account: eventually(partial(begun, account), *self.watched)[-1] for account in accounts
        }

    def wait_for_worker(self, run: dg.DagsterRun) -> str:
        """The name of the worker that executes a run."""
        # One that waits to be started again has the tags of the one before.
        eventually(lambda: self._now(run).status not in _WAITING, *self.watched)
        launcher = self.instance.run_launcher
        assert isinstance(launcher, CeleryRunLauncher)
        return str(eventually(lambda: launcher.worker_of(self._now(run)), *self.watched))

    def wait_for_step(self, run: dg.DagsterRun, step: str) -> None:
        """Waits until a step of a run has begun.

        Raises:
            ClusterError: The run ended without it.
        """

        def begun() -> bool:
            ended = self._now(run).is_finished
            starts = self.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_START)
            if any(entry.step_key == step for entry in starts):
                return True
            if ended:
                raise ClusterError(f"No {step} began in the run {run.run_id}: it {self._why(run)}")
            return False

        eventually(begun, *self.watched)

    def wait_for_failure(self, run: dg.DagsterRun) -> str:
        """Waits until a run has failed, and tells why."""
        eventually(lambda: self._now(run).is_finished, *self.watched)
        if self._now(run).status is not dg.DagsterRunStatus.FAILURE:
            raise ClusterError(f"The run {run.run_id} was not lost: it {self._why(run)}")
        return self._told(run, dg.DagsterEventType.RUN_FAILURE)[0]

    def wait_for_retry(self, run: dg.DagsterRun) -> dg.DagsterRun:
        """The run that a lost one was started again as."""
        found = eventually(
            lambda: self.instance.get_runs(dg.RunsFilter(tags={_PARENT: run.run_id})), *self.watched
        )
        return found[0]

    def wait_for_success(self, run: dg.DagsterRun) -> None:
        """Waits until a run has ended.

        Raises:
            ClusterError: It did not end well.
        """
        eventually(lambda: self._now(run).is_finished, *self.watched)
        if not self._now(run).is_success:
            raise ClusterError(f"The run {run.run_id} of {run.job_name} {self._why(run)}")

    def wait_for_the_rest(self) -> None:
        """Waits until no worker executes a run; without a daemon no further one comes."""
        filters = dg.RunsFilter(statuses=_WITH_A_WORKER)
        eventually(lambda: not self.instance.get_runs(filters), *self.watched)

    def _now(self, run: dg.DagsterRun) -> dg.DagsterRun:
        [now] = self.instance.get_runs(dg.RunsFilter(run_ids=[run.run_id]))
        return now

    def _why(self, run: dg.DagsterRun) -> str:
        """How a run is, and what is said of it and of its steps."""
        kinds = (dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE)
        told = [line for kind in kinds for line in self._told(run, kind)]
        return "\n".join([f"was {self._now(run).status.value}.", *told])

    def _told(self, run: dg.DagsterRun, kind: dg.DagsterEventType) -> Sequence[str]:
        entries = self.instance.all_logs(run.run_id, of_type=kind)
        return [str(entry.dagster_event.message) for entry in entries if entry.dagster_event]
