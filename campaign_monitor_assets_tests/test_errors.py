"""Errors tell the same wherever they are told."""

import inspect
import pickle
import pkgutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from enum import Enum
from importlib import import_module
from multiprocessing import get_context
from typing import Any, get_type_hints

import pytest

import campaign_monitor_assets
from campaign_monitor_assets.errors import MemoryLimitError

VALUES: dict[type, Any] = {
    str: "text",
    int: 7,
    float: 0.5,
    datetime: datetime(2026, 1, 1, tzinfo=UTC),
}


def _classes() -> Iterator[type[Exception]]:
    """All errors that the package defines."""
    package = campaign_monitor_assets
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        # What runs as it is imported, and definitions that need what the cluster's demo sets.
        if module.name.endswith("__main__") or ".cli.cluster.def" in module.name:
            continue
        for found in vars(import_module(module.name)).values():
            of_module = inspect.isclass(found) and found.__module__ == module.name
            if of_module and issubclass(found, Exception):
                yield found


def _made(kind: type[Exception]) -> Exception:
    """An error of the class, with something in each place that has to be filled in."""
    if not inspect.isfunction(kind.__init__):
        return kind("text")
    hints = get_type_hints(kind.__init__)
    needed = {
        each.name: _value(hints[each.name])
        for each in inspect.signature(kind).parameters.values()
        if each.default is each.empty and each.kind is not each.VAR_KEYWORD
    }
    return kind(**needed)


def _value(kind: type) -> Any:
    return next(iter(kind)) if issubclass(kind, Enum) else VALUES[kind]


@pytest.mark.parametrize("kind", sorted(_classes(), key=str), ids=lambda kind: kind.__name__)
def test_an_error_of_another_process(kind: type[Exception]) -> None:
    """An error is the same after it has gone to another process: class, text and attributes."""
    error = _made(kind)
    other = pickle.loads(pickle.dumps(error))
    assert (type(other), str(other), vars(other)) == (kind, str(error), vars(error))


def _fail() -> None:
    raise MemoryLimitError("192MB", "384MB", "out of memory")


def test_a_pool_of_processes() -> None:
    """A process pool raises the error of a process of it, and goes on."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for _ in range(2):
            with pytest.raises(MemoryLimitError, match="set `memory_limit` to 384MB"):
                pool.submit(_fail).result()
