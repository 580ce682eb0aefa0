"""What the commands do beside what they print."""

import gc
import subprocess
import sys

import pytest
from rich.console import Console

from campaign_monitor_assets.cli import commands
from campaign_monitor_assets.errors import ConfigurationError


def test_what_is_loaded_is_not_looked_through_for_garbage() -> None:
    """Garbage is collected as ever afterwards, but only at the end among what stays till then."""
    program = (
        "import gc; from campaign_monitor_assets.cli import commands;"
        " commands._has_credentials(); print(gc.isenabled(), gc.get_freeze_count() > 100_000)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "True"]
    # DuckDB would tell of all that is left.
    assert done.stderr == ""


def test_garbage_is_collected_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that are not accepted leave the collection on."""

    def refuse(_: str) -> None:
        raise ConfigurationError("timezone: Mars/Olympus is not accepted.")

    monkeypatch.setattr(commands, "import_module", refuse)
    with pytest.raises(ConfigurationError):
        commands.check(Console())
    assert gc.isenabled()
    gc.unfreeze()
