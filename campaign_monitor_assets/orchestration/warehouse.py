"""The warehouse resource: the DuckDB file that assets, checks, views and the IO manager share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import duckdb
from dagster_duckdb import DuckDBResource
from pydantic import PrivateAttr

from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.target import Database


class WarehouseResource(WarehouseSettings, DuckDBResource):
    """A DuckDB file, as dagster-duckdb's resource, with the settings of this package.

    The file is open only as long as a connection is needed, and waited for while another process
    has it open.
    """

    _has_written: bool = PrivateAttr(default=False)

    def note_written(self) -> None:
        """Notes that something was committed, so that a copy is due at the end of the run."""
        self._has_written = True

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Publishes the copy when a run ends, or a step that runs in a process of its own."""
        if self.publish_copy is None or not self._has_written:
            return
        warn = context.log.warning if context.log else print
        try:
            self.target.publish_copy(Path(self.publish_copy).expanduser().absolute(), warn)
        except DatabaseError as error:
            # The tables arrived all the same.
            warn(str(error))

    @property
    def target(self) -> Database:
        """The DuckDB file with its settings."""
        return Database.of(self)

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection in one transaction: committed at the end, undone at an exception.

        Raises:
            DatabaseError: The file can't be opened, or another process has it for too long.
        """
        with self.target.connect() as connection:
            yield connection
