"""Dagster's instance of a command, opened, or told in a sentence why it can't be."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError
from yaml import YAMLError

from campaign_monitor_assets.errors import ConfigurationError


@contextmanager
def opened_instance() -> Iterator[dg.DagsterInstance]:
    """The instance whose home DAGSTER_HOME names.

    Raises:
        ConfigurationError: Its settings are not accepted, or its database can't be opened.
    """
    logger = logging.getLogger("dagster")
    logger.addFilter(_is_news)
    try:
        opened = dg.DagsterInstance.get()
    except (dg.DagsterError, SQLAlchemyError, YAMLError) as error:
        raise ConfigurationError(
            f"Dagster's instance in {os.environ['DAGSTER_HOME']} can't be opened. Look at its"
            f" dagster.yaml: {error}"
        ) from error
    finally:
        logger.removeFilter(_is_news)
    with opened as instance:
        yield instance


def _is_news(record: logging.LogRecord) -> bool:
    """Whether Dagster says something else than that there is no dagster.yaml, told before."""
    return not record.getMessage().startswith("No dagster instance configuration file")
