"""The demo's two accounts: what is in them, and whether it has arrived."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from rich import box
from rich.table import Table as Grid

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.catalogue.model import Table
from campaign_monitor_assets.sandbox import Sandbox

NAMES: Final = ("north", "south")
_DEFS: Final = Path(__file__).parent / "defs" / NAMES[0] / "defs.yaml"
TABLES: Final[Sequence[Table]] = [
    CATALOGUE[name] for name in yaml.safe_load(_DEFS.read_text())["attributes"]["tables"]
]
"""What both accounts' configurations name."""

Query = Callable[[str], Sequence[tuple[Any, ...]]]
"""Answers a question in SQL."""
Keys = Counter[tuple[str, ...]]
"""How often each key is there."""


@dataclass(frozen=True)
class Arrived:
    """What became of one table of one account.

    Attributes:
        account: The account's name.
        table: The table's name.
        rows: How many rows are stored.
        missing: How many rows the account has more than those.
        surplus: How many rows are stored that the account has not.
    """

    account: str
    table: str
    rows: int
    missing: int
    surplus: int

    @property
    def is_whole(self) -> bool:
        """Whether all rows of the account are stored, and no other."""
        return not (self.missing or self.surplus)


def compared(sandboxes: Mapping[str, Sandbox], query: Query) -> Iterator[Arrived]:
    """Compares the keys of all rows that are stored with those that the accounts have."""
    for account, sandbox in sandboxes.items():
        for table in TABLES:
            columns = ", ".join(f'"{name}"::varchar' for name in _columns(table))
            stored = Counter(query(f"select {columns} from {account}.{table.name}"))
            truth = _truth(sandbox, table)
            missing, surplus = (truth - stored).total(), (stored - truth).total()
            yield Arrived(account, table.name, stored.total(), missing, surplus)


def shown(found: Sequence[Arrived]) -> Grid:
    """The closing table: for each table the rows of each account, and whether that is all."""
    grid = Grid(
        title="What each account has",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    grid.add_column("table", no_wrap=True)
    for name in NAMES:
        grid.add_column(name, justify="right", no_wrap=True)
    for table in TABLES:
        of_table = {each.account: each for each in found if each.table == table.name}
        grid.add_row(table.name, *(_cell(of_table[name]) for name in NAMES))
    return grid


def _cell(each: Arrived) -> str:
    if each.is_whole:
        return f"{each.rows:,} [green]✓[/]"
    return f"[red]{each.rows:,}, {each.missing:,} missing, {each.surplus:,} too many[/]"


def _columns(table: Table) -> Sequence[str]:
    """What tells a table's rows apart: those of its own columns that are in its key."""
    own = [column.name for column in table.columns]
    return [name for name in table.key if name in own] or own[:1]


def _truth(sandbox: Sandbox, table: Table) -> Keys:
    held = sandbox.account(table.name)[table.name]
    parents = [held] if isinstance(held, list) else held.values()
    rows = [row for each in parents for row in (each if isinstance(each, list) else [each])]
    return Counter(tuple(str(row[name]) for name in _columns(table)) for row in rows)
