"""The report, read as a browser reads it and compared with the DuckDB file that it is of."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.errors import ConfigurationError, DatabaseError
from campaign_monitor_assets.report import write_report
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.project import PREFIX, Project

DEFAULT = tuple(table.name for table in CATALOGUE.values() if table.default)
USED = (
    "active_subscribers",
    "bounced_subscribers",
    "campaign_summary",
    "campaigns",
    "clients",
    "list_stats",
    "lists",
    "suppression_list",
    "unsubscribed_subscribers",
)
Rows = list[tuple[Any, ...]]
DELIVERED = "(sum(Recipients) - sum(Bounced))"
RATES = ("Opened", "Clicks", "Unsubscribed", "Bounced")
RATES_IN_SQL = (
    f"100 * sum(UniqueOpened) / {DELIVERED}, 100 * sum(Clicks) / {DELIVERED},"
    f" 100 * sum(Unsubscribed) / {DELIVERED}, 100 * sum(Bounced) / sum(Recipients)"
)


@dataclass
class Section:
    title: str = ""
    said: str = ""
    rows: list[list[str]] = field(default_factory=list)
    figure: dict[str, Any] = field(default_factory=dict)

    def trace(self, name: str) -> dict[str, Any]:
        [found] = [each for each in self.figure["data"] if each["name"] == name]
        return dict(found)

    def labels(self) -> list[str]:
        ticks = self.figure["layout"]["yaxis"]["ticktext"]
        return [str(each).replace("<br>", " ") for each in ticks]

    def bars(self, name: str) -> dict[str, int]:
        trace = self.trace(name)
        return dict(zip(trace["hovertext"], trace["x"], strict=True))

    def columns(self, name: str) -> dict[str, float]:
        trace = self.trace(name)
        found = dict(zip(trace["x"], trace["y"], strict=True))
        found.pop(None, None)  # what parts months that aren't over from the others
        return found

    def column(self, name: str) -> list[str]:
        """A column of the table, or of the table behind the chart."""
        heads, *rows = self.rows
        return [row[heads.index(name)] for row in rows]


@dataclass
class Client:
    name: str = ""
    figures: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    """What is said of each group."""
    sections: dict[str, Section] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    """Why each section that is not shown is not."""


class Report(HTMLParser):
    """The page's text by what it stands in, and whatever it refers to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.clients: dict[str, Client] = {}
        self.references: list[str] = []
        self.tags: list[str] = []
        self.options: list[str] = []
        self.last: dict[str, Section] = {}
        self._article: Client | None = None
        self._section = Section()
        self._inside = False
        self._open = ""
        self._text = ""
        self._term = ""
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.tags.append(tag)
        self.references += [value or "" for name, value in attrs if name in {"src", "href", "data"}]
        self.references += [f"on: {name}" for name in said if name.startswith("on")]
        self._text = ""
        self._open = "figure" if said.get("class") == "figure" else tag
        if tag == "article":
            self._article = self.clients[said["id"] or ""] = Client()
        elif tag == "section":
            self._section, self._inside = Section(), True
        elif tag == "tr":
            self._section.rows.append([])

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        text = self._text.strip()
        if tag == "option":
            self.options.append(text)
        elif self._inside:
            self._end_in_section(tag, text)
        elif self._article:
            self._end_in_article(tag, text, self._article)

    def _end_in_section(self, tag: str, text: str) -> None:
        section = self._section
        if tag in {"td", "th"}:
            section.rows[-1].append(text)
        elif tag in {"h2", "h4"}:
            section.title = text
            (self._article.sections if self._article else self.last)[text] = section
        elif tag == "p":
            section.said = section.said or text
        elif tag == "script" and self._open == "figure":
            section.figure = json.loads(text)
        elif tag == "section":
            self._inside = False

    def _end_in_article(self, tag: str, text: str, article: Client) -> None:
        if tag == "h2":
            article.name = text
        elif tag in {"h3", "dt", "b"}:
            self._term = text.removesuffix(":")
            self._text = ""
        elif tag == "dd":
            article.figures[self._term] = text
        elif tag == "p":
            article.groups[self._term] = text
        elif tag == "li":
            article.left_out |= dict.fromkeys(self._term.split(", "), text)
        elif tag == "article":
            self._article = None


