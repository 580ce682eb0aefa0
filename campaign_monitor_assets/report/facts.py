"""The figures of one client, or of all clients together, as sections ask for them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final, NamedTuple

import duckdb

from campaign_monitor_assets.analytics.model import RATES, with_fragments

MINE: Final = "($client is null or ClientID = $client)"
"""In a query: whether a row is of the client that is reported on."""

SUMS: Final = ", ".join(
    f"sum({name})::bigint as {name}"
    for name in ("sent_to", *sorted({each for rate in RATES.values() for each in rate}))
)
"""In a query: what there is to add up of campaigns."""

RESULTS: Final = with_fragments(
    "coalesce(sent_to, 0), coalesce(Recipients, 0), coalesce(UniqueOpened, 0), 100 * OpenRate,"
    " 100 * ClickRate, 100 * UnsubscribeRate, 100 * BounceRate from (select *, {rates} from sums)"
)
"""The fields of Results, asked of the sums of campaigns that a query calls `sums`."""


class Results(NamedTuple):
    """What became of campaigns.

    `sent_to` are all to whom they were sent, `reported` those of them of whose campaign the
    results are known, and `openers` those of these who opened it. The rest are percentages as the
    views define them, None where they would be shares of nothing.
    """

    sent_to: int
    reported: int
    openers: int
    opened: float | None
    clicks: float | None
    unsubscribed: float | None
    bounced: float | None


@dataclass(frozen=True)
class Facts:
    """The figures of one client, or of all together where none is named.

    Attributes:
        connection: Where the summaries are; see `summarize`.
        present: The tables of the catalogue that there are, and HISTORY where that is kept.
        synced: When tables were last synced (UTC).
        absent: The views whose figures would be wrong without what `privacy` leaves out, and why.
        client: The client's identifier.
        now: When tables were synced of which that is not known (UTC).
    """

    connection: duckdb.DuckDBPyConnection
    present: frozenset[str]
    synced: Mapping[str, datetime]
    absent: Mapping[str, str] = field(default_factory=dict)
    client: str | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))

    def of(self, client: str) -> "Facts":
        """Those of one client."""
        return replace(self, client=client)

    @property
    def key(self) -> str:
        """What is compared: the lists of a client, or the clients; by the name of its key."""
        return "ClientID" if self.client is None else "ListID"

    @property
    def names(self) -> str:
        """The summary that holds the names of what is compared."""
        return "temp.clients" if self.client is None else "temp.lists"

    @property
    def kind(self) -> str:
        """What one of those that are compared is, in a word."""
        return "Client" if self.client is None else "List"

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query; `$client` in it stands for the client, as MINE uses it."""
        return self.connection.execute(query, {"client": self.client}).fetchall()

    def ask_grouped(self, query: str) -> list[list[tuple[Any, ...]]]:
        """The rows of a query, those together that have the same first value and follow on it."""
        return [list(rows) for _, rows in groupby(self.ask(query), key=lambda row: row[0])]

    def most_common(
        self, summary: str, most: int
    ) -> tuple[tuple[str, ...], tuple[int, ...]] | None:
        """So many of the most common names of a summary, with their numbers; None: it is empty."""
        found = self.ask(
            f"select name, sum(number)::bigint as number from temp.{summary} where {MINE}"
            f" group by all order by number desc, name limit {most}"
        )
        if not found:
            return None
        names, numbers = zip(*found, strict=True)
        return names, numbers

    def as_of(self, tables: Iterable[str]) -> datetime:
        """When the oldest of some tables was last synced (UTC)."""
        return min(
            (self.synced[table] for table in tables if table in self.synced), default=self.now
        )

    def states(self) -> dict[str, int]:
        """How many subscribers are in each state, over all lists."""
        return dict(
            self.ask(
                f"select state, sum(number)::bigint from temp.states where {MINE} group by all"
            )
        )

    def results(self) -> Results:
        """Everything that was sent, together."""
        [row] = self.ask(
            f"with sums as (select {SUMS} from temp.sent where {MINE}) select {RESULTS}"
        )
        return Results(*row)

    def campaigns(self) -> int:
        """How many campaigns were sent."""
        [(number,)] = self.ask(f"select count(*) from temp.sent where {MINE}")
        return int(number)
