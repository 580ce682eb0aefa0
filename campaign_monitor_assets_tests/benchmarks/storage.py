"""What the oldest storage format and the readers' copy cost, as ratios of one run.

`python -m campaign_monitor_assets_tests.benchmarks.storage [rows]` loads the same subscribers
into a file of the oldest format and one of the latest, several times in turn, and copies the file.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from campaign_monitor_assets.warehouse.copy import publish_copy
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.warehouse.target import Database

ROUNDS = 5
ROWS = """
create or replace table subscribers as select
    md5(n::varchar) || '@example.com' as EmailAddress, 'Person ' || n as Name,
    timestamp '2020-01-01' + to_minutes(n) as Date, 'Active' as State,
    [{'Key': '[City]', 'Value': md5((n % 1000)::varchar)}] as CustomFields
from range($rows) numbers(n)
"""


def timed(work: Callable[[], object]) -> float:
    """Seconds that the work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def load(path: Path, version: str, rows: int) -> Database:
    """A file of that storage version with the rows."""
    database = Database.of(WarehouseSettings(database=str(path), storage_version=version))
    database.write(lambda connection: connection.execute(ROWS, {"rows": rows}))
    return database


def main() -> None:
    """Measures, and prints the medians of the ratios."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    times, copies, sizes = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            old, new = Path(folder) / f"old{number}.duckdb", Path(folder) / f"new{number}.duckdb"
            oldest = timed(lambda path=old: load(path, "v1.0.0", rows))  # type: ignore[misc]
            latest = timed(lambda path=new: load(path, "latest", rows))  # type: ignore[misc]
            times.append(oldest / latest)
            sizes.append(old.stat().st_size / new.stat().st_size)
            database = Database.of(WarehouseSettings(database=str(old)))
            copy = Path(folder) / "copy.duckdb"
            copies.append(timed(lambda db=database, to=copy: publish_copy(db, to)) / oldest)  # type: ignore[misc]
            old.unlink()
            new.unlink()
    print(f"{rows} rows, median of {ROUNDS} rounds")
    print(f"oldest format against the latest: time {statistics.median(times):.2f} ×")
    print(f"oldest format against the latest: size {statistics.median(sizes):.2f} ×")
    print(f"publishing a copy against loading: {statistics.median(copies):.2f} ×")


if __name__ == "__main__":
    main()
