"""The benchmark, on an account so small that only its workings are tested."""

from dataclasses import replace
from pathlib import Path

import pytest

from campaign_monitor_assets.analytics import ALL_VIEWS
from campaign_monitor_assets.cli.cluster import programs
from campaign_monitor_assets_tests.benchmarks import (
    connections,
    hashing,
    lake,
    lakes,
    views,
    writing,
)
from campaign_monitor_assets_tests.benchmarks.__main__ import main
from campaign_monitor_assets_tests.benchmarks.measures import measure
from campaign_monitor_assets_tests.benchmarks.readers import OURS, PROGRAMS
from campaign_monitor_assets_tests.benchmarks.workloads import Workload
from campaign_monitor_assets_tests.lake import needs_lake

pytestmark = pytest.mark.slow

WAYS_TOLD = ("merge", "merge with history", "replace")
LAKES = ("embedded", "s3")
SMALL = Workload(part="W1", lists=2, subscribers=30, readers=(OURS,))


def test_results_name_every_reader_with_its_figures(tmp_path: Path) -> None:
    """What was run stands in RESULTS.md: time, requests, whether the rows are right, targets."""
    small = ["--rows", "40", "--repeats", "1", "--patience", "0", "--output", str(tmp_path)]
    main(["--only", "W1", "--readers", "empty", "ours", *small])
    results = (tmp_path / "RESULTS.md").read_text()
    [ours] = [line for line in results.splitlines() if line.startswith("| this project |")]
    cells = [cell.strip() for cell in ours.split("|")]
    assert "42" in cells, "40 lists of one subscriber, the clients and the client's lists"
    assert "all right" in cells
    assert "W1: fetching, at most" in results


def test_the_eleven_tables_are_measured_as_a_user_runs_them(tmp_path: Path) -> None:
    """The command of the user is measured against an empty Dagster run, and its requests."""
    small = ["--rows", "40", "--repeats", "1", "--patience", "0", "--output", str(tmp_path)]
    main(["--only", "agency", "--readers", "empty", "eleven", *small])
    results = (tmp_path / "RESULTS.md").read_text()
    assert "agency: the eleven tables, at most 1.5 ×" in results
    fewest = 1 + 40 * 7 + 40 * 3
    target = f"| agency: requests, no more than needed | {fewest} | {fewest} | met |"
    assert target in results.splitlines(), "40 clients of one list with one subscriber"


def test_parts_that_are_not_run_keep_their_figures(tmp_path: Path) -> None:
    """A run of one part leaves the others' tables in RESULTS.md."""
    small = [
        "--readers",
        "ours",
        "--rows",
        "20",
        "--repeats",
        "1",
        "--patience",
        "0",
        "--output",
        str(tmp_path),
    ]
    main(["--only", "polite", *small])
    main(["--only", "W3", *small])
    results = (tmp_path / "RESULTS.md").read_text()
    assert results.count("| this project |") == 2


def test_a_reader_with_other_rows_is_said_to_differ() -> None:
    """A wrong address, date or custom field is noticed, though the number of rows is right."""
    assert OURS.columns is not None
    wrongs = (
        replace(OURS, name=str(number), columns=OURS.columns.replace(right, wrong))
        for number, (right, wrong) in enumerate(
            (
                ("EmailAddress", "EmailAddress || '!'"),
                ("Date::varchar", "(Date + interval 1 second)::varchar"),
                ("field.Value", "upper(field.Value)"),
            )
        )
    )
    measures = measure(replace(SMALL, readers=(OURS, *wrongs)), 1)
    assert [one.right for one in measures] == [True, False, False, False]


