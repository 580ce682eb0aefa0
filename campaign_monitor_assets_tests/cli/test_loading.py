"""What YAML says of a file that is none becomes a sentence with a line and what to do."""

import pytest
import yaml

from campaign_monitor_assets.cli.loading import told_in_a_sentence
from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.orchestration import CONFIG_VARIABLE

TABS = "attributes:\n\ttables: all\n"
WINDOWS = 'warehouse:\n  database: "C:\\Users\\anna\\account.duckdb"\n'
INDENTED = "attributes:\n  tables: all\n   timezone: UTC\n"
OPEN = "attributes:\n  tables: [clients\n  timezone: UTC\n"


@pytest.mark.parametrize(
    ("text", "line", "todo"),
    [
        (TABS, 2, "indent with blanks"),
        (WINDOWS, 2, "write a path with / or in single ones"),
        (INDENTED, 3, "look at the blanks at the beginning of this line"),
        (OPEN, 3, "brackets that are not closed"),
    ],
)
def test_what_is_no_yaml(monkeypatch: pytest.MonkeyPatch, text: str, line: int, todo: str) -> None:
    """One line names the file, the line, what YAML says, and what to do about it."""
    monkeypatch.setenv(CONFIG_VARIABLE, "/project/defs.yaml")
    with pytest.raises(ConfigurationError) as raised, told_in_a_sentence():
        yaml.safe_load(text)
    [said] = str(raised.value).splitlines()
    assert said.startswith(f"/project/defs.yaml:{line}: this is not YAML: ")
    assert todo in said
