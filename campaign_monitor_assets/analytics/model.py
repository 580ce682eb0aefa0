"""The form of an analytics view: what it is, what it reads, and what its columns mean.

An entry holds no behaviour. Its SQL stands in the file of the same name beside this one, as a plain
`select` in which `{campaigns}` stands for the table of that name, and `{time_zones}` for the view.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from campaign_monitor_assets.catalogue import Column


@dataclass(frozen=True, kw_only=True)
class View:
    """One view of the analytics schema.

    Attributes:
        name: The view's name in DuckDB and the last part of the asset's key.
        description: What a row is, and what can't be known from it.
        needs: The tables and views that it reads.
        columns: The columns that the SQL gives, in their order and with their types.
        shows: What the asset's page shows as a table: for each heading a query.
    """

    name: str
    description: str
    needs: tuple[str, ...]
    columns: tuple[Column, ...]
    shows: Mapping[str, str] = field(default_factory=dict)

    @property
    def sql(self) -> str:
        """The query, with names of tables in braces."""
        return files(__package__).joinpath(f"{self.name}.sql").read_text("utf-8").strip()


@dataclass(frozen=True)
class Shown:
    """A small table that an asset's page shows."""

    heads: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True)
class Made:
    """What became of a view.

    Attributes:
        rows: The rows that it has now.
        sql: Its query; None where it is a table or there are several.
        shown: What the asset's page shows, by heading.
        dropped: The views of deleted lists that were dropped.
    """

    rows: int = 0
    sql: str | None = None
    shown: Mapping[str, Shown] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
