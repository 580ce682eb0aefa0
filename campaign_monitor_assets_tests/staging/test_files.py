"""What is counted of staged rows."""

from datetime import datetime
from pathlib import Path

import pytest

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.staging.files import StagingWriter

SHORT = 4096


@pytest.mark.parametrize(
    ("appended", "longest"),
    [
        ([], SHORT),
        ([[10, 20]], SHORT),
        ([[SHORT]], SHORT),
        ([[SHORT + 1]], SHORT + 1),
        ([[1, SHORT - 2, 1], [2, SHORT + 5, 3, 9000, 4], [8999, 7]], 9000),
        ([[9000, 9001]], 9001),
        ([[5000] * 3 + [5001] + [4999] * 3, [5002]], 5002),
    ],
)
def test_the_longest_row(tmp_path: Path, appended: list[list[int]], longest: int) -> None:
    """No row is longer than what is told, wherever it stands among others."""
    writer = StagingWriter(CATALOGUE["lists"], tmp_path, datetime(2026, 1, 1), 1)  # noqa: DTZ001
    for sizes in appended:
        writer.append(b"".join(b"x" * size + b"\n" for size in sizes))
    assert writer.finish(requests=1, size=0, seconds=0).longest_row == longest
