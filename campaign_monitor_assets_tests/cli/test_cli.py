"""The commands as a person calls them: what they print, and their exit status."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg
import duckdb
import psutil
import pytest

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.cli.test_home import account, run
from campaign_monitor_assets_tests.lake import needs_lake
from campaign_monitor_assets_tests.project import Project


@pytest.fixture(scope="module")
def small() -> Iterator[Sandbox]:
    """An account that is read in a moment."""
    with sandbox.start("--clients", "1", "--lists", "2", "--campaigns", "2") as box:
        yield box


@pytest.mark.slow
def test_demo_brings_the_demo_account_and_leaves_nothing_running(tmp_path: Path) -> None:
    """One command: every table arrives, is listed with its checks, and the sandbox is gone."""
    done = run(tmp_path, "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "active_subscribers" in done.stdout
    assert "5/5" in done.stdout
    with duckdb.connect(str(tmp_path / "data" / "demo.duckdb"), read_only=True) as connection:
        assert connection.execute(
            "select count(*) from campaign_monitor.active_subscribers"
        ).fetchone() == (5485,)
    left = [
        process.pid
        for process in psutil.process_iter(["cwd"], ad_value=None)
        if process.info["cwd"] == str(tmp_path)
    ]
    assert not left


@pytest.mark.parametrize("command", ["sync", "check"])
def test_a_missing_key_is_told_before_any_request(
    box: Sandbox, tmp_path: Path, command: str
) -> None:
    """The error names the variable, says where the key is found, and mentions the demo."""
    done = run(tmp_path, command, CAMPAIGN_MONITOR_BASE_URL=box.url)
    assert done.returncode == 1
    for part in ("CAMPAIGN_MONITOR_API_KEY", "Account settings → API keys", "make demo"):
        assert part in done.stdout
    assert not box.requests()["requests"]


@pytest.mark.slow
def test_sync_fills_the_default_file_and_makes_its_folder(small: Sandbox, tmp_path: Path) -> None:
    """With a key and nothing else the same arrives from that account, and can be queried."""
    variables = account(small, tmp_path / "made")
    del variables["CAMPAIGN_MONITOR_DUCKDB"]
    done = run(tmp_path, "sync", **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    [path] = tmp_path.glob("data/*.duckdb")
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("from campaign_monitor.lists").fetchall()
        assert connection.execute("from campaign_monitor_analytics.subscribers_by_list").fetchall()
    assert "\x1b[" not in done.stdout
    with dg.DagsterInstance.from_config(str(tmp_path / ".dagster")) as instance:
        # By these the UI finds the job's runs, and the timeline the job of a run.
        of_location = {".dagster/repository": "__repository__@campaign_monitor"}
        [recorded] = instance.get_runs(dg.RunsFilter(tags=of_location))
    assert recorded.remote_job_origin
    assert recorded.remote_job_origin.job_name == recorded.job_name


def test_sync_ends_with_status_1_where_a_table_failed(box: Sandbox, tmp_path: Path) -> None:
    """The table that failed is named with what to do; the others that were selected arrive."""
    box.faults([{"what": "error", "path": "/templates", "status": 400, "code": 7, "times": None}])
    selection = '+key:"campaign_monitor/templates" or key:"campaign_monitor/lists"'
    done = run(tmp_path, "sync", "--select", selection, **account(box, tmp_path / "made"))
    assert done.returncode == 1
    assert "✗ campaign_monitor__templates" in done.stdout
    assert "GET /clients/" in done.stdout
    assert "✓ lists" in done.stdout
    assert "segments" not in done.stdout
    assert done.stdout.strip().splitlines()[-1].startswith("✗ campaign_monitor__templates")


def test_a_selection_that_fits_nothing_reads_nothing(box: Sandbox, tmp_path: Path) -> None:
    """A typo in a selection is told; Dagster would take no assets for all of them."""
    done = run(tmp_path, "sync", "--select", "key:nope", **account(box, tmp_path / "made"))
    assert done.returncode == 1
    assert "'key:nope' fits no asset" in " ".join(done.stdout.split())
    assert not box.requests()["requests"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Usage: campaign-monitor"),
        (("synk",), "No such command 'synk'"),
        (("sync", "--config", "nowhere.yaml"), "File 'nowhere.yaml' does not exist"),
        (("dev", "--port", "http"), "'http' is not a valid integer range"),
    ],
)
def test_a_wrong_command_line_is_told_with_status_2(
    tmp_path: Path, arguments: Sequence[str], said: str
) -> None:
    """What can't be understood is repeated, and nothing is made in the folder."""
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_check_says_what_the_key_sees_and_what_a_sync_costs(box: Sandbox, tmp_path: Path) -> None:
    """A valid account key: its clients, their lists, the requests, and that the file can be."""
    done = run(tmp_path, "check", **account(box, tmp_path / "made"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the account's, which sees every client" in done.stdout
    assert "O'Brien & Sons Gardening" in done.stdout
    assert "3 lists" in done.stdout
    assert "can be written" in done.stdout
    counted = int(done.stdout.split("sends about ")[1].split()[0])
    box.reset()
    assert run(tmp_path, "sync", **account(box, tmp_path / "made")).returncode == 0
    assert len(box.requests()["requests"]) == counted


@pytest.mark.slow
def test_check_explains_each_refusal(box: Sandbox, tmp_path: Path) -> None:
    """A wrong key, a client's own key, a foreign client, an unwritable file: each has its word."""
    variables = account(box, tmp_path / "made")
    details = box.account("client_details")
    client, own = next(iter(details.get("client_details", details).items()))
    (tmp_path / "file").touch()
    for said, changed in (
        ("code 100", {"CAMPAIGN_MONITOR_API_KEY": "wrong"}),
        ("it is a client's own key", {"CAMPAIGN_MONITOR_API_KEY": own["ApiKey"]}),
        ("'nobody' fits no client", {"CAMPAIGN_MONITOR_CLIENT_ID": "nobody"}),
        ("can't be opened", {"CAMPAIGN_MONITOR_DUCKDB": str(tmp_path / "file" / "x.duckdb")}),
        ("Allowed: an https URL", {"CAMPAIGN_MONITOR_BASE_URL": "http://api.example.com"}),
    ):
        done = run(tmp_path, "check", **{**variables, **changed})
        assert done.returncode == 1, said
        assert said in done.stdout
    own_client = {
        "CAMPAIGN_MONITOR_API_KEY": own["ApiKey"], "CAMPAIGN_MONITOR_CLIENT_ID": client,
    }  # fmt: skip
    done = run(tmp_path, "check", **{**variables, **own_client})
    assert done.returncode == 0, done.stdout
    assert "one client's own" in done.stdout


def test_report_says_what_to_do_where_nothing_is_synced(tmp_path: Path) -> None:
    """Without a DuckDB file there is nothing to report on, and the error says so."""
    done = run(tmp_path, "report")
    assert done.returncode == 1
    assert "does not exist yet" in done.stdout


def test_compact_says_what_it_saved(tmp_path: Path) -> None:
    """The file is smaller afterwards, its rows are there, and both sizes are told."""
    file = tmp_path / "account.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table a as select hash(range) as n from range(500_000)")
        connection.execute("create table b as from a")
        connection.execute("checkpoint")
        connection.execute("drop table a")
    before = file.stat().st_size
    done = run(tmp_path, "compact", CAMPAIGN_MONITOR_DUCKDB=str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"it took {before / 1e6:,.1f} MB" in done.stdout
    assert file.stat().st_size < before * 0.7
    with duckdb.connect(str(file), read_only=True) as connection:
        assert connection.execute("select count(*) from account.b").fetchone() == (500_000,)


@needs_lake
@pytest.mark.slow
def test_a_file_moves_into_a_lake_and_is_kept_small(box: Sandbox, tmp_path: Path) -> None:
    """`move` and `maintain` tell what they did; `sync` and `report` go on in the lake."""
    given = account(box, tmp_path)
    assert (
        run(tmp_path, "sync", "--select", '+key:"campaign_monitor/lists"', **given).returncode == 0
    )
    (tmp_path / "defs.yaml").write_text(
        "type: campaign_monitor_assets.CampaignMonitorComponent\n"
        "attributes: {warehouse: {database: 'ducklake:data/account.ducklake', data_path: files}}\n"
    )
    lake = ("--config", "defs.yaml")
    done = run(tmp_path, "move", "--from", given["CAMPAIGN_MONITOR_DUCKDB"], *lake, **given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "campaign_monitor.lists: " in done.stdout
    assert "each compared with the file's" in done.stdout
    assert run(tmp_path, "sync", *lake, **given).returncode == 0
    assert "The DuckLake " in run(tmp_path, "doctor", *lake, **given).stdout
    done = run(tmp_path, "maintain", *lake, **given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 snapshots of the lake went" in done.stdout
    assert run(tmp_path, "report", "--target", "report.html", *lake, **given).returncode == 0
    assert "Subscribers" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.parametrize("typed", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_forget_asks_whom_and_tells_counts(
    with_parents: Project,
    tmp_path: Path,
    typed: bool,  # noqa: FBT001
) -> None:
    """The address comes by the environment or is typed, and no output repeats it."""
    assert with_parents.materialize("bounced_subscribers").success
    [(address, rows)] = with_parents.query(
        "select lower(EmailAddress), count(*) over () from bounced_subscribers order by 1 limit 1"
    )
    by = {"stdin": f"{address}\n"} if typed else {"EMAIL": f" {address.upper()}"}
    done = run(tmp_path, "forget", CAMPAIGN_MONITOR_DUCKDB=str(with_parents.path), **by)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "campaign_monitor.bounced_subscribers: " in done.stdout
    assert "the next sync brings the person back" in done.stdout
    assert address not in (done.stdout + done.stderr).lower()
    left = with_parents.query("select lower(EmailAddress) from bounced_subscribers")
    assert len(left) < rows
    assert (address,) not in left


@pytest.mark.slow
def test_sync_imports_nothing_that_a_small_account_has_no_use_for(
    small: Sandbox, tmp_path: Path
) -> None:
    """No data frames, no arrays, no gRPC: each would take as long as a table does."""
    environment = {**account(small, tmp_path / "made"), "PYTHONPROFILEIMPORTTIME": "1"}
    done = run(tmp_path, "sync", **environment)
    assert done.returncode == 0, done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "duckdb" in imported
    assert not imported & {"pandas", "polars", "pyarrow", "numpy", "grpc", "plotly"}
