"""Where a snapshot's tables stand, as names that SQL takes."""

from dataclasses import dataclass

import duckdb

from campaign_monitor_assets.warehouse.quoting import identifier, literal

TRIAL_SUFFIX = "_trial"
"""What a trial's schema is called after the schema of the full snapshots."""


@dataclass(frozen=True)
class TableName:
    """A table of a schema.

    Attributes:
        schema: The schema's name, as the user wrote it.
        table: The table's name.
    """

    schema: str
    table: str

    def __str__(self) -> str:
        """As people write it, such as `campaign_monitor.lists`."""
        return f"{self.schema}.{self.table}"

    @property
    def quoted(self) -> str:
        """As SQL takes it."""
        return identifier(self.schema, self.table)

    def beside(self, table: str) -> "TableName":
        """Another table of the same schema."""
        return TableName(self.schema, table)

    @property
    def of_trial(self) -> "TableName":
        """Where a trial of the table goes."""
        return TableName(f"{self.schema}{TRIAL_SUFFIX}", self.table)


def tables_there(
    connection: duckdb.DuckDBPyConnection, catalog: str | None = None
) -> list[TableName]:
    """The tables of a catalog in order, without temporary ones; None: of the warehouse."""
    found = connection.execute(
        "select schema_name, table_name from duckdb_tables() where not internal and not temporary"
        f" and database_name = coalesce({literal(catalog)}, current_database()) order by all"
    ).fetchall()
    return [TableName(schema, table) for schema, table in found]


def schemas_with(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """The schemas of the warehouse that have such a table, in order."""
    return [name.schema for name in tables_there(connection) if name.table == table]
