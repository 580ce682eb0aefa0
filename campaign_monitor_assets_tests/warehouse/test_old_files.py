"""Files of other versions: an older one is taken over whole, a newer one is refused."""

from pathlib import Path

import duckdb
import pytest

from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets.warehouse.bookkeeping import FORMAT
from campaign_monitor_assets_tests import small_account
from campaign_monitor_assets_tests.project import Project, checks, failures, metadata

FORMAT_1 = Path(__file__).with_name("format_1.sql")
TABLES = ("clients", "lists", "active_subscribers", "campaigns", "campaign_opens")
WITHOUT_STATS = "subscribers_agree_with_list_stats"
"""Fails where `list_stats` is not read."""

OF_FORMAT_1 = (
    "table_name, run_id, synced_at, rows, staged, reported, requests, bytes, seconds, reread,"
    " unsettled, left_out"
)


@pytest.fixture
def old(box: Sandbox, tmp_path: Path) -> Project:
    """A project whose file the version before made, of the account that the sandbox holds."""
    path = tmp_path / "account.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(FORMAT_1.read_text(encoding="utf-8"))
    small_account.fill(box)
    return Project(box, path)


def test_an_older_file(old: Project) -> None:
    """The first run takes it over: no row is lost or written anew, and the log goes on."""
    rows = {table: old.query(f"from {table} order by all") for table in TABLES}
    logged = old.query(f"select {OF_FORMAT_1} from sync_log order by all")
    result = old.materialize(*TABLES)
    assert result.success, failures(result)
    for table in TABLES:
        assert old.query(f"from {table} order by all") == rows[table]
        assert metadata(result, table)["unchanged"] == len(rows[table]) > 0
    assert [
        row
        for row in old.query(f"select {OF_FORMAT_1} from sync_log order by all")
        if row[1] != result.run_id
    ] == logged
    assert old.query(
        "select table_name, max_by(run_id, snapshot) from sync_log group by 1 order by 1"
    ) == [(table, result.run_id) for table in sorted(TABLES)]
    found = [each for each in result.get_asset_check_evaluations() if not each.passed]
    assert {each.check_name for each in found} == {WITHOUT_STATS}


def test_an_older_file_before_the_first_run(old: Project) -> None:
    """Checks read an older file as it is, without writing into it."""
    before = old.path.read_bytes()
    found = checks(old.check("lists", "active_subscribers"), "active_subscribers")
    assert {name for name, each in found.items() if not each.passed} == {WITHOUT_STATS}
    assert found["row_count_not_dropped"].metadata["previous_rows"].value == 5
    assert old.path.read_bytes() == before


@pytest.mark.parametrize(
    ("version", "since"), [(2, "method, proof, full_at, form, merged"), (3, "merged"), (4, "")]
)
def test_a_file_of_an_earlier_format(old: Project, version: int, since: str) -> None:
    """The log of collections learns what it says since, and no snapshot or logged row is lost."""
    assert old.materialize("clients", "lists").success
    old.change("drop view sync_log_parents")
    old.change("alter table sync_parents rename to sync_log_parents")
    for column in ["snapshot", *filter(None, since.split(", "))]:
        old.change(f"alter table sync_log_parents drop column {column}")
    kept = "readings, forgotten, bytes_left" if version == 4 else "readings"
    old.change(
        "create or replace table sync_state as"
        f" select {version}::bigint as format, {kept} from sync_state"
    )
    [(readings,)] = old.query("select readings from sync_state")
    parents = old.query("from sync_log_parents where table_name <> 'lists' order by all")
    log = old.query("from sync_log order by all")
    assert old.materialize("lists").success
    assert old.query("from sync_state") == [(FORMAT, readings + 1, 0, False)]
    assert set(log) < set(old.query("from sync_log"))
    others = "from sync_log_parents where table_name <> 'lists'"
    before = f"* exclude ({since})" if since else "*"
    assert old.query(f"select {before} {others} order by all") == parents
    assert set(
        old.query(f"select method, full_at is not distinct from synced_at, merged {others}")
    ) == {("full_refresh", True, 0)}
    assert old.query(
        "select distinct method, proof, full_at = synced_at, form is not null, merged"
        " from sync_log_parents where table_name = 'lists'"
    ) == [("full_refresh", "one response", True, True, 0)]


def test_a_newer_file(old: Project) -> None:
    """A file of a newer version is refused before anything is asked, and is not changed."""
    assert old.materialize("clients").success
    old.change("update sync_state set format = 99")
    before, asked = old.path.read_bytes(), old.box.requests()["requests"]
    texts = failures(old.materialize("clients", "lists"))
    assert old.path.read_bytes() == before
    assert old.box.requests()["requests"] == asked
    assert f"its format is 99, and this version knows {FORMAT} and older ones" in texts["clients"]
    assert "Update the package" in texts["clients"]
