"""A configuration that can't be loaded, told in the words of what is wrong with it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from campaign_monitor_assets.errors import CampaignMonitorError, ConfigurationError
from campaign_monitor_assets.orchestration import CONFIG_VARIABLE


@contextmanager
def told_in_a_sentence() -> Iterator[None]:
    """Raises what went wrong first, without the tree of components that Dagster wraps it in.

    Raises:
        CampaignMonitorError: What this package says of the configuration.
        ConfigurationError: What Dagster, YAML or pydantic say of it.
    """
    try:
        yield
    except Exception as error:
        first: BaseException = error
        while first.__cause__ is not None and not isinstance(first, CampaignMonitorError):
            first = first.__cause__
        if isinstance(first, CampaignMonitorError):
            raise first from None
        if isinstance(first, ValidationError):
            raise ConfigurationError("\n".join(_mistakes(first))) from error
        file = os.environ.get(CONFIG_VARIABLE) or "The built-in configuration"
        raise ConfigurationError(f"{file} can't be loaded: {first}") from error


def _mistakes(error: ValidationError) -> Iterator[str]:
    """A line for each mistake of the YAML; Dagster puts its place and its line into one text."""
    for each in error.errors():
        place, _, position = ".".join(map(str, each["loc"])).partition(" at ")
        where = f"{position}: {place}" if position else place
        yield f"{where}: {each['msg'].removeprefix('Value error, ')}"
