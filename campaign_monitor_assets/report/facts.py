"""What the report tells of one client, or of all clients together."""

from dataclasses import dataclass
from typing import Any, Final

import duckdb

from campaign_monitor_assets.analytics.model import RATES, with_fragments
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.report.records import (
    Campaign,
    Change,
    Counted,
    Growth,
    Month,
    Movement,
    ReportedClient,
    Results,
    Size,
    Subscribers,
    Sync,
)
from campaign_monitor_assets.warehouse.quoting import identifier, row_count, table_exists
from campaign_monitor_assets.warehouse.state import SYNC_LOG, order_of_snapshots

MONTHS: Final = 36
"""How many months are looked back on at the most, from the last that anything happened in."""

_MINE: Final = "($client is null or ClientID = $client)"
_SUMS: Final = ", ".join(
    f"sum({name})::bigint as {name}"
    for name in ("sent_to", *sorted({each for rate in RATES.values() for each in rate}))
)
_RESULTS: Final = with_fragments(
    "coalesce(sent_to, 0), coalesce(Recipients, 0), coalesce(UniqueOpened, 0), 100 * OpenRate,"
    " 100 * ClickRate, 100 * UnsubscribeRate, 100 * BounceRate from (select *, {rates} from sums)"
)
"""The fields of Results, asked of the sums of campaigns that a query calls `sums`."""


@dataclass(frozen=True)
class Facts:
    """The figures of one client, or of all together where none is named; see `summarize`."""

    connection: duckdb.DuckDBPyConnection
    client: str | None = None

    def subscribers(self) -> list[Subscribers]:
        """Each list's subscribers by state, or each client's; the most active first."""
        key, names = ("ClientID", "clients") if self.client is None else ("ListID", "lists")
        found = self._ask(
            f"with mine as (select {key}, state, sum(number)::bigint as number"
            f" from temp.states where {_MINE} group by all)"
            f" select {key}, name, state, number from mine join temp.{names} using ({key})"
            f" order by sum(case state when 'Active' then number else 0 end)"
            f" over (partition by {key}) desc, name, {key}"
        )
        return [Subscribers(*row) for row in found]

    def sizes(self) -> list[Size]:
        """The sizes of each list, or of each client's lists together, day by day; largest first."""
        key, names = ("ClientID", "clients") if self.client is None else ("ListID", "lists")
        found = self._ask(
            f"with mine as (select {key}, day, sum(active)::bigint as active from temp.sizes"
            f" where {_MINE} group by all)"
            f" select {key}, coalesce(name, {key}), day, active"
            f" from mine left join temp.{names} using ({key})"
            f" order by arg_max(active, day) over (partition by {key}) desc, {key}, day"
        )
        return [Size(*row) for row in found]

    def changes(self) -> list[Change]:
        """Who moved from which state to which, the most common first."""
        found = self._ask(
            "select before, after, sum(number)::bigint as moved, max(last) from temp.changes"
            f" where {_MINE} group by all order by moved desc, before, after"
        )
        return [Change(*row) for row in found]

    def states(self) -> dict[str, int]:
        """How many subscribers are in each state, over all lists."""
        return dict(
            self._ask(
                f"select state, sum(number)::bigint from temp.states where {_MINE} group by all"
            )
        )

    def growth(self) -> list[Growth]:
        """The latest months, those in which nothing happened among them."""
        found = self._ask(
            "with mine as (select month, sum(joined)::bigint as joined,"
            " sum(unsubscribed)::bigint as unsubscribed, sum(bounced)::bigint as bounced,"
            " sum(net)::bigint as net"
            f" from temp.growth where {_MINE} and month is not null group by all)"
            ", months as (select unnest(generate_series(greatest(min(month), max(month)"
            f" - interval {MONTHS - 1} month), max(month), interval 1 month)) as month from mine)"
            " select month, coalesce(joined, 0), coalesce(unsubscribed, 0), coalesce(bounced, 0),"
            " coalesce(net, 0) from months left join mine using (month) order by month"
        )
        return [Growth(*row) for row in found]

    def months(self) -> list[Month]:
        """The latest months in which a campaign was sent."""
        found = self._ask(
            f"with sums as (select month, count(*) as campaigns, {_SUMS} from temp.sent"
            f" where {_MINE} and month is not null group by month)"
            f" select month, campaigns, {_RESULTS} order by month desc limit {MONTHS}"
        )
        return [Month(month, number, Results(*rest)) for month, number, *rest in reversed(found)]

    def results(self) -> Results:
        """Everything that was sent, together."""
        [row] = self._ask(
            f"with sums as (select {_SUMS} from temp.sent where {_MINE}) select {_RESULTS}"
        )
        return Results(*row)

    def campaigns(self) -> int:
        """How many campaigns were sent."""
        [(number,)] = self._ask(f"select count(*) from temp.sent where {_MINE}")
        return int(number)

    def latest(self, most: int) -> list[Campaign]:
        """The campaigns that were sent last to anybody, the last first."""
        return self._campaigns("Recipients > 0", "sent desc nulls last", most)

    def most_opened(self, most: int) -> list[Campaign]:
        """The campaigns that the most subscribers opened."""
        return self._campaigns("UniqueOpened > 0", "UniqueOpened desc, sent desc nulls last", most)

    def programs(self) -> list[Counted]:
        """The e-mail programs of the active subscribers."""
        return self._counted("programs")

    def suppressions(self) -> list[Counted]:
        """The reasons why addresses are suppressed."""
        return self._counted("suppressions")

    def movements(self, most: int) -> list[Movement]:
        """How each list fares this month and this year by the vendor's own count."""
        found = self._ask(
            f"select movements.name, clients.name, {', '.join(Movement._fields[2:])}"
            f" from temp.movements join temp.clients using (ClientID) where {_MINE}"
            f" order by active desc, movements.name, ListID limit {most}"
        )
        return [Movement(*row) for row in found]

    def _campaigns(self, which: str, order: str, most: int) -> list[Campaign]:
        found = self._ask(
            "with sums as (select sent.*, clients.name as client from temp.sent"
            f" join temp.clients using (ClientID) where {_MINE} and {which})"
            f" select name, client, sent, {_RESULTS} order by {order}, CampaignID limit {most}"
        )
        return [Campaign(name, client, sent, Results(*rest)) for name, client, sent, *rest in found]

    def _counted(self, summary: str) -> list[Counted]:
        found = self._ask(
            f"select name, sum(number)::bigint as number from temp.{summary} where {_MINE}"
            " group by all order by number desc, name"
        )
        return [Counted(*row) for row in found]

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query, {"client": self.client}).fetchall()


def clients(connection: duckdb.DuckDBPyConnection) -> list[ReportedClient]:
    """The clients, by name."""
    found = connection.execute(
        "select ClientID, name from temp.clients order by lower(name), ClientID"
    )
    return [ReportedClient(*row) for row in found.fetchall()]


def syncs(connection: duckdb.DuckDBPyConnection, schema: str) -> list[Sync]:
    """The last snapshot of each table, in the catalogue's order; empty where none is logged."""
    if not table_exists(connection, schema, SYNC_LOG):
        return []
    order = order_of_snapshots(connection, schema)
    logged = connection.execute(
        "select table_name, synced_at, rows"
        f" from {identifier(schema, SYNC_LOG)}"
        f" qualify row_number() over (partition by table_name order by {order} desc) = 1"
    ).fetchall()
    last = {table: rest for table, *rest in logged}
    found = []
    for table in (name for name in CATALOGUE if name in last):
        synced_at, rows = last[table]
        found.append(Sync(table, synced_at, rows, row_count(connection, schema, table)))
    return found
