"""`--config`: a configuration of the user's own, without a Dagster project around it."""

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from campaign_monitor_assets.cli.env_file import use_env_file
from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.orchestration import CONFIG_VARIABLE
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.cli.test_home import run

TYPE = "type: campaign_monitor_assets.CampaignMonitorComponent\n"
OWN = f"""{TYPE}
attributes:
  key_prefix: northwind
  tables: [clients, lists]
  api: {{api_key_variable: NORTHWIND_KEY, base_url_variable: NORTHWIND_URL}}
  warehouse: {{database: northwind.duckdb}}
"""


def _write(folder: Path, text: str, name: str = "defs.yaml") -> str:
    (folder / "settings").mkdir()
    (folder / "settings" / name).write_text(text)
    return f"settings/{name}"


@pytest.mark.parametrize("before", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_configuration_of_ones_own(box: Sandbox, tmp_path: Path, before: bool) -> None:  # noqa: FBT001
    """It names key, file, prefix and tables; what stands beside it is left alone."""
    config = ("--config", _write(tmp_path, OWN))
    (tmp_path / "settings" / "broken.py").write_text("1 / 0")
    # As `dg` makes it; the run is recorded as one of that project.
    (tmp_path / "pyproject.toml").write_text('[tool.dg.project]\nroot_module = "marketing"\n')
    arguments = (*config, "sync") if before else ("sync", *config)
    done = run(tmp_path, *arguments, NORTHWIND_KEY=box.key, NORTHWIND_URL=box.url)
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(str(tmp_path / "northwind.duckdb"), read_only=True) as connection:
        counted = connection.execute("select count(*) from northwind.northwind.lists").fetchone()
    assert counted == (10,)
    with dg.DagsterInstance.from_config(str(tmp_path / ".dagster")) as instance:
        [recorded] = instance.get_runs()
    assert recorded.job_name.startswith("northwind")
    location = {"dagster/code_location": tmp_path.name}
    assert location.items() <= recorded.tags.items()
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_the_env_file_of_the_project(box: Sandbox, tmp_path: Path) -> None:
    """The key of `.env` is found, as by `dg dev`, and `doctor` says where variables come from."""
    config = ("--config", _write(tmp_path, OWN))
    (tmp_path / "pyproject.toml").write_text('[tool.dg.project]\nroot_module = "marketing"\n')
    (tmp_path / ".env").write_text(f"NORTHWIND_KEY='{box.key}'\nNORTHWIND_URL={box.url}\n")
    for command, said in (("check", "The credentials are valid"), ("doctor", f"{tmp_path}/.env")):
        done = run(tmp_path, command, *config, NORTHWIND_KEY="of the environment")
        assert done.returncode == 0, done.stdout + done.stderr
        assert said in done.stdout
        assert box.key not in done.stdout


def test_an_env_file_that_can_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named in a sentence; outside of a project nothing is looked for."""
    (tmp_path / ".env").write_bytes(b"KEY=\xff")
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "defs.yaml"))
    use_env_file()
    (tmp_path / "dg.toml").write_text('[project]\nroot_module = "marketing"\n')
    with pytest.raises(ConfigurationError, match=r"\.env, which .* can't be read: it is not UTF-8"):
        use_env_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("account.yaml", OWN, "Dagster's are called defs.yaml. Rename it"),
        ("defs.yaml", "type: nowhere.Component", "defs.yaml can't be loaded: No module named"),
        ("defs.yaml", f"{TYPE}---\n{TYPE}", "give each a folder with a defs.yaml of its own"),
        (
            "defs.yaml",
            f"{TYPE}attributes:\n  timezone: Europe/Belrin",
            "defs.yaml:3: attributes.timezone: 'Europe/Belrin' is not accepted. Did you mean",
        ),
        ("defs.yaml", "# type: nothing yet\n", "/settings/defs.yaml:1: the file is empty"),
        (
            "defs.yaml",
            f"{TYPE}attribute:\n  timezone: UTC\n",
            "/settings/defs.yaml:2: attribute is not known here. Did you mean attributes? Allowed:",
        ),
        ("defs.yaml", f"{TYPE}attributes:\n\ttables: all\n", "defs.yaml:3: this is not YAML: "),
    ],
)
def test_a_configuration_that_can_not_be_loaded(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    """What is wrong with it is one sentence, without a stack trace or Dagster's tree."""
    config = _write(tmp_path, text, name)
    done = run(tmp_path, "sync", "--config", config, CAMPAIGN_MONITOR_API_KEY="k")
    assert done.returncode == 1
    assert said in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
def test_a_variable_that_names_no_file(tmp_path: Path) -> None:
    """CAMPAIGN_MONITOR_CONFIG does what --config does, for whatever loads the definitions."""
    done = run(tmp_path, "check", CAMPAIGN_MONITOR_CONFIG="nowhere/defs.yaml")
    assert done.returncode == 1
    assert "There is no file" in done.stdout
    assert "nowhere/defs.yaml, which CAMPAIGN_MONITOR_CONFIG (--config) names" in done.stdout


@pytest.mark.slow
def test_the_variables_of_the_configuration_are_named(tmp_path: Path) -> None:
    """Who has not set the key is told the name that the configuration chose."""
    done = run(tmp_path, "sync", "--config", _write(tmp_path, OWN))
    assert done.returncode == 1
    assert "NORTHWIND_KEY is not set" in done.stdout