@pytest.fixture(scope="module")
def account(running: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Project:
    running.reset()
    project = Project(running, tmp_path_factory.mktemp("report") / "account.duckdb")
    assert project.materialize(*DEFAULT).success
    return project


@pytest.fixture(scope="module")
def report(account: Project) -> Report:
    return read(account)


@pytest.fixture
def own(account: Project, tmp_path: Path) -> Project:
    return account.copy_to(tmp_path / "account.duckdb")


def read(project: Project) -> Report:
    target = project.path.with_name("report.html")
    assert write_report(project.warehouse, PREFIX, target) == target
    return Report(target)


def scopes(report: Report, account: Project) -> Iterator[tuple[Client, str]]:
    """Each client's report, and that on all, with the SQL that chooses its rows."""
    ids = dict(account.query("select Name, ClientID from clients"))
    for client in report.clients.values():
        where = "true" if client.name == "All clients" else f"ClientID = '{ids.pop(client.name)}'"
        yield client, where
    assert not ids


def test_key_figures(report: Report, account: Project) -> None:
    """Each client's key figures are DuckDB's own counts, and all clients' their sums."""
    for client, where in scopes(report, account):
        counted = {
            "Active subscribers" if state == "Active" else state: account.query(
                f"select count(*) from {state.lower()}_subscribers where {where}"
            )[0][0]
            for state in ("Active", "Unsubscribed", "Bounced")
        }
        [(campaigns, recipients)] = account.query(
            f"select count(*), coalesce(sum(TotalRecipients), 0) from campaigns where {where}"
        )
        [(opened, clicks, *_)] = account.query(
            f"select {RATES_IN_SQL} from campaign_summary where {where}"
        )
        expected = {"Campaigns sent": f"{campaigns:,}", "E-mails sent": f"{recipients:,}"}
        if opened is not None:
            expected |= {"Opened": f"{opened:.1f} %", "Clicks": f"{clicks:.1f} %"}
        expected |= {name: f"{number:,}" for name, number in counted.items() if number}
        assert client.figures == expected


def test_index_of_clients(report: Report, account: Project) -> None:
    """With several clients the first table tells of each and leads to its own report."""
    index = report.clients["all"].sections["Each client's figures"]
    heads, *rows = index.rows
    assert {row[0] for row in rows} == {
        name for (name,) in account.query("select Name from clients")
    }
    for row in rows:
        [client] = [each for each in report.clients.values() if each.name == row[0]]
        figures = {name: cell for name, cell in zip(heads, row, strict=True) if cell != "—"}
        assert figures == {"Client": client.name, **client.figures}
    anchors = [each.removeprefix("#") for each in report.references]
    assert sorted(anchors) == sorted(set(report.clients) - {"all"})
    assert report.options == [client.name for client in report.clients.values()]


def test_subscribers_by_state(report: Report, account: Project) -> None:
    """Each list has a bar whose parts are its rows in the tables of the states."""
    for client, where in scopes(report, account):
        key, names = ("ClientID", "clients") if where == "true" else ("ListID", "lists")
        for state in ("Active", "Unsubscribed", "Bounced"):
            expected = dict(
                account.query(
                    f"select names.Name, count(*) from {state.lower()}_subscribers rows"
                    f" join {names} names using ({key}) where rows.{where} group by all"
                    if where != "true"
                    else f"select names.Name, count(*) from {state.lower()}_subscribers"
                    f" join {names} names using ({key}) group by all"
                )
            )
            section = client.sections["Subscribers by state"]
            shown = {name: bar for name, bar in section.bars(state).items() if bar}
            # Plotly takes a text for HTML, so names are escaped in a figure.
            assert {name.replace("&amp;", "&").replace("&#x27;", "'") for name in shown} == set(
                expected
            )
            assert sorted(shown.values()) == sorted(expected.values())


def test_list_growth(report: Report, account: Project) -> None:
    """The bars of a month are those who joined, left and bounced in it; the line is their sum."""
    for client, where in scopes(report, account):
        section = client.sections["List growth by month"]
        shown = {name: section.columns(name) for name in ("Joined", "Unsubscribed", "Bounced")}
        months = list(shown["Joined"])
        everybody = " union all ".join(
            f"select ListJoinedDate as date from {state}_subscribers where {where}"
            for state in ("active", "unsubscribed", "bounced")
        )
        for name, sign, source in (
            ("Joined", 1, everybody),
            ("Unsubscribed", -1, f"select Date from unsubscribed_subscribers where {where}"),
            ("Bounced", -1, f"select Date from bounced_subscribers where {where}"),
        ):
            counted: dict[str, int] = dict(
                account.query(
                    f"select strftime(date_trunc('month', date), '%Y-%m-%d'), count(*)"
                    f" from ({source}) group by all"
                )
            )
            assert shown[name] == {month: sign * counted.get(month, 0) for month in months}
            assert sum(shown[name].values()) == sign * sum(
                number for month, number in counted.items() if month >= months[0]
            )
        net = section.columns("Net growth")
        assert net == {month: sum(column[month] for column in shown.values()) for month in months}
        assert len(months) <= 36


def test_history(report: Report, own: Project) -> None:
    """With history the page shows list sizes and moves between states; without it, neither."""
    told = {"List sizes over time", "Moves between states"}
    without = report.clients["all"]
    assert not told & set(without.sections)
    assert {without.left_out[title] for title in told} == {
        "switch on the history of subscribers to see this."
    }
    own.change("create schema campaign_monitor_history")
    for state in ("active", "unsubscribed", "bounced"):
        table = f"{state}_subscribers"
        own.change(
            f"create table campaign_monitor_history.{table} as select *,"
            " timestamp '2026-10-01 10:00' as _valid_from, null::timestamp as _valid_to"
            f" from {table}"
        )
    own.change("delete from sync_log")
    history = "campaign_monitor_history.active_subscribers"
    [(client, address)] = own.query(
        "select ClientID, EmailAddress from active_subscribers order by all limit 1"
    )
    own.change(
        f"update {history} set _valid_to = timestamp '2026-10-03 10:00' where EmailAddress = ?",
        address,
    )
    lists = own.query("select count(*) from active_subscribers where EmailAddress = ?", address)
    with_history = read(own).clients["all"].sections
    assert set(with_history) >= told
    assert with_history["Moves between states"].rows[1:] == [
        ["Active → Not on the list", str(lists[0][0]), "3 Oct 2026"]
    ]
    [(name, before)] = own.query(
        "select any_value(clients.Name), count(distinct (ListID, lower(EmailAddress)))"
        " from active_subscribers join clients using (ClientID) where ClientID = ?",
        client,
    )
    figure = with_history["List sizes over time"].figure
    [line] = [each for each in figure["data"] if unescape(each["name"]) == name]
    assert line["x"] == ["2026-10-01", "2026-10-02", "2026-10-03"]
    assert line["y"][:2] == [before, before]
    assert line["y"][2] < before


def test_list_statistics(report: Report, account: Project) -> None:
    """The table of lists repeats the vendor's own statistics."""
    expected = account.query(
        "select lists.Name, TotalActiveSubscribers, NewActiveSubscribersThisMonth,"
        " UnsubscribesThisMonth, NewActiveSubscribersThisYear, UnsubscribesThisYear"
        " from list_stats join lists using (ListID)"
    )
    rows = report.clients["all"].sections["Lists this month and this year"].rows
    assert rows[0][:3] == ["List", "Client", "Active"]
    assert sorted((row[0], *row[2:]) for row in rows[1:]) == sorted(
        (name, *(f"{number:,}" for number in numbers)) for name, *numbers in expected
    )


def test_campaigns_by_month(report: Report, account: Project) -> None:
    """E-mails sent and rates of a month are the sums over its campaigns."""
    old = "SentDate <= (select min(synced_at) from sync_log) - interval 3 day"
    for client, where in scopes(report, account):
        query = (
            "select strftime(date_trunc('month', SentDate), '%Y-%m-%d'), sum(TotalRecipients),"
            f" {RATES_IN_SQL} from campaigns join campaign_summary using (ClientID, CampaignID)"
            f" where {where} and {{}} group by all order by all"
        )
        sent: Rows = account.query(query.format("true"))
        if not sent:
            assert client.groups["Campaigns"] == "No campaign was sent yet."
            assert not any("month" in title and "e-mail" in title for title in client.sections)
            continue
        section = client.sections["E-mails sent by month"]
        assert section.columns("E-mails sent") == {row[0]: row[1] for row in sent}
        rates = client.sections["Results by month"]
        for at, name in enumerate(RATES, 2):
            assert rates.columns(name) == {
                row[0]: pytest.approx(row[at], abs=0.005)
                for row in account.query(query.format(old))
                if row[1]
            }


def test_single_campaigns(report: Report, account: Project) -> None:
    """The latest and the most opened campaigns stand in order, with their own rates."""
    for client, where in scopes(report, account):
        query = (
            f"select campaigns.Name, sum(Recipients), sum(UniqueOpened), {RATES_IN_SQL}"
            " from campaigns join campaign_summary using (ClientID, CampaignID)"
            f" where Recipients > 0 and {where} group by campaigns.Name, SentDate"
        )
        latest = account.query(f"{query} order by SentDate desc limit 12")
        if not latest:
            assert "The latest campaigns" not in client.sections
            continue
        section = client.sections["The latest campaigns"]
        assert section.labels() == [row[0] for row in latest]
        for at, name in enumerate(RATES, 3):
            expected = [pytest.approx(row[at], abs=0.005) for row in latest]
            assert section.trace(name)["x"] == expected
        opened = account.query(
            f"{query} having sum(UniqueOpened) > 0 order by 3 desc, SentDate desc limit 15"
        )
        rows = client.sections["The most opened campaigns"].rows[1:]
        assert [(row[0], *row[-6:]) for row in rows] == [
            (name, f"{recipients:,}", f"{openers:,}", *(f"{rate:.1f} %" for rate in rates))
            for name, recipients, openers, *rates in opened
        ]


PROGRAMS = "select coalesce(nullif(ReadsEmailWith, ''), 'Not known yet') from active_subscribers"
REASONS = "select SuppressionReason from suppression_list"


@pytest.mark.parametrize(
    ("title", "series", "query"),
    [
        ("E-mail programs", "Active subscribers", PROGRAMS),
        ("Suppressed addresses by reason", "Addresses", REASONS),
    ],
)
def test_counted(report: Report, account: Project, title: str, series: str, query: str) -> None:
    """E-mail programs and reasons of suppression are counted, the most common first."""
    for client, where in scopes(report, account):
        expected = Counter(name for (name,) in account.query(f"{query} where {where}"))
        section = client.sections[title]
        assert section.bars(series) == expected
        shown = section.trace(series)["x"]
        assert shown == sorted(shown, reverse=True)


def test_syncs(report: Report, account: Project) -> None:
    """The last table tells when each table was synced, and how many rows it has."""
    [section] = report.last.values()
    expected = account.query(
        "select table_name, strftime(max(synced_at), '%-d %b %Y, %H:%M') from sync_log group by all"
    )
    assert sorted((row[0], row[1]) for row in section.rows[1:]) == sorted(expected)
    for table, _, then, now in section.rows[1:]:
        assert then == now == f"{account.count(table):,}"


def test_axes(report: Report) -> None:
    """Every axis says what it measures, by a title or by a name at each bar."""
    figures = [
        section.figure
        for client in report.clients.values()
        for section in client.sections.values()
        if section.figure
    ]
    assert figures
    for figure in figures:
        axes = [value for name, value in figure["layout"].items() if "axis" in name]
        told = [axis for axis in axes if "title" in axis or "ticktext" in axis or "matches" in axis]
        assert told == axes


def test_tables_behind_charts(report: Report) -> None:
    """Every chart carries its figures as a table, for who doesn't see it."""
    for client in report.clients.values():
        for section in client.sections.values():
            for trace in section.figure.get("data", ()):
                numbers = trace["x" if trace.get("orientation") == "h" else "y"]
                shown = [abs(each) for each in numbers if each is not None]
                told = [
                    abs(float(cell.replace(",", "").removesuffix(" %")))
                    for cell in section.column(unescape(trace["name"]))
                    if cell != "—"
                ]
                assert told == [pytest.approx(each, abs=0.051) for each in shown]


@pytest.mark.parametrize(
    ("synced", "unfinished"),
    [
        ("2026-11-01 11:59", {"Oct 2026", "Nov 2026"}),
        pytest.param("2026-11-01 12:00", {"Nov 2026"}, marks=pytest.mark.slow),
        pytest.param("2026-11-30 23:59", {"Nov 2026"}, marks=pytest.mark.slow),
        pytest.param("2026-12-01 11:59", {"Nov 2026"}, marks=pytest.mark.slow),
        ("2026-12-01 12:00", set()),
    ],
)
def test_unfinished_months(own: Project, synced: str, unfinished: set[str]) -> None:
    """Months that weren't over everywhere at the sync are marked, wherever they are shown."""
    own.change("update sync_log set synced_at = ?", synced)
    everything = read(own).clients["all"].sections
    for title in ("E-mails sent by month", "List growth by month"):
        section = everything[title]
        marked = {month for month in section.column("Month") if "(so far)" in month}
        assert marked == {f"{month} (so far)" for month in unfinished}
        assert ("so far" in section.said) == bool(unfinished)
        for trace in section.figure["data"]:
            if trace["type"] == "bar":
                pale = [each < 1 for each in trace["marker"]["opacity"]]
                assert sum(pale) == len(unfinished)
                assert pale == sorted(pale)
            else:
                symbols = trace["marker"]["symbol"]
                shown = [each for each, y in zip(symbols, trace["y"], strict=True) if y is not None]
                assert shown.count("circle-open") == len(unfinished)
                # No line leads to any of them.
                assert trace["y"].count(None) == len(unfinished)
        assert bool(section.figure["layout"].get("shapes")) == bool(unfinished)


def test_months_without_a_log(own: Project) -> None:
    """Where nobody knows when the tables were synced, the present month is not over."""
    own.change("drop view sync_log_parents")
    own.change("drop table sync_log")
    own.change("update active_subscribers set ListJoinedDate = current_date")
    section = read(own).clients["all"].sections["List growth by month"]
    assert section.column("Month")[-1].endswith("(so far)")


def test_young_campaigns(own: Project) -> None:
    """The results of a campaign of the last days are said to be those so far."""
    [(last, sent)] = own.query(
        "select Name, SentDate from campaigns where TotalRecipients > 0"
        " order by SentDate desc limit 1"
    )
    for days, young in ((2, True), (4, False)):
        own.change("update sync_log set synced_at = ?", sent + timedelta(days=days))
        section = read(own).clients["all"].sections["The latest campaigns"]
        assert section.labels()[0] == (f"{last} (so far)" if young else last)
        assert section.column("Campaign")[0] == section.labels()[0]
        assert ("so far" in section.said) == young


def test_self_contained(report: Report) -> None:
    """The page refers to nothing but itself, and forbids the browser to fetch anything."""
    assert all(each.startswith("#") for each in report.references)
    assert not {"link", "img", "iframe", "object", "embed", "base"} & set(report.tags)
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', report.html)
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy
    styles = re.findall(r"<style>(.*?)</style>", report.html, re.DOTALL)
    assert not re.search(r"url\(|@import", "".join(styles))


def test_no_addresses(report: Report, own: Project) -> None:
    """No subscriber's address is in the page; one in a name is masked."""
    addresses = own.query(
        "select EmailAddress from active_subscribers union from"
        " (select FromEmail from campaigns) union"
        " (select EmailAddress from suppression_list)"
    )
    assert len(addresses) > 1000
    around_signs = "\n".join(re.findall(r"\S{0,200}@\S{0,200}", report.html))
    assert around_signs
    for (address,) in addresses:
        assert address not in around_signs
    for table in ("clients", "lists", "campaigns"):
        own.change(f"update {table} set Name = 'for jane.roe@example.com: ' || Name")
    html = read(own).html
    assert "jane.roe@example.com" not in html
    assert html.count("for j***@example.com: ") > 10


HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    '"><b onmouseover="alert(1)">',
    "{{ 7 * 7 }} {% raw %}",
    "<!--",
    "a <b>bold</b> <a href='https://example.com'>link</a>",
)


