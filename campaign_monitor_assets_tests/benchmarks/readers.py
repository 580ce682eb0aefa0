"""The readers that are compared: each a program in an environment of its own."""

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from campaign_monitor_assets_tests.project import THE_ELEVEN

PROGRAMS = Path(__file__).with_name("programs")
ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "benchmarks"
PAGES = ROOT / "docs" / "benchmarks"


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A program that brings tables of an account into a DuckDB file.

    Attributes:
        name: What the reader is called on the command line.
        title: What it is called in the results.
        program: Its file, or the name of a module.
        arguments: What follows it on the command line.
        requirements: What is installed for it; empty: it runs where the benchmark runs.
        columns: List, address, date and custom fields in its table of active subscribers, in SQL,
            so that they compare as text; None: it brings no rows.
        most_repeats: How often it is run at the most; the median counts.
    """

    name: str
    title: str
    program: Path | str
    arguments: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    columns: str | None = None
    most_repeats: int = 1

    @property
    def command(self) -> tuple[str, ...]:
        """What follows the interpreter on the command line."""
        is_module = isinstance(self.program, str)
        return (*(["-m"] if is_module else []), str(self.program), *self.arguments)

    @property
    def python(self) -> str:
        """The Python that has what is required; programs of the same name share it."""
        return interpreter(Path(self.program).stem, self.requirements)


_FIELDS = "list_sort([field.Key || '=' || field.Value for field in {}])"
_AS_SENT = f"ListID, EmailAddress, Date, {_FIELDS.format('CustomFields')}"
_DLT_FIELDS = """from_json(custom_fields, '[{"Key": "VARCHAR", "Value": "VARCHAR"}]')"""

EMPTY = Reader(
    name="empty",
    title="a Dagster run of one asset that does nothing",
    program=PROGRAMS / "empty.py",
    most_repeats=5,
)
OURS = Reader(
    name="ours",
    title="this project",
    program=PROGRAMS / "ours.py",
    columns=f"ListID, EmailAddress, Date::varchar, {_FIELDS.format('CustomFields')}",
    most_repeats=5,
)
UNCHECKED = replace(
    OURS,
    name="unchecked",
    title="this project without its checks",
    arguments=("--without-checks",),
)
PEERS = (
    Reader(
        name="dlt",
        title="dlt rest_api, tuned",
        program=PROGRAMS / "dlt_rest_api.py",
        requirements=("dlt[duckdb,parquet]==1.31.0",),
        columns="_lists_list_id, email_address, make_timestamp(epoch_us(date))::varchar,"
        f" {_FIELDS.format(_DLT_FIELDS)}",
    ),
    Reader(
        name="pandas",
        title="requests + pandas + stock IO manager in Dagster",
        program=PROGRAMS / "pandas_in_dagster.py",
        requirements=("dagster", "dagster-duckdb-pandas", "pandas", "requests"),
        columns=_AS_SENT,
    ),
    Reader(
        name="sdk",
        title="the vendor's SDK in a loop",
        program=PROGRAMS / "vendor_sdk.py",
        requirements=("createsend", "duckdb", "pandas"),
        columns=_AS_SENT,
    ),
)

ELEVEN = replace(
    OURS,
    name="eleven",
    title="this project: `sync`, the eleven tables, all checks",
    program="campaign_monitor_assets.cli",
    arguments=(
        *("sync", "--select"),
        " or ".join(f'key:"campaign_monitor/{name}"' for name in sorted(THE_ELEVEN)),
    ),
)
EVERYTHING = replace(
    ELEVEN,
    name="everything",
    title="this project: `sync`, all fourteen tables, views and checks",
    arguments=("sync",),
)
DLT_ELEVEN = replace(
    PEERS[0],
    name="dlt-eleven",
    title="dlt rest_api, tuned, the eleven tables",
    arguments=("--eleven",),
    most_repeats=3,
)
READERS = {
    reader.name: reader
    for reader in (EMPTY, OURS, UNCHECKED, *PEERS, ELEVEN, EVERYTHING, DLT_ELEVEN)
}


def interpreter(name: str, requirements: tuple[str, ...]) -> str:
    """The Python that has what is required, made and kept below `build` where it is missing."""
    if not requirements:
        return sys.executable
    folder = BUILD / "environments" / name
    python, ready = folder / "bin" / "python", folder / "ready.txt"
    wanted = "\n".join([sys.version, *requirements])
    if not ready.exists() or ready.read_text() != wanted:
        print(f"Installing {', '.join(requirements)} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        # The versions that this project is developed with, wherever a reader uses the same library.
        limits = ROOT / "constraints.txt"
        options = ("--quiet", "--disable-pip-version-check", "--constraint", str(limits))
        subprocess.run([python, "-m", "pip", "install", *options, *requirements], check=True)
        ready.write_text(wanted)
    return str(python)
