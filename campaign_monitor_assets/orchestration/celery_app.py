"""What a Celery worker serves: `celery -A campaign_monitor_assets.orchestration.celery_app worker`.

Broker, backend and settings are those of the run launcher in the worker's own `dagster.yaml`, so
that they stand in one place, and no password on a command line.
"""

from multiprocessing import process
from typing import Final

import dagster as dg
from celery import Celery
from celery.signals import worker_process_init
from dagster_celery.tasks import create_execute_job_task, create_resume_job_task

from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.orchestration.celery_runs import CeleryRunLauncher

_PROGRAM: Final = process.current_process()
"""What Python's multiprocessing takes the worker for, before Celery makes a pool of it."""


def celery_app() -> Celery:
    """Celery as the run launcher of DAGSTER_HOME's instance has it, with Dagster's tasks.

    Raises:
        ConfigurationError: The instance has another launcher.
    """
    with dg.DagsterInstance.get() as instance:
        launcher = instance.run_launcher
        if not isinstance(launcher, CeleryRunLauncher):
            raise ConfigurationError(
                f"The dagster.yaml of {instance.root_directory} has the run launcher"
                f" {type(launcher).__name__}, so that a Celery worker would get no runs. Allowed:"
                f" `run_launcher: {{module: {CeleryRunLauncher.__module__}, class:"
                f" {CeleryRunLauncher.__name__}, config: …}}`. Set it there, as docs/workers.md"
                " shows, or let DAGSTER_HOME name the folder of another one."
            )
        create_execute_job_task(launcher.celery)
        create_resume_job_task(launcher.celery)
        return launcher.celery


@worker_process_init.connect  # type: ignore[untyped-decorator]
def let_have_processes(**_: object) -> None:
    """Lets a run start processes of its own, as Dagster's multiprocess executor does.

    Celery's pool makes its processes Python's own, too: as daemons, which may have no children, and
    with a key that can't be handed on to them. Here a run is to be a program like any other.
    """
    process._current_process = _PROGRAM  # type: ignore[attr-defined]  # noqa: SLF001


def __getattr__(name: str) -> Celery:
    # Celery asks the module for it; whoever imports the module for another reason has no instance.
    if name == "app":
        return celery_app()
    raise AttributeError(name)
