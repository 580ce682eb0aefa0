"""An examination of the setup: what is right, what is wrong, and what to do about it.

It changes nothing, but opens what a run would open. The account is asked for its figures, so that
the room on the disk can be told for it.
"""

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING

import dagster as dg

from campaign_monitor_assets.cli.doctor.findings import (
    Finding,
    State,
    errors_as_faults,
    note,
    right,
)
from campaign_monitor_assets.cli.doctor.places import Places, permissions, room
from campaign_monitor_assets.cli.doctor.settings import instance_settings
from campaign_monitor_assets.cli.doctor.variables import variables
from campaign_monitor_assets.cli.doctor.versions import versions
from campaign_monitor_assets.cli.loading import told_in_a_sentence
from campaign_monitor_assets.orchestration.choices import chosen_tables

if TYPE_CHECKING:
    from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent


def examined() -> Iterator[tuple[str, Iterable[Finding]]]:
    """What was found, part by part, each with its heading."""
    yield "Versions", versions()
    component, loading = _loaded()
    yield "Configuration", loading
    environment = list(variables(component)) if component is not None else []
    if environment:
        yield "Environment", environment
    yield "Dagster's instance", instance_settings(component)
    if component is None:
        return
    found = list[Finding]()
    places = None
    with errors_as_faults(found):
        places = Places.of(component)
        found += permissions(places)
    yield "Files and folders", found
    rows = None
    if not any(finding.state is State.FAULT for finding in environment):
        rows, asked = _rows(component)
        yield "The account", asked
    if places is not None:
        yield "Disk", room(places, rows)


def _loaded() -> "tuple[CampaignMonitorComponent | None, list[Finding]]":
    found, component = list[Finding](), None
    with errors_as_faults(found), told_in_a_sentence():
        project = import_module("campaign_monitor_assets.orchestration.project")
        component = project.load_component()
        project.load_definitions()
        found.append(right("The configuration is accepted"))
    return component, found


def _rows(component: "CampaignMonitorComponent") -> tuple[int | None, list[Finding]]:
    """How many rows the account has, as far as it tells before they are read."""
    found, rows = list[Finding](), None
    # Whoever asks what is wrong need not wait for further attempts to know.
    once = component.api.model_copy(update={"max_attempts": 1})
    api = component.model_copy(update={"api": once}).api_resource()
    with errors_as_faults(found), dg.build_resources({"api": api}) as given:
        warn: Callable[[str], None] = lambda text: found.append(note(text))  # noqa: E731
        seen = given.api.survey(chosen_tables(component.tables), warn=warn)
        rows = seen.rows
        found.append(right(f"The account responds; it has about {rows:,} rows that it counts"))
        if seen.not_counted:
            found.append(note(f"Counted only as they are read: {', '.join(seen.not_counted)}"))
    return rows, found
