"""A configuration that can't be loaded, told in the words of what is wrong with it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

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
        file = os.environ.get(CONFIG_VARIABLE) or "The built-in configuration"
        raise ConfigurationError(f"{file} can't be loaded: {first}") from error