@pytest.mark.parametrize("names", [HOSTILE[:3], HOSTILE[3:]])
def test_hostile_names(report: Report, own: Project, names: tuple[str, ...]) -> None:
    """A name is shown as it is written, whatever it would mean to a browser or to Plotly."""
    clients = own.query("select ClientID from clients")
    for name, (client,) in zip(names, clients, strict=True):
        for table, column in (
            ("clients", "Name"),
            ("lists", "Name"),
            ("campaigns", "Name"),
            ("active_subscribers", "ReadsEmailWith"),
            ("suppression_list", "SuppressionReason"),
        ):
            own.change(f"update {table} set {column} = ? where ClientID = ?", name, client)
    hostile = read(own)
    assert set(hostile.tags) == set(report.tags)
    assert hostile.tags.count("script") <= report.tags.count("script")
    assert all(each.startswith("#") for each in hostile.references)
    assert {client.name for client in hostile.clients.values()} == {"All clients", *names}
    everything = hostile.clients["all"].sections
    for title in ("Lists this month and this year", "The most opened campaigns"):
        shown = {row[0] for row in everything[title].rows[1:]}
        assert shown
        assert shown <= set(names)
        for client in hostile.clients.values():
            if client.name in names and title in client.sections:
                assert {row[0] for row in client.sections[title].rows[1:]} == {client.name}
    for title in ("E-mail programs", "Suppressed addresses by reason", "The latest campaigns"):
        [trace, *_] = everything[title].figure["data"]
        for text in (*everything[title].labels(), *trace["hovertext"]):
            assert not set("<>\"'") & set(text)


