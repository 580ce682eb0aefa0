"""The warehouse resource: the DuckDB file that assets, checks, views and the IO manager share."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
from dagster_duckdb import DuckDBResource

from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.target import Database


class WarehouseResource(WarehouseSettings, DuckDBResource):
    """A DuckDB file, as dagster-duckdb's resource, with the settings of this package.

    The file is open only as long as a connection is needed, and waited for while another process
    has it open.
    """

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
