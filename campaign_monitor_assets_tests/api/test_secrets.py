"""No secret and no address in anything that a run writes, whether it succeeds or not."""

import base64
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.project import Project, failures

KEY = "key-5e9cb1d0a7f24c66"
TOKENS = {
    "CAMPAIGN_MONITOR_ACCESS_TOKEN": "sandbox-expired-token",
    "CAMPAIGN_MONITOR_REFRESH_TOKEN": "sandbox-refresh-token",
}
TABLES = ("clients", "lists", "client_details", "people", "suppression_list", "bounced_subscribers")
CODE = f"""
import dagster as dg
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
component = CampaignMonitorComponent(
    tables={list(TABLES)}, warehouse={{"database": "account.duckdb"}}
)
defs = dg.Definitions.merge(
    dg.build_defs_for_component(component), dg.Definitions(executor=dg.in_process_executor)
)
"""


def run(
    folder: Path, box: Sandbox, *, code: str = CODE, **credentials: str
) -> subprocess.CompletedProcess[str]:
    """A run as a user starts it, with an instance that keeps everything on disk."""
    home = folder / "home"
    home.mkdir()
    (folder / "account_code.py").write_text(code)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CAMPAIGN_MONITOR_", "DAGSTER_"))
    }
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "dagster",
            "asset",
            "materialize",
            "--select",
            "*",
            "-f",
            "account_code.py",
        ],
        cwd=folder,
        env=environment
        | credentials
        | {
            "DAGSTER_HOME": str(home),
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "CAMPAIGN_MONITOR_BASE_URL": box.url,
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def holding(folder: Path, secret: str) -> list[str]:
    """The files below a folder that hold a secret."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path.name for path in files if secret.encode() in path.read_bytes()]


@pytest.fixture(scope="module")
def own() -> Iterator[Sandbox]:
    with sandbox.start("--clients", "2", "--lists", "2", "--campaigns", "2", key=KEY) as box:
        yield box


@pytest.fixture(scope="module")
def succeeded(
    own: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, "subprocess.CompletedProcess[str]"]:
    """The folder of a run that has read everything, and what the run printed."""
    own.reset()
    folder = tmp_path_factory.mktemp("succeeded")
    done = run(folder, own, CAMPAIGN_MONITOR_API_KEY=KEY)
    assert done.returncode == 0, done.stderr
    return folder, done


def test_a_run_that_succeeds(
    own: Sandbox, succeeded: tuple[Path, "subprocess.CompletedProcess[str]"]
) -> None:
    """Event log, compute logs and DuckDB hold neither the key nor a client's own key."""
    folder, done = succeeded
    keys = [row["ApiKey"] for row in own.account("client_details")["client_details"].values()]
    assert len(keys) == 2
    for secret in (KEY, *keys):
        assert holding(folder, secret) == []
        assert secret not in done.stdout + done.stderr
    # What is searched is where it is looked for: the rows themselves are found.
    assert Project(own, folder / "account.duckdb").count("client_details") == 2
    assert holding(folder / "home", "client_details")


def test_no_address_in_the_log(
    own: Sandbox, succeeded: tuple[Path, "subprocess.CompletedProcess[str]"]
) -> None:
    """Of the addresses that are read none stands in the log, masked previews included."""
    folder, done = succeeded
    files = (path for path in (folder / "home").rglob("*") if path.is_file())
    logged = [path.read_bytes().decode(errors="ignore") for path in files]
    said = "\n".join((done.stdout, done.stderr, *logged))
    for collection in ("bounced_subscribers", "suppression_list", "people"):
        for rows in own.account(collection)[collection].values():
            assert [row["EmailAddress"] for row in rows if row["EmailAddress"] in said] == []
    assert re.findall(r"[\w.]+@example", done.stderr) == []


@pytest.mark.slow
def test_a_run_that_fails(own: Sandbox, tmp_path: Path) -> None:
    """A key that is refused stands in no log and in no error."""
    own.reset()
    done = run(tmp_path, own, CAMPAIGN_MONITOR_API_KEY="refused-0f1e2d3c4b5a")
    assert done.returncode != 0
    assert "the API key is not valid" in done.stderr
    assert holding(tmp_path, "refused-0f1e2d3c4b5a") == []
    assert "refused-0f1e2d3c4b5a" not in done.stdout + done.stderr


@pytest.mark.parametrize("lasting", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_tokens(own: Sandbox, tmp_path: Path, lasting: bool) -> None:  # noqa: FBT001
    """Neither the OAuth tokens nor a renewed one stand anywhere, whatever becomes of the run."""
    own.reset()
    if lasting:
        own.faults([{"what": "error", "status": 403, "code": 403, "path": "/lists", "times": None}])
    done = run(tmp_path, own, **TOKENS)
    assert (done.returncode != 0) is lasting
    # The file of the tokens is where the renewed ones are kept, and nothing else is.
    tokens = tmp_path / "home" / "campaign_monitor_tokens.json"
    assert tokens.stat().st_mode & 0o777 == 0o600
    tokens.unlink()
    for secret in (*TOKENS.values(), "sandbox-access-token"):
        assert holding(tmp_path, secret) == []
        assert secret not in done.stdout + done.stderr


@pytest.mark.slow
def test_steps_in_processes_of_their_own(own: Sandbox, tmp_path: Path) -> None:
    """Steps of the multiprocess executor that meet the expired token at once renew it once."""
    own.reset()
    # Whoever comes meanwhile meets the first one's renewal unfinished.
    own.faults([{"what": "slow", "path": "oauth/token", "seconds": 10}])
    code = CODE.replace("in_process_executor", "multiprocess_executor")
    code = code.replace(str(list(TABLES)), str(["clients", "administrators"]))
    done = run(tmp_path, own, code=code, **TOKENS)
    assert done.returncode == 0, done.stderr
    paths = [entry["path"] for entry in own.requests()["requests"]]
    assert paths.count("/oauth/token") == 1
    # Both met the expired token, and both got what they asked for.
    assert [paths.count(path) for path in ("/clients.json", "/admins.json")] == [2, 2]
    found = Project(own, tmp_path / "account.duckdb")
    assert found.count("clients") == 2
    assert found.count("administrators")
    (tmp_path / "home" / "campaign_monitor_tokens.json").unlink()
    for secret in (*TOKENS.values(), "sandbox-access-token"):
        assert holding(tmp_path, secret) == []


AROUND = ["{}\n", " {}\r\n", "{}\nx", "…{}", "{} x", "{}\x1b", "{}\udcff"]
VARIABLES = ["API_KEY", "ACCESS_TOKEN", "REFRESH_TOKEN"]


@pytest.mark.slow
@pytest.mark.parametrize(("variable", "around"), list(zip(cycle(VARIABLES), AROUND, strict=False)))
def test_malformed_credentials(own: Sandbox, tmp_path: Path, variable: str, around: str) -> None:
    """However a key or token is malformed, nothing that is written holds it, and its name is said.

    Blanks and line breaks around it are taken off.
    """
    own.reset()
    secret = KEY if variable == "API_KEY" else "0f1e2d3c4b5a697887"
    others = {} if variable == "API_KEY" else TOKENS
    name = f"CAMPAIGN_MONITOR_{variable}"
    done = run(tmp_path, own, **others | {name: around.format(secret)})
    for text in (secret, secret[:12], base64.b64encode(secret.encode()).decode()[:12]):
        assert holding(tmp_path, text) == []
        assert text not in done.stdout + done.stderr
    if around.strip() != "{}":
        assert done.returncode != 0
        assert f"{name} is not accepted: there is" in done.stderr
        assert "UnicodeEncodeError" not in done.stderr
    elif variable == "API_KEY":
        assert done.returncode == 0, done.stderr


def test_an_address_in_an_answer_of_the_vendor(project: Project) -> None:
    """An address that the vendor puts into an error is not repeated."""
    text = '{"Code": 1, "Message": "somebody.private@example.com is no good"}'
    rule = {"what": "body", "status": 400, "text": text, "path": "/clients", "times": None}
    project.box.faults([rule])
    [said] = failures(project.materialize("clients")).values()
    assert "somebody.private" not in said
    assert "(an address) is no good" in said