def test_same_names(own: Project) -> None:
    """Lists and campaigns of the same name stay apart."""
    own.change("update lists set Name = 'Newsletter'")
    own.change("update campaigns set Name = 'Issue'")
    report = read(own)
    lists = own.query("select ClientID, count(*) from lists group by all")
    shown = [
        len(client.sections["Subscribers by state"].labels())
        for anchor, client in report.clients.items()
        if anchor != "all"
    ]
    # A list with no subscribers has no bar.
    empty = own.query(
        "select count(*) from lists where ListID not in (select ListID from active_subscribers)"
    )[0][0]
    assert sum(shown) == sum(number for _, number in lists) - empty
    assert len(report.clients["all"].sections["The latest campaigns"].labels()) == 12


def test_long_names(own: Project) -> None:
    """Names that begin alike are told from each other by their ends, in two short lines."""
    beginning = "Spring newsletter for everybody who loves gardening, part"
    own.change("update campaigns set Name = ? || ' ' || Name", beginning)
    [name] = own.query("select Name from clients order by Name limit 1")[0]
    own.change("update clients set Name = ? where Name = ?", 300 * "x", name)
    everything = read(own).clients["all"].sections
    labels = everything["The latest campaigns"].figure["layout"]["yaxis"]["ticktext"]
    assert len(set(labels)) == len(labels) == 12
    assert all(label.startswith("Spring newsletter<br>…") for label in labels)
    labels += everything["Subscribers by state"].figure["layout"]["yaxis"]["ticktext"]
    assert max(len(unescape(line)) for label in labels for line in label.split("<br>")) <= 18


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(
            table, marks=() if table in ("clients", "active_subscribers") else pytest.mark.slow
        )
        for table in USED
    ],
)
def test_missing_table(report: Report, own: Project, table: str) -> None:
    """Without one of its tables the report is still written, and says what to switch on."""
    whole = report.clients["all"]
    own.change(f"drop table {table}")
    without = read(own).clients["all"]
    assert {*without.sections, *without.left_out} == {*whole.sections, *whole.left_out}
    lacking = {
        title
        for title, said in (
            *((title, section.said) for title, section in without.sections.items()),
            *without.left_out.items(),
        )
        if "switch" in said and table in re.split(r"[ ,]", said)
    }
    of_campaigns = {
        "Compared with the period before",
        "Results by month",
        "The latest campaigns",
        "The most opened campaigns",
        "The most clicked links",
        "Results by weekday",
        "Results by hour of sending",
    }
    of_subscribers = {
        "Subscribers by state",
        "List growth by month",
        "Growth compared with the period before",
        "Who reads nothing",
        "Who is on several lists",
    }
    expected: dict[str, set[str]] = {
        "clients": set(),
        "campaigns": of_campaigns
        | {"E-mails sent by month", "Who reads nothing", "Domains that bounce or complain"},
        "campaign_summary": of_campaigns,
        "lists": {"Lists this month and this year"},
        "list_stats": {"Lists this month and this year"},
        "suppression_list": {"Suppressed addresses by reason", "Who reads nothing"},
        "active_subscribers": of_subscribers | {"E-mail programs"},
        "unsubscribed_subscribers": of_subscribers,
        "bounced_subscribers": of_subscribers,
    }
    assert lacking == expected[table]


