"""What a DuckLake notes of itself, for every program that writes it."""

from collections.abc import Callable
from typing import Final, TypeVar

import duckdb
import tenacity

from campaign_monitor_assets.warehouse.instance import CATALOG, Instance
from campaign_monitor_assets.warehouse.memory import ROW_GROUP_ROWS, VECTOR_ROWS
from campaign_monitor_assets.warehouse.quoting import identifier, literal, row_of

Connection = duckdb.DuckDBPyConnection
T = TypeVar("T")

_INLINING: Final = "data_inlining_row_limit"
_FILES: Final = "target_file_size"
_ROW_GROUPS: Final = "parquet_row_group_size"
_FILE: Final = "32MB"
"""How long a file becomes. For each row that goes from one DuckLake takes 48 bytes that
`memory_limit` doesn't count, until it is through with the file: 240 MB for five million rows."""
_MOST_CONFLICTS: Final = 20


def note_options(connection: Connection) -> None:
    """Notes that no rows go into the catalogue's own tables, and how long a file may become.

    What somebody else has noted stays.
    """

    def note() -> None:
        for option, value in ((_INLINING, 0), (_FILES, _FILE)):
            if _noted(connection, option) is None:
                _note(connection, option, value)

    beside_others(note)


def noted_row_groups(connection: Connection) -> int:
    """How many rows of a Parquet file stand in one row group, which is compressed as a whole."""
    noted = _noted(connection, _ROW_GROUPS)
    return ROW_GROUP_ROWS if noted is None else noted


def fit_row_groups(instance: Instance, rows: int) -> None:
    """Makes row groups so small that memory suffices, for the whole lake and for good.

    DuckLake has no such option for a table that a transaction makes, and one in bytes would keep
    out writers that preserve the order of rows, as DuckDB does by default.

    Args:
        instance: Where the lake is attached to be written.
        rows: How many rows of those that are about to be written may stand in one.

    Raises:
        duckdb.Error: It can't be noted.
    """
    if rows >= instance.row_group_rows:
        return
    # Half as many at a time, so that a little wider rows are no reason to note it again.
    fitting = VECTOR_ROWS
    while 2 * fitting <= rows:
        fitting *= 2

    def note() -> int:
        # An instance takes up what others note only as it attaches the lake.
        smallest = min(fitting, noted_row_groups(instance.connection))
        _note(instance.connection, _ROW_GROUPS, smallest)
        return smallest

    instance.row_group_rows = beside_others(note)


def beside_others(work: Callable[[], T]) -> T:
    """Makes the lake or notes something of it, again where another process was first.

    DuckLake itself tries only its transactions again.

    Raises:
        duckdb.Error: It can't be done, or others were first each time.
    """
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_was_second),
        stop=tenacity.stop_after_attempt(_MOST_CONFLICTS),
        wait=tenacity.wait_random_exponential(multiplier=0.05, max=1),
        reraise=True,
    )
    return retrying(work)


def _was_second(error: BaseException) -> bool:
    said = str(error)
    return isinstance(error, duckdb.Error) and (
        "could not serialize" in said
        # PostgreSQL's word for a table that another one is just making, whatever its language.
        or ("Failed to initialize DuckLake" in said and "pg_type_typname_nsp_index" in said)
    )


def _noted(connection: Connection, option: str) -> int | None:
    # Two who note something first leave two lines.
    [value] = row_of(
        connection,
        f"select max(value::bigint) from ducklake_options({literal(CATALOG)})"
        f" where option_name = {literal(option)} and scope = 'GLOBAL'",
    )
    return None if value is None else int(value)


def _note(connection: Connection, option: str, value: int | str) -> None:
    connection.execute(
        f"call {identifier(CATALOG)}.set_option({literal(option)}, {literal(value)})"
    )
