"""A whole account without people: nothing of them in any byte that is written, the same figures."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.analytics import ALL_VIEWS
from campaign_monitor_assets.analytics.relations import histories_of
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.orchestration.attributes import (
    ApiAttributes,
    ExtractAttributes,
    PrivacyAttributes,
    WarehouseAttributes,
)
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets.report import write_report
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.warehouse.test_privacy import hash_of

pytestmark = pytest.mark.slow

KEY = "a key of the tests, which is long enough"
ADDRESS = re.compile(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+")
NAMED = ("people", "administrators", *(name for name in CATALOGUE if name.endswith("subscribers")))
SPELLED: dict[str, dict[str, str]] = {
    "active_subscribers": {"Date": "2026-01-02 03:04:05"},
    "unsubscribed_subscribers": {"Date": "2001-02-03 04:05:06"},
    "suppression_list": {},
}
"""Tables in which an address stands in two spellings, and what is different with the other one."""


@dataclass
class Home:
    """A folder in which all that an account's runs write stands."""

    folder: Path
    tables: tuple[str, ...]
    preset: str
    passed: dict[tuple[str, str], bool]

    @property
    def database(self) -> Path:
        return self.folder / "data" / "account.duckdb"

    def definitions(self) -> dg.Definitions:
        return dg.build_defs_for_component(
            CampaignMonitorComponent(
                tables=list(self.tables),
                api=ApiAttributes(retry_delays=[]),
                extract=ExtractAttributes(
                    include_tracking_preference=True, include_sms_preference=True
                ),
                warehouse=WarehouseAttributes(
                    database=str(self.database),
                    history=[name for name in CATALOGUE if name in self.tables],
                    publish_copy=str(self.folder / "copy.duckdb"),
                ),
                privacy=PrivacyAttributes(preset=self.preset),
            )
        )

    def run(self, job: str, config: Any = None) -> None:
        with dg.DagsterInstance.local_temp(str(self._made("dagster"))) as instance:
            result = (
                self.definitions()
                .resolve_job_def(f"campaign_monitor_{job}")
                .execute_in_process(run_config=config, instance=instance, raise_on_error=False)
            )
        assert result.success, [event.message for event in result.all_events if event.is_failure]
        self.passed |= {
            (found.asset_key.path[-1], found.check_name): found.passed
            for found in result.get_asset_check_evaluations()
        }

    def run_outside(self, job: str) -> None:
        """Runs a job in processes of its own, whose output Dagster keeps."""
        program = self.folder / "definitions.py"
        program.write_text(
            "from pathlib import Path\n"
            f"from {__name__} import Home\n"
            f"home = Home(Path({str(self.folder)!r}), {self.tables!r}, {self.preset!r}, {{}})\n"
            "definitions = home.definitions()\n"
        )
        command = ["-m", "dagster", "job", "execute", "-f", str(program)]
        subprocess.run(
            [sys.executable, *command, "-j", f"campaign_monitor_{job}"],
            env={**os.environ, "DAGSTER_HOME": str(self._made("dagster"))},
            check=True,
            capture_output=True,
        )

    def _made(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def stored(self) -> str:
        """All that can be queried, of tables and of views."""
        names = self.query(
            "select schema_name, table_name from duckdb_tables() union all"
            " select schema_name, view_name from duckdb_views() where not internal"
        )
        rows = [str(self.query(f'from "{schema}"."{name}"')) for schema, name in names]
        return "\n".join(rows)

    def bytes(self) -> Iterator[tuple[Path, str]]:
        """Every file."""
        for path in self.folder.rglob("*"):
            if path.is_file():
                yield path, path.read_bytes().decode("utf-8", "replace")


@dataclass
class Twins:
    """The same account, read with and without privacy."""

    box: Sandbox
    clear: Home
    masked: Home


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    """Synced twice, with changes in between, a trial, all views, all checks and the report."""
    with (
        sandbox.start("--subscribers", "40", "--campaigns", "6", "--lists", "4") as box,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("CAMPAIGN_MONITOR_API_KEY", box.key)
        patch.setenv("CAMPAIGN_MONITOR_BASE_URL", box.url)
        patch.setenv("CAMPAIGN_MONITOR_HASH_KEY", KEY)
        folder = tmp_path_factory.mktemp("twins")
        found = Twins(
            box,
            *(
                Home(folder / preset, tuple(CATALOGUE), preset, {})
                for preset in ("keep", "pseudonymous")
            ),
        )
        _spell(box)
        homes = (found.clear, found.masked)
        for home in homes:
            home.run("all")
        list_id = _change(box)
        for home in homes:
            home.run("all")
            home.run("group_subscribers", _trial(home, list_id))
            home.run_outside("group_subscribers")
            write_report(home.database, "campaign_monitor", home.folder / "report.html")
        yield found


def _spell(box: Sandbox) -> None:
    """An address stands twice on a list, and an address on the suppression list, spelled anew."""
    for collection, change in SPELLED.items():
        parents = box.account(collection)[collection]
        [parent, rows] = max(parents.items(), key=lambda each: len(each[1]))
        other = rows[-1] | {"EmailAddress": rows[-1]["EmailAddress"].swapcase()} | change
        box.mutate(collection, parent, [*rows, other])


def _change(box: Sandbox) -> str:
    """Somebody leaves, somebody gets another name, and the API sends a field that nobody knows."""
    people = box.account("active_subscribers")["active_subscribers"]
    [list_id, rows] = max(people.items(), key=lambda each: len(each[1]))
    first, second, *rest = rows
    second |= {
        "Name": "Janey Unheard",
        "Nickname": "Janey Unheard",
        "ReadsEmailWith": "Lotus Notes",
        "CustomFields": [{"Key": "Friend", "Value": f"see {first['EmailAddress']}"}],
    }
    box.mutate("active_subscribers", list_id, [second, *rest])
    return str(list_id)


def _trial(home: Home, list_id: str) -> dict[str, Any]:
    job = home.definitions().resolve_job_def("campaign_monitor_group_subscribers")
    ops = [node.name for node in job.nodes if node.name.endswith("active_subscribers")]
    return {"ops": {name: {"config": {"only_lists": [list_id]}} for name in ops}}


def _people(box: Sandbox) -> dict[str, set[str]]:
    """All addresses, names, phone numbers and IP addresses of the account."""
    everything = json.dumps(box.account(), ensure_ascii=False)
    found = {"address": {each.lower() for each in ADDRESS.findall(everything)}}
    found["name"], found["phone"], found["IP"] = {"Janey Unheard"}, set(), set()
    for collection, row in _rows(box):
        found["phone"].add(row.get("MobileNumber") or "")
        found["IP"].add(row.get("IPAddress") or "")
        if collection in NAMED:
            found["name"].add(row["Name"])
    assert all(len(values) > 2 for values in found.values())
    return {kind: {each for each in values if len(each) > 3} for kind, values in found.items()}


def _rows(box: Sandbox) -> Iterator[tuple[str, dict[str, Any]]]:
    for collection, parents in box.account().items():
        for rows in parents.values() if isinstance(parents, dict) else [parents]:
            for row in rows if isinstance(rows, list) else ():
                yield collection, row


def _found(people: dict[str, Iterable[str]], text: str) -> list[tuple[str, str]]:
    small = text.lower()
    return [
        (kind, value)
        for kind, values in people.items()
        for value in values
        if value.lower() in small
    ]


def test_nothing_of_anybody_in_what_is_stored(twins: Twins) -> None:
    """No value of any table or view holds an address, name, phone number or IP address."""
    people: Any = _people(twins.box)
    assert len(_found(people, twins.clear.stored())) > 20
    assert _found(people, twins.masked.stored()) == []


def test_nothing_of_anybody_in_any_byte(twins: Twins) -> None:
    """Nor does any file: DuckDB, its copy, Dagster's storage and logs, the report."""
    people: Any = _people(twins.box)
    kinds = set()
    for path, text in twins.masked.bytes():
        kinds.add(path.suffix)
        assert _found(people, text) == [], path
        assert KEY not in text, path
    assert kinds >= {".duckdb", ".db", ".html", ".err"}


def test_nothing_of_anybody_outside_of_duckdb_whatever_the_setting(twins: Twins) -> None:
    """Dagster's storage and logs and the report name nobody, though the tables do."""
    people: Any = _people(twins.box)
    for path, text in twins.clear.bytes():
        if ".duckdb" not in path.name:
            assert _found(people, text) == [], path


def test_views_tell_the_same(twins: Twins) -> None:
    """Each view has the same rows with and without privacy, but for what is personal in them."""
    looked_at, absent = 0, set()
    for view in ALL_VIEWS.values():
        # Histories and logs tell the times of their own syncs.
        of_syncs = histories_of(view) or view.optional_history or view.reads_log
        chosen = ", ".join(
            f'"{each.name}"'
            for each in view.columns
            if not each.personal and not (of_syncs and each.type == "TIMESTAMP")
        )
        where = ""
        if view.name == "subscriber_field_changes":
            where = " where Field in ('ReadsEmailWith', 'ConsentToTrack', 'ConsentToSendSms')"
        query = f"select {chosen} from campaign_monitor_analytics.{view.name}{where} order by all"
        clear, masked = (
            home.query(
                "select view_name from duckdb_views() union select table_name from duckdb_tables()"
            )
            for home in (twins.clear, twins.masked)
        )
        if (view.name,) not in clear:
            continue
        if (view.name,) not in masked:
            absent.add(view.name)
            continue
        looked_at += 1
        expected = twins.clear.query(query)
        assert twins.masked.query(query) == expected, view.name
        assert expected, view.name
    assert looked_at > 10
    assert absent == {"link_performance", "domain_performance"}


def test_the_same_addresses_stand_together(twins: Twins) -> None:
    """As many addresses as without privacy, and as many of them in each pair of views."""
    views = "campaign_monitor_analytics"
    counts = (
        f"count(distinct EmailAddress) from {views}.subscribers",
        (
            f"count(*) from {views}.subscribers join {views}.suppressed_addresses"
            " using (ClientID, EmailAddress)"
        ),
        (
            f"count(*) from {views}.subscriber_engagement join {views}.subscribers"
            " using (ListID, EmailAddress)"
        ),
        (
            "count(distinct (ListID, lower(EmailAddress)))"
            " from campaign_monitor_history.active_subscribers"
        ),
    )
    for count in counts:
        query = f"select {count}"
        assert twins.masked.query(query) == twins.clear.query(query), count


def test_checks_find_the_same(twins: Twins) -> None:
    """Every check passes or fails as it does without privacy."""
    absent = ("link_performance", "domain_performance")
    expected = {
        check: passed for check, passed in twins.clear.passed.items() if check[0] not in absent
    }
    assert twins.masked.passed == expected
    assert all(twins.masked.passed.values())
    for table in SPELLED:
        rows = f"select count(*) from campaign_monitor.{table}"
        assert twins.masked.query(rows)[0][0] == twins.clear.query(rows)[0][0] - 1


def test_the_report_tells_the_same(twins: Twins) -> None:
    """The report is the same, character by character, but for the syncs' times, merged rows and
    what needs links and domains."""
    time = r"\d\d:\d\d(:\d\d)?|\d{4}-\d\d-\d\dT[\d:.]+"
    spelled = rf"<tr[^>]*>\s*<th[^>]*>\s*(?:{'|'.join(SPELLED)})\s*</th>.*?</tr>"
    absent = "The most clicked links|Domains that bounce or complain"
    section = rf"<section[^>]*>\s*<h\d>(?:{absent})</h\d>.*?</section>"
    left_out = r'<ul class="left-out">.*?</ul>'
    changing = re.compile(rf"{time}|{spelled}|{section}|{left_out}|\s+", re.DOTALL)
    clear, masked = (
        home.folder.joinpath("report.html").read_text() for home in (twins.clear, twins.masked)
    )
    assert changing.sub("", clear) == changing.sub("", masked)
    for title in absent.split("|"):
        said = rf"<li><b>{title}:</b> \w+ needs "
        assert (re.search(said, clear), bool(re.search(said, masked))) == (None, True), title


@pytest.mark.parametrize("preset", ["keep", "pseudonymous"])
def test_somebody_is_forgotten_everywhere(twins: Twins, tmp_path: Path, preset: str) -> None:
    """After the job no table, view or byte of the file and its copy holds the person."""
    before = twins.clear if preset == "keep" else twins.masked
    [(address, name)] = twins.clear.query(
        "select any_value(EmailAddress), any_value(Name) from campaign_monitor.active_subscribers"
        " where Name <> '' group by lower(EmailAddress) order by count(*) desc, 1 limit 1"
    )
    home = Home(tmp_path / preset, before.tables, preset, {})
    shutil.copytree(before.folder / "data", home.folder / "data")
    file = tmp_path / "whom.txt"
    file.write_text(address.title())
    file.chmod(0o600)
    config = {"config": {"address_file": str(file)}}
    home.run("forget", {"ops": {"campaign_monitor_forget_op": config}})
    namesakes = {
        row["EmailAddress"].lower()
        for _, row in _rows(twins.box)
        if row.get("Name") == name and "EmailAddress" in row
    }
    whom: Any = {"address": [address]}
    if preset == "pseudonymous":
        whom["hash"] = [hash_of(address.lower().strip(), KEY)]
    elif namesakes == {address.lower()}:
        whom["name"] = [name]
    assert _found(whom, before.stored())
    assert _found(whom, home.stored()) == []
    for path, text in home.bytes():
        assert _found(whom, text) == [], path