def test_missing_sync_log(own: Project) -> None:
    """Tables that came without a log are reported on all the same."""
    own.change("drop view sync_log_parents")
    own.change("drop table sync_log")
    report = read(own)
    assert not report.last
    assert "DuckDB does not hold sync_log yet" in report.html
    assert report.clients["all"].figures


def test_empty_tables(own: Project) -> None:
    """An account in which nothing happened yet is said to be one, section by section."""
    for table in USED:
        own.change(f"delete from {table}")
    report = read(own)
    [client] = report.clients.values()
    assert not client.sections
    assert client.groups == {
        "Clients": "The account has no clients.",
        "Campaigns": "No campaign was sent yet.",
        "Subscribers": "Nobody is on a list yet.",
    }
    assert client.left_out == {
        "Suppressed addresses by reason": "no address is suppressed.",
        "Domains that bounce or complain": "switch on the tables campaign_recipients,"
        " campaign_bounces, campaign_spam_complaints to see this.",
    }


def test_one_client(own: Project) -> None:
    """With one client there is nothing to choose, and no table names the client."""
    [(client, name)] = own.query(
        "select ClientID, Name from clients where ClientID in (select ClientID from campaigns)"
        " order by Name limit 1"
    )
    for table in USED:
        own.change(f"delete from {table} where ClientID <> ?", client)
    report = read(own)
    assert [each.name for each in report.clients.values()] == [name]
    assert "select" not in report.tags
    assert "Client" not in report.clients["client-1"].sections["The most opened campaigns"].rows[0]


