"""What the page consists of: for each client its key figures and its groups of sections."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb

from campaign_monitor_assets.report.facts import Facts
from campaign_monitor_assets.report.model import Card, Cell, Grid, Shown
from campaign_monitor_assets.report.sections import GROUPS, SECTIONS
from campaign_monitor_assets.report.summaries import STATES, absent_views, summarize
from campaign_monitor_assets.report.syncs import card, syncs
from campaign_monitor_assets.report.times import moment_of


@dataclass(frozen=True)
class Scope:
    """The report on one client, or on all clients together."""

    anchor: str
    name: str
    figures: Sequence[tuple[str, Cell]]
    groups: Sequence[Shown]


@dataclass(frozen=True)
class Page:
    """The whole report.

    Attributes:
        scopes: What can be chosen to be shown; the first is at the start.
        syncs: How old the tables are, or why that is not known.
        as_of: When the last of them was synced, where that is known.
    """

    scopes: Sequence[Scope]
    syncs: Card | str
    as_of: str | None


def compose(connection: duckdb.DuckDBPyConnection, schema: str) -> Page:
    """Asks the account's tables for everything that the page shows.

    Raises:
        DatabaseError: The schema holds no table of an account.
    """
    present = summarize(connection, schema, SECTIONS)
    found = syncs(connection, schema)
    synced = {sync.table: sync.synced_at for sync in found}
    facts = Facts(connection, present, synced, absent_views(connection, schema))
    scopes = [
        _scope(facts.of(client), f"client-{number}", name)
        for number, (client, name) in enumerate(_clients(connection), 1)
    ]
    if len(scopes) != 1:
        together = _scope(facts, "all", "All clients")
        scopes.insert(0, _with_index(together, scopes))
    as_of = max((sync.synced_at for sync in found), default=None)
    return Page(scopes, card(found), f"{moment_of(as_of)} UTC" if as_of else None)


def _clients(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """The clients' identifiers and names, by name."""
    return connection.execute(
        "select ClientID, name from temp.clients order by lower(name), ClientID"
    ).fetchall()


def _scope(facts: Facts, anchor: str, name: str) -> Scope:
    results, states = facts.results(), facts.states()
    sent = "campaigns" in facts.present
    figures: dict[str, Cell] = {
        "Campaigns sent": facts.campaigns() if sent else None,
        "E-mails sent": results.sent_to if sent else None,
        "Opened": results.opened,
        "Clicks": results.clicks,
        **{
            "Active subscribers" if state == "Active" else state: states.get(state)
            for state in STATES.values()
        },
    }
    return Scope(
        anchor,
        name,
        [(label, number) for label, number in figures.items() if number is not None],
        [group.of(facts) for group in GROUPS],
    )


def _with_index(together: Scope, scopes: Sequence[Scope]) -> Scope:
    """The report on all clients, which begins with a table that leads to each one's."""
    heads = [label for label, _ in together.figures]
    rows = [[scope.name, *map(dict(scope.figures).get, heads)] for scope in scopes]
    title = "Clients"
    index = Shown(title, "The account has no clients.")
    if scopes:
        grid = Grid(["Client", *heads], rows, [scope.anchor for scope in scopes])
        note = "A client's name leads to the client's own report."
        index = Shown(title, "", [Card("Each client's figures", note, grid)])
    return replace(together, groups=[index, *together.groups])
