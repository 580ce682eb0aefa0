"""What holds for all of deploy/: images by version, no secret, no setting that doesn't exist."""

import re
from pathlib import Path

import pytest

from campaign_monitor_assets import __version__
from campaign_monitor_assets.orchestration.project import load_component
from campaign_monitor_assets_tests.deploy.files import DEPLOY, ROOT, parsed

FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
IMAGE = re.compile(r"^\s*(?:- )?image: ([^\s{&*]+)$", re.MULTILINE)
"""An image with its version, as the compose file names it."""
SECRET = re.compile(
    r"^\W*(?:\w*(?:PASSWORD|SECRET|TOKEN|API_KEY|ACCESS_KEY)\w*)(?<!Name)[ \t]*[:=][ \t]*(\S.*)$",
    re.MULTILINE | re.IGNORECASE,
)
"""A variable or setting that is called like a secret, with what stands behind it."""


def _versions() -> list[str]:
    """The images of all files, with their versions."""
    compose = IMAGE.findall((DEPLOY / "compose" / "compose.yaml").read_text("utf-8"))
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    [python] = re.findall(r"^ARG PYTHON=(\S+)$", dockerfile, re.MULTILINE)
    assert re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE) == ["python:${PYTHON}"] * 2
    values = (DEPLOY / "helm" / "values.yaml").read_text("utf-8")
    helm = re.findall(r"repository: ([^\s,]+)[,\s]+tag: \"(\S+)\"", values)
    assert len(helm) == values.count("repository:")
    return [*compose, f"python:{python}", *(":".join(each) for each in helm)]


def test_each_image_has_a_version() -> None:
    """No image is whatever is newest on the day; ours is of the package's version."""
    images = _versions()
    assert len(images) > 6
    for image in images:
        version = image.rpartition(":")[2]
        assert re.search(r"\d+\.\d+|\d{4}-\d\d-\d\d", version), image
    ours = {image.rpartition(":")[2] for image in images if "campaign-monitor-assets" in image}
    assert ours == {__version__}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_secret_has_a_value(path: Path) -> None:
    """Behind what is called a secret stands nothing, or where it comes from."""
    for value in SECRET.findall(path.read_text("utf-8")):
        assert re.match(
            r"\$\{\w+(:\?[^}]*)?\}$|\{env: \w+\}$|\[\{name: [\w-]+\}\]$|\w+_PASSWORD$|false$", value
        ), value


def test_a_secret_with_a_value_would_be_found() -> None:
    """The test before would notice one, in each way to write it."""
    for line in ("API_KEY=abc", "  password: abc", "AWS_SECRET_ACCESS_KEY: abc", "- TOKEN=a"):
        assert SECRET.findall(line) == [line[-3:] if line[-3:] == "abc" else "a"], line


@pytest.mark.parametrize("name", ["compose/defs.yaml", "helm/defs.yaml"])
def test_the_component_takes_the_configuration(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attribute of the configurations exists, and takes what the environment gives."""
    for variable, value in {
        "CAMPAIGN_MONITOR_CONFIG": str(DEPLOY / name),
        "LAKE_PASSWORD": "from-the-environment",
        "AWS_ACCESS_KEY_ID": "from-the-environment",
        "AWS_SECRET_ACCESS_KEY": "from-the-environment",
    }.items():
        monkeypatch.setenv(variable, value)
    assert "from-the-environment" not in repr(load_component())


def test_the_image_is_of_what_the_package_needs() -> None:
    """What the Dockerfile copies is in the repository, and .dockerignore lets it through."""
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_through = {line[1:] for line in ignored if line.startswith("!")}
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile, re.MULTILINE)
        for name in line.split()[:-1]
    ]
    assert copied
    for name in copied:
        assert (ROOT / name).exists(), name
        assert Path(name).parts[0] in let_through, name


def test_the_workspace_is_the_code_location_of_the_compose_file() -> None:
    """The image's workspace asks the port that the image's command listens on."""
    [location] = parsed("compose/workspace.yaml")["load_from"]
    command = re.search(r'"--port", "(\d+)"', (DEPLOY / "Dockerfile").read_text("utf-8"))
    assert command is not None
    assert location["grpc_server"]["port"] == int(command[1])
