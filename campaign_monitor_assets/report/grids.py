"""What the report's tables have in common."""

from collections.abc import Sequence

from campaign_monitor_assets.report.model import Cell, Grid


def without_lone_client(
    heads: Sequence[str], rows: Sequence[Sequence[Cell]], remark: str = ""
) -> Grid | None:
    """A table whose second column names the client, which goes without saying where it is one.

    None where there are no rows.
    """
    if not rows:
        return None
    if len({row[1] for row in rows}) > 1:
        return Grid(heads, rows, remark=remark)
    return Grid([heads[0], *heads[2:]], [[row[0], *row[2:]] for row in rows], remark=remark)
