"""Syncs of single tables without Dagster, for tests that need hundreds of them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.extract.tables import read_tables
from campaign_monitor_assets.orchestration.incremental import IncrementalSync, form_of
from campaign_monitor_assets.orchestration.resource import CampaignMonitorResource
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets.staging.files import StagingWriter
from campaign_monitor_assets.staging.folder import staging_folder
from campaign_monitor_assets.staging.records import IncrementalRead, Reason, Staged
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.publish import Published, publish
from campaign_monitor_assets.warehouse.settings import PublishSettings, WarehouseSettings
from campaign_monitor_assets.warehouse.state import begin_reading
from campaign_monitor_assets.warehouse.target import Database
from campaign_monitor_assets_tests import warehouses
from campaign_monitor_assets_tests.project import QUICK

SCHEMA = "lives"
STATES = tuple(name for name in CATALOGUE if name.endswith("_subscribers") and "seg" not in name)
EVENTS = tuple(
    name for name, table in CATALOGUE.items() if table.increments is not None and not table.key
)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Sync:
    """One sync of a table.

    Attributes:
        staged: What was read.
        published: What became of it.
    """

    staged: Staged
    published: Published

    @property
    def read(self) -> IncrementalRead:
        assert self.staged.incremental is not None
        return self.staged.incremental

    @property
    def reasons(self) -> Counter[Reason]:
        """Why collections were read in full, and how many."""
        return Counter(read.reason for read in self.read.in_full)

    @property
    def in_full(self) -> set[str]:
        """The parents whose collections were read in full."""
        key = self.staged.table.parent_key
        return {read.parent[key or ""] for read in self.read.in_full}

    @property
    def details(self) -> str:
        """What was found where the proof failed."""
        return "\n".join(read.detail for read in self.read.in_full)


@dataclass
class Syncs:
    """A warehouse that is synced from a sandbox, incrementally where nothing else is said."""

    box: Sandbox
    path: Path
    page_size: int = 20
    days: float = 7
    schema: str = SCHEMA
    settings: PublishSettings = field(default_factory=PublishSettings)
    extract: Mapping[str, Any] = field(default_factory=dict)
    between: Callable[[], None] = lambda: None
    """What happens after reading and before publishing."""

    @property
    def database(self) -> Database:
        return Database.of(WarehouseSettings(**warehouses.settings(self.path), lock_timeout=5))

    def sync(self, name: str, *, full: bool = False, only: Sequence[str] | None = None) -> Sync:
        """Reads a table and publishes it.

        Args:
            name: The table.
            full: Whether all is read in full.
            only: The parents' keys to read; the rows of the others go. By default all.
        """
        table, schema_table = CATALOGUE[name], TableName(self.schema, name)
        api = CampaignMonitorResource(
            **{**QUICK, "api_key": self.box.key, "base_url": self.box.url},
            page_size=self.page_size,
            **self.extract,
        )
        number = begin_reading(self.database, self.schema)
        privacy = self.settings.privacy
        plan = IncrementalSync(
            table, schema_table, self.database, api, self.days, privacy, all_in_full=full
        )
        with ExitStack() as stack:
            client = stack.enter_context(api.client())
            folder = stack.enter_context(staging_folder(self.database.staging_root))
            writer = StagingWriter(
                table,
                folder,
                datetime.now(UTC).replace(tzinfo=None),
                number,
                form=form_of(table, api, privacy),
                stored=plan.stored(),
            )
            parents = [
                each
                for each in self.parents(name)
                if only is None or each[table.parent_key or ""] in only
            ]
            [staged] = read_tables(client, [writer], parents, api, incremental=plan.reading())
            self.between()
            with self.database.connect() as connection:
                published = publish(
                    connection,
                    staged,
                    schema_table,
                    run_id=f"run {number}",
                    settings=self.settings,
                )
        assert isinstance(published, Published)
        return Sync(staged, published)

    def parents(self, name: str) -> list[dict[str, str]]:
        """The parents of a table as the sandbox has them now."""
        inherits = CATALOGUE[name].inherits
        home = {"ListID": "lists", "CampaignID": "campaigns", "EmailID": "journeys"}
        if inherits == ("ClientID",):
            return [{"ClientID": row["ClientID"]} for row in self._held("clients")]
        found = [
            {"ClientID": client, **row}
            for client, rows in self._held(home[inherits[-1]]).items()
            for row in rows
        ]
        if inherits[-1] == "EmailID":
            emails = self._held("journey_emails")
            found = [row | email for row in found for email in emails[row["JourneyID"]]["Emails"]]
        return [{each: row[each] for each in inherits} for row in found]

    def _held(self, collection: str) -> Any:
        return self.box.account(collection)[collection]

    def age(self, days: float) -> None:
        """Lets time pass as far as the bookkeeping knows."""
        shift = f"interval ({days * 86400:.0f}) second"
        self.change(
            f"update sync_parents set full_at = full_at - {shift}, synced_at = synced_at - {shift}"
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the file; tables need no schema before their names."""
        with warehouses.opened(self.path, read_only=True) as connection:
            connection.execute(f"use {self.schema}")
            return connection.execute(sql).fetchall()

    def change(self, sql: str) -> None:
        """Tampers with the file."""
        with warehouses.opened(self.path) as connection:
            connection.execute(f"use {self.schema}")
            connection.execute(sql)

    def stored(self, name: str) -> dict[str, Counter[tuple[Any, ...]]]:
        """For each parent the rows that the file holds, by what tells them apart."""
        parent = CATALOGUE[name].parent_key
        columns = ", ".join(f'"{each}"' for each in self._telling(name))
        found: dict[str, Counter[tuple[Any, ...]]] = {}
        for key, *row in self.query(f'select "{parent}", {columns} from {name}'):
            found.setdefault(key, Counter())[tuple(row)] += 1
        return found

    def truth(self, name: str) -> dict[str, Counter[tuple[Any, ...]]]:
        """The same as the sandbox holds it."""
        parents = {each[CATALOGUE[name].parent_key or ""] for each in self.parents(name)}
        collection = self._held(name)
        return {
            parent: Counter(
                tuple(self._value(column, row) for column in self._telling(name)) for row in rows
            )
            for parent, rows in collection.items()
            if rows and parent in parents
        }

    def _telling(self, name: str) -> list[str]:
        table = CATALOGUE[name]
        assert table.increments is not None
        own = ["Name"] if name in STATES else []
        more = [each for each in ("URL", "IPAddress", "ListID") if each in table.fields]
        return ["EmailAddress", table.increments.column, *own, *more]

    def _value(self, column: str, row: Row) -> Any:
        value = row.get(column)
        return datetime.fromisoformat(value) if column.endswith("Date") and value else value
