"""Nothing personal in Dagster's event log, which outlives every snapshot."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.project import Project, failures, key, metadata

PLACES = ("City", "Region", "CountryCode", "CountryName", "Latitude", "Longitude")
PEOPLE = ("people", "administrators", "active_subscribers", "unsubscribed_subscribers")
SHOWN = ("clients", "lists", "active_subscribers", "bounced_subscribers")


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """An account whose lists bear an address, and one of whose subscribers an unknown field."""
    with sandbox.start("--subscribers", "40", "--campaigns", "6", "--lists", "4") as started:
        people = started.account("active_subscribers")["active_subscribers"]
        for client, [first, *rest] in started.account("lists")["lists"].items():
            named = first | {"Name": "List of jane.roe@example.com & co"}
            started.mutate("lists", client, [named, *rest])
            [grown, *others] = people[first["ListID"]]
            grown |= {"Nickname": "Janey Unheard", "ListJoinedDate": "when Janey Unheard came"}
            started.mutate("active_subscribers", first["ListID"], [grown, *others])
        yield started


Run = tuple[Project, str, dg.ExecuteInProcessResult]


def execute(box: Sandbox, path: Path, tables: Iterable[str], *, views: bool) -> Run:
    """Tables, all views on them and all checks in one run, and all that its event log holds."""
    project = Project(box, path)
    found = project.definitions(include_tracking_preference=True, include_sms_preference=True)
    chosen = CampaignMonitorComponent(tables=list(tables), analytics=views)
    keys = dg.build_defs_for_component(chosen).resolve_asset_graph().get_all_asset_keys()
    with dg.DagsterInstance.ephemeral() as instance:
        job = found.resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(
            asset_selection=list(keys), instance=instance, raise_on_error=False
        )
        assert result.success, failures(result)
        logged = [
            json.loads(dg.serialize_value(entry)) for entry in instance.all_logs(result.run_id)
        ]
    log = "\n".join(json.dumps(entry, ensure_ascii=False) for entry in logged)
    return project, log, result


@pytest.fixture(scope="module")
def run(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of the tables that are looked at."""
    path = tmp_path_factory.mktemp("preview") / "account.duckdb"
    return execute(box, path, SHOWN, views=False)


def _personal(box: Sandbox) -> dict[str, set[str]]:
    """What the account holds of people, by kind."""
    found: dict[str, set[str]] = {name: set() for name in (*PLACES, "custom field", "phone", "IP")}
    found["name"] = {"Janey Unheard"}
    for collection, parents in box.account().items():
        for rows in parents.values() if isinstance(parents, dict) else [parents]:
            for row in rows if isinstance(rows, list) else ():
                _collect(collection, row, found)
    return found


def _collect(collection: str, row: dict[str, Any], found: dict[str, set[str]]) -> None:
    for name in PLACES:
        found[name].add(str(row.get(name) or ""))
    found["IP"].add(row.get("IPAddress") or "")
    found["phone"].add(row.get("MobileNumber") or "")
    found["custom field"] |= {field["Value"] for field in row.get("CustomFields") or ()}
    if collection in PEOPLE:
        found["name"].add(row["Name"])


@pytest.mark.slow
def test_nothing_personal_in_the_event_log(box: Sandbox, tmp_path: Path) -> None:
    """No address, name, number, IP address, place or custom field's value is in the event log."""
    search(box, execute(box, tmp_path / "account.duckdb", CATALOGUE, views=True)[1])


def search(box: Sandbox, log: str) -> None:
    """Looks in an event log for whatever the account holds of people."""
    # The SQL of a view holds the pattern of a domain, which is no address.
    assert re.findall(r"[^\s']*[^\s'^]@[^\s(]+", log) == []
    assert "•••" in log
    # Time zones are named for cities; clients and segments bear names that may be shown.
    text = re.sub(r"\([^)]*GMT[^|]*|\('[^()]*', '[A-Z][\w/+-]*'\)|[A-Z]\w+/[A-Z]\w+", "", log)
    for name in [row["Name"] for row in box.account("clients")["clients"]] + ["Gold plan"]:
        text = text.replace(name, "")
    for kind, values in _personal(box).items():
        assert values - {""}, kind
        for value in values:
            # A short value stands in any text by chance.
            if len(value) > 3:
                written = json.dumps(value, ensure_ascii=False)[1:-1]
                # A number may be a part of a time or of a run's number by chance.
                found = re.search(rf"(?<!\d){re.escape(written)}(?!\d)", text)
                assert not found, (kind, value)


def test_what_is_not_personal_is_shown(
    run: Run,
) -> None:
    """States, dates and counts are shown as they are; of the rest that there is a value."""
    project, _, result = run
    heads, _, *rows = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in metadata(result, "bounced_subscribers")["preview"].splitlines()
    )
    assert heads == [name for name, *_ in project.query("describe bounced_subscribers")]
    for row in (dict(zip(heads, row, strict=True)) for row in rows):
        assert row["EmailAddress"] == "•••"
        assert {row["Name"], row["MobileNumber"]} <= {"•••", ""}
        assert row["CustomFields"] == "•••"
        assert row["State"] == "Bounced"
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row["Date"])
        assert len(row["ListID"]) == 32


def test_a_column_that_nobody_declared_is_not_shown(
    run: Run,
) -> None:
    """A field that the API adds shows that it is there, never what it holds."""
    project, _, result = run
    assert project.query("select count(Nickname) > 0 from active_subscribers") == [(True,)]
    preview = metadata(result, "active_subscribers")["preview"]
    assert "Nickname" in preview.splitlines()[0]


def test_parents_are_named_without_addresses(
    run: Run,
) -> None:
    """The rows of each list stand beside its name, and an address in a name is masked."""
    _, _, result = run
    named: list[Any] = [
        event.step_materialization_data.materialization.metadata["rows_per_parent"]
        for event in result.all_events
        if event.is_step_materialization and event.asset_key == key("active_subscribers")
    ]
    names = {record.data["lists"] for record in named[0].records}
    assert "List of ••• & co" in names
    assert "Event guests" in names


@pytest.mark.parametrize("table", CATALOGUE.values(), ids=lambda table: table.name)
def test_every_column_says_whether_it_is_personal(table: Any) -> None:
    """No column is undecided, and whatever tells who or where somebody is counts as personal."""
    told = {"EmailAddress", "MobileNumber", "IPAddress", "CustomFields", "FromEmail", "ReplyTo"}
    for column in table.columns:
        assert isinstance(column.personal, bool)
        if column.name in {*told, *PLACES} or (column.name == "Name" and table.name in PEOPLE):
            assert column.personal, column.name
