"""The whole account of the sandbox against DuckDB, row by row and field by field."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import dagster as dg
import pytest

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.project import Project, checks, failures, metadata

Truth = Iterator[tuple[str, dict[str, Any]]]

_OF_ACCOUNT = {"clients", "administrators"}


@pytest.fixture(scope="module")
def first_sync(
    running: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Project, dg.ExecuteInProcessResult]:
    """The whole account, with all that the endpoints show on request, and the run that read it."""
    running.reset()
    project = Project(running, tmp_path_factory.mktemp("whole") / "account.duckdb")
    result = project.materialize(
        *CATALOGUE, include_tracking_preference=True, include_sms_preference=True
    )
    assert result.success, failures(result)
    return project, result


@pytest.fixture
def whole(first_sync: tuple[Project, dg.ExecuteInProcessResult]) -> Project:
    """The project that holds the whole account."""
    return first_sync[0]


def _truth(box: Sandbox, table: str) -> Truth:
    """Each row as the API gives it, with the identifier of its parent."""
    if table in {"campaign_lists", "campaign_segments"}:
        field = "Lists" if table == "campaign_lists" else "Segments"
        for parent, answer in _collection(box, "campaign_lists_and_segments").items():
            yield from ((parent, row) for row in answer.get(field, []))
    elif table == "journey_emails":
        for parent, answer in _collection(box, table).items():
            around = {
                "JourneyName": answer["Name"],
                "TriggerType": answer["TriggerType"],
                "JourneyStatus": answer["Status"],
            }
            yield from ((parent, row | around) for row in answer["Emails"])
    elif table in _OF_ACCOUNT:
        yield from (("", row) for row in _collection(box, table))
    else:
        for parent, rows in _collection(box, table).items():
            for row in rows if isinstance(rows, list) else [rows]:
                yield parent, {name: value for name, value in row.items() if name != "ApiKey"}


def _collection(box: Sandbox, name: str) -> Any:
    found = box.account(name)
    return found.get(name, found) if isinstance(found, dict) else found


def _stored(project: Project, table: str) -> Truth:
    """Each row as DuckDB has it, in the API's own terms, with the identifier of its parent."""
    entry = CATALOGUE[table]
    types = {name: type_ for name, type_, *_ in project.query(f"describe {table}")}
    for values in project.query(f"from {table}"):
        row = dict(zip(types, values, strict=True))
        parent = row[entry.placeholders[-1]] if entry.placeholders else ""
        yield (
            parent,
            {
                name: json.loads(value) if types[name] == "JSON" else _as_sent(value)
                for name, value in row.items()
                if value is not None and name != "_synced_at"
            },
        )


def _as_sent(value: Any) -> Any:
    return value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else value


def _comparable(parent: str, row: Mapping[str, Any], fields: set[str]) -> str:
    kept = {
        name: value + ":00" if name in _MINUTES and len(str(value)) == len("2026-01-01 10:00")
        else value
        for name, value in row.items()
        if name in fields and value is not None
    }  # fmt: skip
    return json.dumps([parent, kept], sort_keys=True, ensure_ascii=False)


_MINUTES = {
    "Date", "ListJoinedDate", "SentDate", "DateCreated", "DateScheduled",
}  # fmt: skip


@pytest.mark.parametrize("table", CATALOGUE)
def test_every_row_and_field_of_the_account_is_in_duckdb(whole: Project, table: str) -> None:
    """Whatever the API holds is in the table of its name, and nothing else is."""
    truth = list(_truth(whole.box, table))
    fields = {name for _, row in truth for name in row}
    expected = sorted(_comparable(parent, row, fields) for parent, row in truth)
    stored = sorted(_comparable(parent, row, fields) for parent, row in _stored(whole, table))
    assert stored == expected
    assert truth


def test_all_checks_pass_after_a_good_sync(
    first_sync: tuple[Project, dg.ExecuteInProcessResult],
) -> None:
    """After a first sync of everything at once each check of each table passes, and by hand too."""
    project, result = first_sync
    found = result.get_asset_check_evaluations()
    assert {each.asset_key.path[-1] for each in found} == set(CATALOGUE)
    assert [each for each in found if not each.passed] == []
    assert all(each.metadata for each in found)
    assert not any(
        "primary_key_unique" in checks(result, table.name)
        for table in CATALOGUE.values()
        if not table.key
    )
    by_hand = project.check("clients", "active_subscribers").get_asset_check_evaluations()
    names = {each.asset_check_key for each in found}
    assert {each.asset_check_key for each in by_hand} == {
        each for each in names if each.asset_key.path[-1] in {"clients", "active_subscribers"}
    }
    assert all(each.passed for each in by_hand)


def test_every_row_carries_the_keys_of_its_parents(whole: Project) -> None:
    """A subscriber's row names its list, and the client that the list belongs to."""
    [(lost,)] = whole.query(
        "select count(*) from active_subscribers child anti join lists using (ListID, ClientID)"
    )
    assert lost == 0
    counts = [
        f"select '{table.name}.{column}', count(*) from {table.name} where {column} is null"
        for table in CATALOGUE.values()
        for column in table.inherits
    ]
    assert [each for each in whole.query(" union all ".join(counts)) if each[1]] == []


