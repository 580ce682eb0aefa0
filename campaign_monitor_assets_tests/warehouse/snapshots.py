"""Snapshots published without Dagster and HTTP, for tests of what becomes of their rows."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.staging.files import StagingWriter
from campaign_monitor_assets.staging.folder import staging_folder
from campaign_monitor_assets.staging.records import CollectionRead, Staged
from campaign_monitor_assets.warehouse.maintenance import purge
from campaign_monitor_assets.warehouse.names import TableName
from campaign_monitor_assets.warehouse.publish import (
    Published,
    Superseded,
    publish,
    publish_trial,
)
from campaign_monitor_assets.warehouse.rewrite import rewrite
from campaign_monitor_assets.warehouse.settings import PublishSettings, WarehouseSettings
from campaign_monitor_assets.warehouse.state import begin_reading
from campaign_monitor_assets.warehouse.target import Database
from campaign_monitor_assets_tests import warehouses

SCHEMA = "account"
FIRST = datetime(2026, 1, 1, 6)  # noqa: DTZ001 (times in DuckDB are UTC without a zone)

Row = Mapping[str, Any]


@dataclass
class Warehouse:
    """A DuckDB file into which snapshots are published, a day apart where no time is said."""

    path: Path
    table: str = "active_subscribers"
    settings: PublishSettings = field(default_factory=PublishSettings)
    days: Iterable[int] = field(default_factory=itertools.count)
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further settings of the warehouse."""

    @property
    def database(self) -> Database:
        return Database.of(WarehouseSettings(**{**warehouses.settings(self.path), **self.more}))

    def begin(self) -> int:
        return begin_reading(self.database, SCHEMA)

    def publish(
        self,
        rows: Mapping[str, Sequence[Row]],
        *,
        reading: int | None = None,
        at: datetime | None = None,
        kept: Sequence[str] = (),
        forced: bool = False,
        **figures: Any,
    ) -> Published | Superseded:
        """Publishes the rows of each parent; a row's unknown fields are extras."""
        with self._staged(rows, reading, at, kept, figures) as staged:
            return self.database.write(
                lambda connection: publish(
                    connection,
                    staged,
                    self._name,
                    run_id=f"run {staged.reading}",
                    settings=self.settings,
                    forced=forced,
                )
            )

    def publish_trial(
        self, rows: Mapping[str, Sequence[Row]], *, reading: int | None = None
    ) -> Published | Superseded:
        """Publishes the rows of each parent as those of a trial."""
        with self._staged(rows, reading, None, (), {}) as staged:
            return self.database.write(
                lambda connection: publish_trial(
                    connection,
                    staged,
                    self._name,
                    run_id="run",
                    privacy=self.settings.privacy,
                )
            )

    @property
    def _name(self) -> TableName:
        return TableName(SCHEMA, self.table)

    @contextmanager
    def _staged(
        self,
        rows: Mapping[str, Sequence[Row]],
        reading: int | None,
        at: datetime | None,
        kept: Sequence[str],
        figures: Mapping[str, Any],
    ) -> Iterator[Staged]:
        reading = self.begin() if reading is None else reading
        at = at or FIRST + timedelta(days=next(iter(self.days)))
        entry = CATALOGUE[self.table]
        with staging_folder(self.database.staging_root) as folder:
            writer = StagingWriter(entry, folder, at, reading, kept=tuple(kept))
            for number, (parent, found) in enumerate(rows.items(), start=1):
                extras = {key for row in found for key in row} - set(entry.fields)
                lines = [
                    {
                        "read": number,
                        "row": {key: row.get(key) for key in entry.fields},
                        "extra": {key: row[key] for key in extras if key in row},
                    }
                    for row in found
                ]
                writer.append(msgspec.json.Encoder().encode_lines(lines), extras)
                keys = dict.fromkeys(entry.inherits, parent)
                writer.accept(CollectionRead(number, keys, len(found), len(found), **figures))
            yield writer.finish(requests=1, size=1, seconds=1)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with warehouses.opened(self.path) as connection:
            connection.execute(f"use {SCHEMA}")
            return connection.execute(sql).fetchall()

    def clean(self) -> None:
        """Makes what was removed unreadable, as a run does."""
        (rewrite if self.database.is_file else purge)(self.database)

    def retype(self, table: str, column: str, type_: str) -> None:
        """Gives a column any other type, which a lake does only in this way."""
        self.query(f"alter table {table} add column other {type_}")
        self.query(f"update {table} set other = {column}")
        self.query(f"alter table {table} drop column {column}")
        self.query(f"alter table {table} rename column other to {column}")


def person(address: str, **fields: Any) -> dict[str, Any]:
    return {"EmailAddress": address, "Name": "", "State": "Active", **fields}


def opened(address: str, at: str = "2026-01-01 08:00:00") -> dict[str, Any]:
    return {"EmailAddress": address, "ListID": "l", "Date": at, "IPAddress": "192.0.2.1"}
