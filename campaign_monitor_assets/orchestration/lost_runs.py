"""Runs whose process is gone without a word, after kill -9 or a reboot: noticed and ended.

Dagster's default launcher knows nothing of a run's process, so that such a run stays "Started" and
keeps its place in the pool. What a launcher tells of a run's health has no public names: imports of
`dagster._core` and `dagster._grpc` are kept to this file.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import filelock
import tenacity
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster._serdes import deserialize_value

if TYPE_CHECKING:
    from dagster._grpc.client import DagsterGrpcClient
    from dagster._grpc.types import CanCancelExecutionRequest

_CODE_SERVER_TAG = ".dagster/grpc_info"
"""Dagster's tag of a launched run: the address of the code server that started its process."""
_LOCKS = "campaign_monitor_runs"
"""The folder in Dagster's home with a locked file for each run of a command."""
_HEARTBEAT_TOLERANCE = 90
"""Seconds; a daemon that lives gives a heartbeat every 30."""
_LOST = "The run's process is gone: it was killed, ran out of memory, or the machine was restarted."


class LocalRunLauncher(dg.DefaultRunLauncher):
    """Dagster's default launcher, which also tells whether the process of a run is still there."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Makes Dagster's run monitoring ask for the health of runs."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Says that a run's process is there, or not found."""
        if self.has_instance and is_lost(self._instance, run):
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, _LOST)
        return CheckRunHealthResult(WorkerStatus.RUNNING)


@contextmanager
def marked_alive(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Marks a run of this process as alive, for as long as the context and the process last."""
    path = _lock_of(instance, run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(path):
        yield
    path.unlink(missing_ok=True)


def end_lost_runs(instance: dg.DagsterInstance, warn: Callable[[str], None]) -> None:
    """Marks lost runs as failed and frees their places in pools, where no daemon does it.

    Launched runs are left to a daemon that lives: it may be on another machine, whose code server
    can't be reached from here.
    """
    in_progress = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    has_daemon = _has_daemon(instance)
    for run in instance.get_runs(dg.RunsFilter(statuses=in_progress)):
        is_of_daemon = has_daemon and _CODE_SERVER_TAG in run.tags
        if not is_of_daemon and is_lost(instance, run):
            instance.report_run_failed(run, _LOST)
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            _lock_of(instance, run.run_id).unlink(missing_ok=True)
            warn(f"An earlier run of {run.job_name} ({run.run_id}) was marked as failed. {_LOST}")


def is_lost(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether the process of a run that should be going on is certainly gone."""
    if address := run.tags.get(_CODE_SERVER_TAG):
        return not _is_executing(json.loads(address), run.run_id)
    path = _lock_of(instance, run.run_id)
    if not path.exists():
        return False
    try:
        with filelock.FileLock(path, timeout=0):
            return True
    except filelock.Timeout:
        return False


def _has_daemon(instance: dg.DagsterInstance) -> bool:
    beats = [beat.timestamp for beat in instance.get_daemon_heartbeats().values()]
    return bool(beats) and time.time() - max(beats) < _HEARTBEAT_TOLERANCE


def _lock_of(instance: dg.DagsterInstance, run_id: str) -> Path:
    return Path(instance.root_directory, _LOCKS, f"{run_id}.lock")


def _is_executing(address: dict[str, Any], run_id: str) -> bool:
    # Few commands meet a run of a code server, and none else needs gRPC.
    from dagster._grpc.client import DagsterGrpcClient  # noqa: PLC0415
    from dagster._grpc.types import (  # noqa: PLC0415
        CanCancelExecutionRequest,
        CanCancelExecutionResult,
    )

    try:
        said = _ask(DagsterGrpcClient(**address), CanCancelExecutionRequest(run_id=run_id))
    except DagsterUserCodeUnreachableError as error:
        # A server that is merely slow to answer is there.
        return not _nobody_listens(error)
    return deserialize_value(said, CanCancelExecutionResult).can_cancel


def _nobody_listens(error: BaseException) -> bool:
    return isinstance(error, DagsterUserCodeUnreachableError) and "UNAVAILABLE" in str(error)


@tenacity.retry(
    retry=tenacity.retry_if_exception(_nobody_listens),
    stop=tenacity.stop_after_attempt(3),
    wait=tenacity.wait_fixed(1),
    reraise=True,
)
def _ask(client: "DagsterGrpcClient", request: "CanCancelExecutionRequest") -> str:
    return client.can_cancel_execution(request, timeout=10)
