"""The environment's variables: which are set, never what they hold."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from campaign_monitor_assets.api.auth import checked_secret
from campaign_monitor_assets.api.settings import checked_base_url
from campaign_monitor_assets.cli.doctor.findings import (
    Finding,
    errors_as_faults,
    fault,
    note,
    right,
    warning,
)
from campaign_monitor_assets.cli.env_file import env_file
from campaign_monitor_assets.errors import MissingCredentialsError

if TYPE_CHECKING:
    from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent

_ENDING: Final = "_variable"
_OTHERS: Final = (
    "CAMPAIGN_MONITOR_CONFIG",
    "CAMPAIGN_MONITOR_CLIENT_ID",
    "CAMPAIGN_MONITOR_DUCKDB",
    "DAGSTER_HOME",
    "HTTPS_PROXY",
    "NO_PROXY",
)
_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def variables(component: "CampaignMonitorComponent") -> Iterator[Finding]:
    """Which variables are set of those that the configuration names, and of the usual ones."""
    if held := env_file():
        yield note(f"{held} goes before the environment, as with `dg dev`")
    for place, name in _named(component):
        if os.environ.get(name):
            yield right(f"{name} is set ({place})")
        elif name in component.notify.needed_variables:
            yield warning(
                f"{name} is not set ({place}): from here nobody would be told of a failed run.",
                "set it where Dagster's daemon runs.",
            )
        else:
            yield note(f"{name} is not set ({place})")
    for name in _OTHERS:
        if os.environ.get(name):
            yield right(f"{name} is set")
    yield from _of_api(component)
    for name in _BUNDLES:
        if (file := os.environ.get(name)) and not Path(file).exists():
            yield fault(
                f"{name} names {file}, which is not there.", "name a PEM file, or unset it."
            )


def _named(component: "CampaignMonitorComponent") -> Iterator[tuple[str, str]]:
    """For each attribute that names a variable, its place and the name."""
    for block in type(component).model_fields:
        settings = getattr(component, block)
        for field in type(settings).model_fields if isinstance(settings, BaseModel) else ():
            if field.endswith(_ENDING) and (name := getattr(settings, field)):
                yield f"{block}.{field}", name


def _of_api(component: "CampaignMonitorComponent") -> Iterator[Finding]:
    api, found = component.api, list[Finding]()
    secrets = (api.api_key_variable, api.access_token_variable, api.refresh_token_variable)
    held = []
    for name in secrets:
        with errors_as_faults(found):
            held.append(checked_secret(os.environ.get(name), name))
    with errors_as_faults(found):
        checked_base_url(os.environ.get(api.base_url_variable) or api.base_url)
    if len(held) == len(secrets) and not any(held[:2]):
        found.append(fault(str(MissingCredentialsError(*secrets[:2]))))
    yield from found
