"""A configuration that can't be loaded, told in the words of what is wrong with it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Final

from pydantic import ValidationError
from yaml import MarkedYAMLError

from campaign_monitor_assets.errors import CampaignMonitorError, ConfigurationError
from campaign_monitor_assets.orchestration import CONFIG_VARIABLE

_TOP: Final = ("type", "attributes", "requirements", "post_processing", "template_vars_module")
"""What Dagster lets stand in a `defs.yaml`, each at the beginning of a line."""
_YAML: Final = {
    r"'\t'": "indent with blanks: YAML lets no tab stand there.",
    "escape": "in double quotation marks a backslash begins a sign of YAML's own: write a path with"
    " / or in single ones.",
}
"""For words in what YAML says what to do."""
_INDENTED: Final = (
    "look at the blanks at the beginning of this line and of the one before, since attributes of"
    " one level begin in the same column, and at quotation marks and brackets that are not closed."
)


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
        if isinstance(first, MarkedYAMLError) and first.problem_mark is not None:
            raise ConfigurationError(_no_yaml(file, first)) from error
        raise ConfigurationError(f"{file} can't be loaded: {first}") from error


def _mistakes(error: ValidationError) -> Iterator[str]:
    """A line for each mistake of the YAML; Dagster puts its place and its line into one text."""
    for each in error.errors():
        place, _, position = ".".join(map(str, each["loc"])).partition(" at ")
        where = f"{position}: {place}" if position else place
        if each["type"] == "extra_forbidden":
            hint = "".join(f" Did you mean {top}?" for top in get_close_matches(place, _TOP, n=1))
            yield f"{where} is not known here.{hint} Allowed: {', '.join(_TOP)}."
        else:
            yield f"{where}: {each['msg'].removeprefix('Value error, ')}"


def _no_yaml(file: str, error: MarkedYAMLError) -> str:
    said = str(error.problem)
    todo = next((told for word, told in _YAML.items() if word in said), _INDENTED)
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    return f"{file}:{line}: this is not YAML: {said}. What to do: {todo}"
