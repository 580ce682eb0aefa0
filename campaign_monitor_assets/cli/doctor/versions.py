"""Whether what is installed is what this package asks for."""

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, version
from typing import Final

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from campaign_monitor_assets import __version__
from campaign_monitor_assets.cli.doctor.findings import Finding, fault, note, right, warning

_OURS: Final = "campaign_monitor_assets"
_TOLD: Final = ("dagster", "dagster-duckdb", "duckdb")
_EXTRAS: Final = {
    "webserver": ("dagster-webserver", "`campaign-monitor dev`"),
    "report": ("plotly", "`campaign-monitor report`"),
    "postgres": ("dagster-postgres", "Dagster's storage in PostgreSQL"),
    "lake": ("duckdb-extension-ducklake", "DuckLake, where DuckDB can't install it by itself,"),
}
"""For each extra a package that it brings, and what needs it."""
_SAME: Final = {
    "dagster-webserver": "dagster",
    "duckdb-extension-ducklake": "duckdb",
    "duckdb-extension-httpfs": "duckdb",
    "duckdb-extension-postgres-scanner": "duckdb",
}
"""Packages that work with the same version of another one alone."""


def versions() -> Iterator[Finding]:
    """Python's version, this package's, and those of what it needs."""
    told = metadata(_OURS)
    python, wanted = platform.python_version(), told["Requires-Python"] or ""
    if SpecifierSet(wanted).contains(python, prereleases=True):
        yield right(f"Python {python}, {platform.system()} {platform.machine()}")
    else:
        yield fault(f"This is Python {python}.", f"use Python {wanted}.")
    shown = ", ".join(f"{name} {_version(name) or '(missing)'}" for name in _TOLD)
    yield right(f"{_OURS} {__version__}, {shown}")
    for text in told.get_all("Requires-Dist") or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield from _unmet(requirement)
    for extra, (package, use) in _EXTRAS.items():
        found = _version(package)
        if found is None:
            install = f"pip install '{_OURS}[{extra}]'"
            yield note(f"{package} is not installed; {use} needs it: {install}")
        else:
            yield right(f"{package} {found}")
    for package, other in _SAME.items():
        has, needs = _version(package), _version(other)
        if has is not None and needs is not None and has != needs:
            yield warning(
                f"{package} {has} is of another version than {other} {needs}.",
                "install the same version of both.",
            )


def _unmet(requirement: Requirement) -> Iterator[Finding]:
    found = _version(requirement.name)
    if found is None or not requirement.specifier.contains(found, prereleases=True):
        has = "is not installed" if found is None else f"{found} is installed"
        yield fault(
            f"{requirement.name} {has}; {_OURS} needs {requirement.specifier}.",
            f"pip install '{requirement.name}{requirement.specifier}'",
        )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
