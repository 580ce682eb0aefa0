"""What the report consists of: for each client its key figures, charts and tables, in order."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from campaign_monitor_assets.report.facts import Facts, clients, syncs
from campaign_monitor_assets.report.records import Sync
from campaign_monitor_assets.report.sections import PARTS, Cell, Grid, Section
from campaign_monitor_assets.report.summaries import STATES, summarize


@dataclass(frozen=True)
class Scope:
    """The report on one client, or on all clients together."""

    anchor: str
    name: str
    figures: Sequence[tuple[str, Cell]]
    sections: Sequence[Section]


@dataclass(frozen=True)
class Page:
    """The whole report.

    Attributes:
        scopes: What can be chosen to be shown; the first is at the start.
        syncs: How old the tables are.
        as_of: When the last of them was synced, where that is known.
    """

    scopes: Sequence[Scope]
    syncs: Section
    as_of: str | None


def compose(connection: duckdb.DuckDBPyConnection, schema: str) -> Page:
    """Asks the account's tables for everything that the page shows.

    Raises:
        DatabaseError: The schema holds no table of an account.
    """
    present = summarize(connection, schema)
    scopes = [
        _scope(Facts(connection, client.id), present, f"client-{number}", client.name)
        for number, client in enumerate(clients(connection), 1)
    ]
    if len(scopes) != 1:
        together = _scope(Facts(connection), present, "all", "All clients")
        scopes.insert(0, _with_index(together, scopes))
    found = syncs(connection, schema)
    as_of = max((sync.synced_at for sync in found), default=None)
    return Page(scopes, _syncs(found), f"{as_of:%Y-%m-%d %H:%M} UTC" if as_of else None)


def _scope(facts: Facts, present: frozenset[str], anchor: str, name: str) -> Scope:
    results, states = facts.results(), facts.states()
    figures: dict[str, Cell] = {
        **{f"{state} subscribers": states.get(state) for state in STATES.values()},
        "Campaigns sent": facts.campaigns() if "campaigns" in present else None,
        "Recipients": results.recipients if "campaigns" in present else None,
        "Opened": results.opened,
        "Clicks": results.clicks,
    }
    return Scope(
        anchor,
        name,
        [(label, number) for label, number in figures.items() if number is not None],
        [
            part.section(facts, present)
            for part in PARTS
            if not part.optional or present.issuperset(part.tables)
        ],
    )


def _with_index(together: Scope, scopes: Sequence[Scope]) -> Scope:
    """The report on all clients, which begins with a table that leads to each one's."""
    heads = [label for label, _ in together.figures]
    rows = [[scope.name, *map(dict(scope.figures).get, heads)] for scope in scopes]
    index = Section(
        "Clients",
        "A client's name leads to the client's own report.",
        Grid(["Client", *heads], rows, [scope.anchor for scope in scopes]),
    )
    if not scopes:
        index = Section("Clients", "", left_out="Nothing to show: the account has no clients.")
    return Scope(together.anchor, together.name, together.figures, [index, *together.sections])


def _syncs(found: Sequence[Sync]) -> Section:
    title = "When the tables were last synced"
    if not found:
        return Section(title, "", left_out="Left out: DuckDB does not hold sync_log yet.")
    rows = [
        [sync.table, f"{sync.synced_at:%Y-%m-%d %H:%M:%S}", sync.rows, sync.now] for sync in found
    ]
    heads = ["Table", "Last synced (UTC)", "Rows then", "Rows now"]
    return Section(title, "The figures are as old as the tables they come from.", Grid(heads, rows))
