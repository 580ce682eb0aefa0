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
_ROW_GROUPS: Final = "parquet_row_group_size"
_MOST_CONFLICTS: Final = 20


def note_inlining(connection: Connection) -> None:
    """Notes that no rows go into the catalogue's own tables."""

    def note() -> None:
        if _noted(connection, _INLINING) is None:
            _note(connection, _INLINING, 0)

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


def _note(connection: Connection, option: str, value: int) -> None:
    connection.execute(f"call {identifier(CATALOG)}.set_option({literal(option)}, {value})")
