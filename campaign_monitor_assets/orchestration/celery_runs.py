"""Runs as Celery's tasks, and whether the worker of each is still there.

dagster-celery asks the result backend how a task is. One whose worker was killed with all its
processes, or whose machine is gone, stays "STARTED" there for ever, and so does its run. What a
launcher tells of a run's health has no public names: imports of `dagster._core` are kept to this
file and to `lost_runs.py`.
"""

from collections.abc import Mapping
from typing import Any, Final, Self

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._serdes import ConfigurableClassData
from dagster_celery import launcher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

_DAY: Final = 86400
_SETTINGS: Final[Mapping[str, Any]] = {
    # A run is taken off the queue once it has ended: a worker that is busy reserves no other one,
    # which would be lost with it and wait in vain meanwhile.
    "task_acks_late": True,
    "worker_prefetch_multiplier": 1,
    # Each run has a process of its own, and gives back all its memory.
    "worker_max_tasks_per_child": 1,
    # Redis hands a task that was not taken off in so many seconds to another worker, also if it is
    # still being executed. No run may take so long: max_runtime_seconds ends it before.
    "broker_transport_options": {"visibility_timeout": 2 * _DAY},
    "result_expires": 2 * _DAY,
    "broker_connection_retry_on_startup": True,
}
"""Settings of Celery, which `config_source` goes before."""
_ANSWER: Final = 5
"""Seconds for a worker to answer; it does so beside the runs that it executes."""
_ATTEMPTS: Final = 3
_LOST: Final = "does not answer, or knows nothing of the run: it was killed, or is out of reach."


class CeleryRunLauncher(launcher.CeleryRunLauncher):
    """dagster-celery's launcher, which also tells whether the worker of a run is still there."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> Self:
        """The launcher of a `dagster.yaml`, with settings of Celery that suit long runs."""
        given = config_value.get("config_source") or {}
        transport = "broker_transport_options"
        settings = {
            **_SETTINGS,
            **given,
            transport: {**_SETTINGS[transport], **given.get(transport, {})},
        }
        return cls(inst_data=inst_data, **{**config_value, "config_source": settings})

    def launch_run(self, context: LaunchRunContext) -> None:
        """Hands a run to the broker."""
        # A run that was started again has the tags of the one before, and so its task.
        self._instance.add_run_tags(context.dagster_run.run_id, {DAGSTER_CELERY_TASK_ID_TAG: ""})
        super().launch_run(context)

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Says how a run's task is, and that it is not found where its worker is gone."""
        if not run.tags.get(DAGSTER_CELERY_TASK_ID_TAG):
            # The tag is written when the broker has the task, and a worker may be quicker.
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        said = super().check_run_worker_health(run)
        if said.status is not WorkerStatus.RUNNING:
            return said
        task, worker = run.tags[DAGSTER_CELERY_TASK_ID_TAG], self.worker_of(run)
        if worker is None or any(self._has_task(worker, task) for _ in range(_ATTEMPTS)):
            return said
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"The worker {worker} {_LOST}")

    def worker_of(self, run: dg.DagsterRun) -> str | None:
        """The name of the worker that executes a run; None: none does."""
        task = run.tags.get(DAGSTER_CELERY_TASK_ID_TAG)
        # What a task tells of itself as it starts.
        begun = self.celery.AsyncResult(task).info if task else None
        return begun.get("hostname") if isinstance(begun, dict) else None

    def _has_task(self, worker: str, task: str) -> bool:
        asked = self.celery.control.inspect(destination=[worker], timeout=_ANSWER, limit=1)
        answers = asked.query_task(task) or {}
        return task in answers.get(worker, {})
