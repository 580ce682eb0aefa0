"""The compose file and the instance that it runs, as far as it can be told without containers."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster_docker import DockerRunLauncher

from campaign_monitor_assets_tests.deploy.files import DEPLOY, parsed, shipped, variables

COMPOSE = parsed("compose/compose.yaml")
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("webserver", "daemon", "code")
GIVEN = {
    "DAGSTER_PG_HOST": "127.0.0.1",
    "DAGSTER_PG_PORT": "9",
    "DAGSTER_PG_USERNAME": "dagster",
    "DAGSTER_PG_PASSWORD": "s3cret@x",
    "DAGSTER_PG_DB": "dagster",
}


def test_the_compose_file_follows_the_specification() -> None:
    """The schema of the compose specification accepts it: none of its settings is unknown."""
    command = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [sys.executable, *command, str(DEPLOY / "compose" / "compose.yaml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_what_has_to_be_filled_in() -> None:
    """The example names each variable that is asked for, and no value; none is asked for twice."""
    text = (DEPLOY / "compose" / "compose.yaml").read_text("utf-8")
    asked = set(re.findall(r"(?<!\$)\$\{(\w+)", text))
    assert variables("compose/.env.example") == dict.fromkeys(asked, "")
    # What is missing is said by compose, not by a program that has an empty password.
    required = set(re.findall(r"\$\{(\w+):\?write it into \.env\}", text))
    assert asked - required == {"CAMPAIGN_MONITOR_CLIENT_ID"}


def test_all_of_it_is_closed() -> None:
    """What is ours runs read-only, without rights, on two memory disks; only the UI has a port."""
    for name in OURS:
        service = SERVICES[name]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert {each.split(":")[0] for each in service["tmpfs"]} == {"/tmp", "/scratch"}
        assert "user" not in service
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports == {"webserver": ["127.0.0.1:3000:3000"]}
    docker = {name for name, each in SERVICES.items() if "docker.sock" in str(each.get("volumes"))}
    assert docker == {"webserver", "daemon"}


def test_services_and_files_that_are_named_are_there() -> None:
    """Each service, network, volume and file that another place names exists."""
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", ())) <= SERVICES.keys(), name
        assert set(service["networks"]) <= COMPOSE["networks"].keys()
        for config in service.get("configs", ()):
            assert config["source"] in COMPOSE["configs"]
    assert (DEPLOY / "compose" / COMPOSE["configs"]["dagster"]["file"]).is_file()
    build = SERVICES["code"]["build"]
    assert (DEPLOY / "compose" / build["context"] / build["dockerfile"]).is_file()
    [location] = parsed("compose/workspace.yaml")["load_from"]
    assert location["grpc_server"]["host"] in SERVICES


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstanceRef:
    """The compose file's instance, as Dagster's own loader reads it."""
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "dagster.yaml").write_bytes((DEPLOY / "compose" / "dagster.yaml").read_bytes())
    return InstanceRef.from_dir(str(tmp_path))


def test_dagster_takes_the_instance(instance: InstanceRef) -> None:
    """Dagster's loader accepts dagster.yaml, and makes the launcher that it names."""
    assert isinstance(instance.run_launcher, DockerRunLauncher)
    assert instance.storage_data is not None
    assert instance.storage_data.class_name == "DagsterPostgresStorage"
    assert instance.compute_log_manager is not None
    settings = instance.settings
    for section in (
        "concurrency",
        "run_monitoring",
        "run_retries",
        "freshness",
        "telemetry",
        "nux",
    ):
        assert settings[section] == shipped(section), section


def test_an_unknown_setting_would_be_refused(tmp_path: Path) -> None:
    """The loader is one that notices: a word too many is an error."""
    wrong = {**parsed("compose/dagster.yaml"), "run_monitorin": {"enabled": True}}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(wrong))
    with pytest.raises(dg.DagsterInvalidConfigError):
        InstanceRef.from_dir(str(tmp_path))


def test_a_run_gets_what_the_code_location_has(instance: InstanceRef) -> None:
    """The launcher hands on each variable, and starts runs where the services can be reached."""
    launcher = instance.run_launcher
    assert isinstance(launcher, DockerRunLauncher)
    assert launcher.env_vars is not None
    given = {*SERVICES["code"]["environment"]} - {"DAGSTER_CURRENT_IMAGE"}
    assert {*launcher.env_vars} == given
    # Its value is taken from the process that launches.
    assert given <= SERVICES["daemon"]["environment"].keys()
    assert launcher.networks == [COMPOSE["networks"]["campaign-monitor"]["name"]]
    assert SERVICES["code"]["environment"]["DAGSTER_CURRENT_IMAGE"] == SERVICES["code"]["image"]