def test_a_reader_that_loses_a_row_is_said_to_differ(tmp_path: Path) -> None:
    """One row less than the sandbox holds is a difference."""
    program = tmp_path / "forgetful.py"
    program.write_text(
        f"import os, runpy\nrunpy.run_path({str(PROGRAMS / 'ours.py')!r}, run_name='__main__')\n"
        "import duckdb\n"
        "duckdb.connect(os.environ['BENCHMARK_DATABASE']).execute('delete from"
        " campaign_monitor.active_subscribers where rowid = 7')\n"
    )
    [differing] = measure(replace(SMALL, readers=(replace(OURS, program=program),)), 1)
    assert differing.right is False


def test_writing_is_measured_each_way(tmp_path: Path) -> None:
    """Each way of writing has its figures in WRITING.md: one sync, days, the whole program."""
    small = ["--rows", "500", "--changed", "10", "--rounds", "1", "--days", "2"]
    daily = ["--daily-rows", "500", "--daily-changed", "10", "--whole-rows", "20"]
    writing.main([*small, *daily, "--output", str(tmp_path)])
    results = (tmp_path / "WRITING.md").read_text()
    for way in ("replace", "merge", "replace with history", "merge with history"):
        assert results.count(f"| {way} |") == 3
    assert "The whole program: 20 subscribers" in results


@needs_lake
@pytest.mark.skipif(
    not all(map(programs.found, programs.POSTGRES)), reason="it needs PostgreSQL's programs"
)
def test_lakes_are_measured_beside_the_file(tmp_path: Path) -> None:
    """Each place has its figures in LAKE.md: syncs, days and maintenance, wide rows."""
    small = ["--rows", "300", "--changed", "1", "--rounds", "1", "--wide-rows", "20"]
    daily = ["--days", "3", "--daily-rows", "300", "--daily-changed", "10"]
    lake.main([*small, *daily, "--places", "file", *LAKES, "--output", str(tmp_path)])
    lines = (tmp_path / "LAKE.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if " MB |" in line]
    for kind in ("file", *LAKES):
        place = lakes.KINDS[kind]
        syncs = [row[:2] for row in rows if place in row and row[1] in WAYS_TOLD]
        assert syncs == [
            ["first", "merge"],
            ["first", "merge with history"],
            ["1 %", "merge"],
            ["1 %", "merge with history"],
            ["1 %", "replace"],
            ["first", "merge"],
            ["1 %", "merge"],
        ]
        [before, after] = next(row[6:8] for row in rows if row[:2] == ["10 %", place])
        assert (int(after) < int(before)) == (kind in LAKES), "maintenance puts files together"


def test_the_cost_of_privacy_stands_in_its_results(tmp_path: Path) -> None:
    """Each sync is measured with each setting, against the one in the clear."""
    hashing.main(["--rows", "300", "--rounds", "1", "--output", str(tmp_path)])
    lines = (tmp_path / "HASHING.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if " s |" in line]
    assert [row[:2] for row in rows] == [
        [sync, setting]
        for sync in ("first", "unchanged", "1 % changed")
        for setting in hashing.SETTINGS
    ]
    assert {row[3] for row in rows if row[1] == hashing.PLAIN} == {"1.00"}


def test_connections_are_compared_on_each_network(tmp_path: Path) -> None:
    """Each number of connections has a line for each latency, with and without a limit."""
    path = tmp_path / "CONNECTIONS.md"
    connections.main(["--lists", "2", "--rows", "10", "--rounds", "1", "--output", str(path)])
    lines = [line for line in path.read_text().splitlines() if " ms | " in line]
    assert len(lines) == 3 * 3 * 4
    assert all(line.endswith("| 0 |") for line in lines), "so few requests meet no limit"


def test_every_view_is_read_in_each_memory(tmp_path: Path) -> None:
    """Each view that is asked for has its rows, and its figures in the default memory and more."""
    views.main(["--rows", "2000", "--rounds", "1", "--patience", "0", "--output", str(tmp_path)])
    lines = (tmp_path / "VIEWS.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if " MB |" in line]
    assert [row[0].strip("`") for row in rows] == list(ALL_VIEWS)
    assert all(row[1] != "0" and len(row) == 8 for row in rows)