@pytest.mark.slow
def test_many_clients(own: Project) -> None:
    """With a hundred clients each has a report of its own, and the charts of all stay short."""
    own.change(
        "insert into clients (ClientID, Name) select 'c' || n, 'Client ' || n from range(100) t(n)"
    )
    own.change(
        "insert into active_subscribers (ClientID, ListID, EmailAddress)"
        " select 'c' || n, 'l' || n, 'x' from range(100) t(n)"
    )
    report = read(own)
    clients = own.count("clients")
    assert len(report.options) == len(report.clients) == clients + 1
    assert len(report.clients["all"].sections["Each client's figures"].rows) == clients + 1
    assert len(report.clients["all"].sections["Subscribers by state"].labels()) == 20
    # A list that is not in the snapshot of lists goes by its identifier.
    [new] = [each for each in report.clients.values() if each.name == "Client 7"]
    assert new.sections["Subscribers by state"].bars("Active") == {"l7": 1}


@warehouses.file_only
def test_read_only(own: Project) -> None:
    """The file is only read: it stays as it is, and other readers may have it open."""
    before = own.path.read_bytes()
    with duckdb.connect(str(own.path), read_only=True):
        read(own)
    assert own.path.read_bytes() == before
    assert own.leftovers() == ["report.html"]


def test_nothing_to_report_on(own: Project, tmp_path: Path) -> None:
    """Without a file, or without an account's tables in it, an error says what to do."""
    target = tmp_path / "report.html"
    with pytest.raises(DatabaseError, match="Materialize"):
        write_report(tmp_path / "none.duckdb", PREFIX, target)
    with pytest.raises(DatabaseError, match=r"'elsewhere'.* Materialize"):
        write_report(own.warehouse, "elsewhere", target)
    assert not target.exists()


def test_unwritable_target(own: Project, tmp_path: Path) -> None:
    """A target that can't be written is named in the error."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(ConfigurationError, match=re.escape(str(blocked / "report.html"))):
        write_report(own.warehouse, PREFIX, blocked / "report.html")
