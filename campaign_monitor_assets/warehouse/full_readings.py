"""The check of how long ago an incrementally read table was read in full."""

from datetime import UTC, datetime

from campaign_monitor_assets.warehouse.bookkeeping import SYNC_LOG_PARENTS
from campaign_monitor_assets.warehouse.checks import MOST_NAMED, Check, Finding, Subject, Worst
from campaign_monitor_assets.warehouse.quoting import columns_there, literal


def check_full_readings(days: float) -> Check:
    """The check of an incrementally read table's full readings.

    Args:
        days: Within how many days each collection is to be read in full.
    """
    return Check(
        "fully_read_recently",
        f"Every collection was read in full in the last {2 * days:g} days: what incremental reading"
        " can't see stays no longer.",
        lambda subject: fully_read_recently(subject, days),
    )


def fully_read_recently(subject: Subject, days: float) -> Finding:
    """How long ago the collections of the last snapshot were read in full."""
    log = subject.log_of_parents
    now = datetime.now(UTC).replace(tzinfo=None)
    columns = columns_there(subject.connection, subject.relation(SYNC_LOG_PARENTS))
    if "full_at" not in columns:
        return Finding(
            passed=False,
            is_error=False,
            description="An earlier version wrote the log, which tells no full reading yet:"
            " materialize the table.",
        )
    # What a window keeps is not read again, in full or otherwise.
    ages = subject.connection.execute(
        f"select parent, epoch({literal(now)} - full_at) / 86400 from {log}"
        f" where full_at is not null and synced_at = (select max(synced_at) from {log})"
        " order by full_at"
    ).fetchall()
    late = [(parent, round(age, 1)) for parent, age in ages if age > 2 * days]
    oldest = ages[0][1] if ages else 0.0
    heads = (subject.table.parent_key or "table", "days")
    return Finding(
        passed=not late,
        is_error=False,
        description=f"The oldest full reading is {oldest:.1f} days old; {len(late)} collections"
        f" were last read in full more than {2 * days:g} days ago.",
        figures={"oldest_full_reading_days": round(oldest, 2), "collections_overdue": len(late)},
        worst=Worst(heads, late[:MOST_NAMED]) if late else None,
    )
