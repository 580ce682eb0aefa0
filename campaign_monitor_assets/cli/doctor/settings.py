"""The settings of Dagster's instance that matter to a sync."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import dagster as dg

from campaign_monitor_assets.cli.doctor.findings import (
    Finding,
    errors_as_faults,
    folder,
    note,
    right,
    warning,
)
from campaign_monitor_assets.cli.home import DEFAULT, SET_IT, SETTINGS, use_home
from campaign_monitor_assets.cli.instance import opened_instance

if TYPE_CHECKING:
    from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent

_COPY: Final = f"set it in dagster.yaml, as the one that comes with this package does: {SETTINGS}"


def instance_settings(component: "CampaignMonitorComponent | None") -> Iterator[Finding]:
    """Where Dagster's home is, whether it can be written, and how its instance is set.

    Args:
        component: The account; None: it can't be loaded, so its pool isn't known.
    """
    home = Path(os.environ.get("DAGSTER_HOME") or DEFAULT).absolute()
    if not os.environ.get("DAGSTER_HOME") and not home.exists():
        yield note(f"DAGSTER_HOME is not set: the first run makes {home}, with right settings")
        yield folder(home, "Dagster's home", SET_IT)
        return
    found = list[Finding]()
    with errors_as_faults(found):
        use_home(lambda text: found.append(warning(text)))
        found.append(folder(home, "Dagster's home", SET_IT))
        with opened_instance() as instance:
            found += _settings(instance, component)
    yield from found


def _settings(
    instance: dg.DagsterInstance, component: "CampaignMonitorComponent | None"
) -> Iterator[Finding]:
    storage = type(instance.run_storage).__name__.removesuffix("RunStorage")
    yield right(f"The history of runs is kept by Dagster's storage {storage}")
    if component is not None:
        yield _pool(instance, component.pool or component.name)
    if not instance.run_monitoring_enabled:
        yield warning(
            "run_monitoring is off: a run whose process is gone stays Started and keeps its place"
            " in the pool.",
            _COPY,
        )
    elif not instance.run_launcher.supports_check_run_worker_health:
        launcher = type(instance.run_launcher).__name__
        yield warning(
            f"run_monitoring is on, but {launcher} can't tell whether a run's process is gone.",
            _COPY,
        )
    else:
        yield right("run_monitoring is on, and the run launcher tells whether a process is gone")
    if instance.run_retries_enabled:
        yield right(
            f"run_retries is on: a lost run starts again ({instance.run_retries_max_retries} ×)"
        )
    else:
        yield note("run_retries is off: a lost run is not started again")


def _pool(instance: dg.DagsterInstance, pool: str) -> Finding:
    own = {each.name: each.limit for each in instance.event_log_storage.get_pool_limits()}
    limit = own.get(pool, instance.global_op_concurrency_default_limit)
    if limit == 1:
        return right(f"The pool {pool} lets one table be read at a time, over all runs")
    said = "has no limit" if limit is None else f"lets {limit} tables be read at a time"
    return warning(
        f"The pool {pool} {said}: runs may read one account at once and meet its rate limit.",
        f"set concurrency: pools: default_limit: 1 in {instance.root_directory}/dagster.yaml, or"
        " the pool's limit in the UI (Deployment → Concurrency).",
    )
