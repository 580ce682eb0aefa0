"""What ties a command's run to the code location, as Dagster's UI does with the runs it launches.

Without it the UI lists the run but shows it neither in its timeline nor below its job, and sensors
pass over it. Dagster has no public names for it: imports of `dagster._core` are kept to this file.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Final

import dagster as dg
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.tags import MAX_RETRIES_TAG
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from campaign_monitor_assets.cli.projects import project

_MODULE: Final = "campaign_monitor_assets.definitions"
"""What loads the definitions, as the shipped `workspace.yaml` names it."""
_LOCATION: Final = "campaign_monitor"
"""The name of the code location there."""
RUN_TAGS: Final = {MAX_RETRIES_TAG: "0"}
"""Whoever started a command, or stopped it, starts it again: no daemon does that for them."""


def record_origin(instance: dg.DagsterInstance, job: str) -> None:
    """Lets the runs that are created with this instance object be runs of the code location."""
    name, module = _location()
    location = ManagedGrpcPythonEnvCodeLocationOrigin(
        LoadableTargetOrigin(
            executable_path=sys.executable, module_name=module, working_directory=str(Path.cwd())
        ),
        name,
    )
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME), job)
    # `execute_in_process` creates the run by this method, and passes no origin on.
    created = partial(instance.create_run_for_job, remote_job_origin=origin)
    vars(instance)["create_run_for_job"] = created


def _location() -> tuple[str, str]:
    """Name and module of the code location: that of the project in which the configuration is."""
    found = project()
    if found is None:
        return _LOCATION, _MODULE
    module = found.settings.get("code_location_target_module")
    return (
        found.settings.get("code_location_name") or found.folder.name,
        module or f"{found.settings.get('root_module')}.definitions",
    )