def test_a_snapshot_bears_one_time(whole: Project) -> None:
    """`_synced_at` is the same in every row of a snapshot."""
    counts = [f"select '{name}', count(distinct _synced_at) from {name}" for name in CATALOGUE]
    assert [each for each in whole.query(" union all ".join(counts)) if each[1] > 1] == []


def test_types_are_real(whole: Project) -> None:
    """Times are TIMESTAMP, counts BIGINT, tags a list, custom fields a list of structs."""
    types = {
        f"{table}.{name}": type_
        for table in ("campaigns", "active_subscribers")
        for name, type_, *_ in whole.query(f"describe {table}")
    }
    assert types["campaigns.SentDate"] == types["active_subscribers._synced_at"] == "TIMESTAMP"
    assert types["campaigns.TotalRecipients"] == "BIGINT"
    assert types["campaigns.Tags"] == "VARCHAR[]"
    assert types["active_subscribers.CustomFields"].endswith("[]")
    assert "Key" in types["active_subscribers.CustomFields"]


def test_tables_and_columns_are_described_in_duckdb(whole: Project) -> None:
    """COMMENT ON says of every table and column what it is."""
    tables = dict(
        whole.query(
            "select table_name, comment from duckdb_tables() where schema_name = 'campaign_monitor'"
        )
    )
    for name, table in CATALOGUE.items():
        assert tables[name] == table.description
    [(silent,)] = whole.query(
        "select count(*) from duckdb_columns() where schema_name = 'campaign_monitor'"
        " and not starts_with(table_name, 'sync_log') and table_name <> 'sync_parents'"
        " and comment is null"
    )
    assert silent == 0


def test_no_request_is_sent_twice_and_no_parent_is_read_again(
    box: Sandbox, project: Project
) -> None:
    """One sync asks each page of each collection once."""
    assert project.materialize(
        "clients", "lists", "segments", "active_subscribers", "campaign_lists",
        "campaign_segments", "campaigns",
    ).success  # fmt: skip
    asked = [
        (request["path"], request["query"].get("page"), request["query"].get("pagesize"))
        if isinstance(request["query"], dict)
        else (request["path"], request["query"])
        for request in box.requests()["requests"]
    ]
    assert len(asked) == len(set(asked))
    assert sum(path == "/clients.json" for path, *_ in asked) == 1
    campaigns = len(project.query("from campaigns"))
    shared = sum("listsandsegments" in path for path, *_ in asked)
    assert shared == campaigns


def test_a_client_id_limits_everything_but_the_clients(box: Sandbox, project: Project) -> None:
    """With a ClientID set only that client's data comes; `clients` still lists what is seen."""
    chosen = _collection(box, "clients")[1]["ClientID"]
    result = project.materialize(
        "clients", "lists", "campaigns", "active_subscribers", clients=[chosen]
    )
    assert result.success
    assert project.count("clients") == 3
    for table in ("lists", "campaigns", "active_subscribers"):
        assert project.query(f"select distinct ClientID from {table}") == [(chosen,)]


def test_a_clients_own_key_reads_that_client(box: Sandbox, project: Project) -> None:
    """Refused at /clients, the client is taken from its details, and all else works."""
    details = _collection(box, "client_details")
    client_id, own = next(iter(details.items()))
    result = project.materialize(
        "clients", "lists", "active_subscribers", api_key=own["ApiKey"], clients=[client_id]
    )
    assert result.success
    name = own["BasicDetails"]["CompanyName"]
    assert project.query("select ClientID, Name from clients") == [(client_id, name)]
    assert checks(result, "clients")["row_count_matches_source"].passed
    assert metadata(result, "clients")["dagster/row_count"] == 1
    assert project.count("active_subscribers") > 0


def test_a_wish_that_fits_no_client_names_those_that_do(project: Project) -> None:
    """The error lists the account's clients."""
    result = project.materialize("clients", "lists", clients=["Nobody Ltd"])
    assert not result.success
    [failure] = [event for event in result.all_events if event.is_step_failure]
    error = failure.step_failure_data.error
    assert error is not None
    assert "'Nobody Ltd' fits no client" in error.message
    assert "Sons Gardening" in error.message


def test_clients_can_be_given_by_name(project: Project) -> None:
    """A name stands for its ClientID, also for tables below the client's own."""
    assert project.materialize("clients", "lists").success
    wish = "O'Brien & Sons Gardening"
    assert project.materialize("active_subscribers", clients=[wish]).success
    [(client,)] = project.query("select distinct ClientID from active_subscribers")
    assert project.query("select Name from clients where ClientID = ?", client) == [(wish,)]


def test_the_second_sync_finds_what_the_first_found(project: Project) -> None:
    """Reading an unchanged account again changes nothing but the time."""
    tables = ("clients", "lists", "unsubscribed_subscribers")
    assert project.materialize(*tables).success
    before = project.query("select * exclude _synced_at from unsubscribed_subscribers order by all")
    assert project.materialize(*tables).success
    after = project.query("select * exclude _synced_at from unsubscribed_subscribers order by all")
    assert before == after
    assert project.query("select count(*) from sync_log where table_name = 'lists'") == [(2,)]
