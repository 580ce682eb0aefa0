"""A run in a process of its own, for tests that kill it, starve it or start two at once."""

import json
import resource
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.project import Project, failures


def launch(
    project: Project, *tables: str, largest_file: int | None = None
) -> "subprocess.Popen[str]":
    """Starts a run; its first line of output says that it begins, the second what failed.

    Args:
        project: What to run.
        tables: What to materialize.
        largest_file: Bytes beyond which no file can be written, as on a full disk.
    """
    said = {
        "url": project.box.url,
        "key": project.box.key,
        "path": str(project.path),
        "api": dict(project.api),
        "store": dict(project.store),
        # To define all tables takes longer than to read some; what is said of others needs them.
        "component": {**project.component} or {"tables": _with_parents(tables)},
        "tables": tables,
        "largest_file": largest_file,
    }
    return subprocess.Popen(
        [sys.executable, "-m", __name__, json.dumps(said)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[1],
        text=True,
    )


def _with_parents(tables: Iterable[str]) -> list[str]:
    found = set()
    for table in tables:
        name: str | None = table
        while name:
            found.add(name)
            name = CATALOGUE[name].parent
    return sorted(found)


def finish(process: "subprocess.Popen[str]") -> dict[str, str]:
    """Waits for the end of a run and tells what failed."""
    output, _ = process.communicate(timeout=120)
    lines = output.splitlines()
    assert process.returncode == 0, lines
    found: dict[str, str] = json.loads(lines[-1])
    return found


def main() -> None:
    said: dict[str, Any] = json.loads(sys.argv[1])
    box = Sandbox(said["url"], said["key"], cast("Any", None))
    project = Project(box, Path(said["path"]), said["api"], said["store"], said["component"])
    if said["largest_file"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (said["largest_file"],) * 2)
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    sys.stdout.write(json.dumps(failures(project.materialize(*said["tables"]))))


if __name__ == "__main__":
    main()
