"""What the commands of `campaign-monitor` do; the Makefile's targets call them."""

import atexit
import gc
import importlib.util
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.markup import escape

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.cli.doctor.findings import State
from campaign_monitor_assets.cli.home import use_demo_home, use_home
from campaign_monitor_assets.cli.loading import told_in_a_sentence
from campaign_monitor_assets.cli.ui import require_free, serve_ui
from campaign_monitor_assets.errors import ConfigurationError, MissingCredentialsError
from campaign_monitor_assets.orchestration import CONFIG_VARIABLE
from campaign_monitor_assets.warehouse.maintenance import maintain as run_maintenance
from campaign_monitor_assets.warehouse.moving import move as move_into_lake
from campaign_monitor_assets.warehouse.rewrite import rewrite
from campaign_monitor_assets.warehouse.target import Database

if TYPE_CHECKING:
    from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent

DEMO_DATABASE: Final = Path("data/demo.duckdb")
_EVERYTHING: Final = "all"
_CHECK: Final = "check_credentials"
_COLOURS: Final = {
    State.RIGHT: "green",
    State.NOTE: "dim",
    State.WARNING: "yellow",
    State.FAULT: "red",
}


def demo(console: Console, select: str | None = None) -> int:
    """Bring the demo account into DuckDB and leave nothing running."""
    if os.environ.get(CONFIG_VARIABLE):
        console.print("The demo has a configuration of its own; yours is left aside.")
    with _demo_account():
        console.print("The demo account is up: an imitation of the API on this machine.")
        status = _run(_EVERYTHING, select, console)
    if status:
        return status
    console.print(
        f"\nThe tables are in [bold]{DEMO_DATABASE}[/], in the schema campaign_monitor. Look at"
        " them:\n"
        f"  duckdb {DEMO_DATABASE} 'from campaign_monitor.lists'\n"
        f'  {_python()} -c "import duckdb; print(duckdb.connect('
        f"'{DEMO_DATABASE}').sql('from campaign_monitor.lists'))\"\n"
        f"  {_called('dev')}       Dagster's UI on the demo account\n"
        f"  {_called('report')}    an HTML report of it"
    )
    return 0


def cluster_demo(console: Console) -> int:
    """Show runs of two accounts on two workers, one of which is killed."""
    with _loaded_for_good():
        run = import_module("campaign_monitor_assets.cli.cluster.demo").run
    return int(run(console))


def sync(console: Console, select: str | None = None) -> int:
    """Bring the account of CAMPAIGN_MONITOR_API_KEY into DuckDB."""
    _require_credentials()
    _use_home(console)
    return _run(_EVERYTHING, select, console)


def check(console: Console) -> int:
    """Say whether the credentials work and what the first sync will cost."""
    _require_credentials()
    _use_home(console)
    return _run(_CHECK, None, console)


def dev(console: Console, port: int | None = None) -> int:
    """Open Dagster's UI on the account, or on the demo where no key is set."""
    if importlib.util.find_spec("dagster_webserver") is None:
        raise ConfigurationError(
            "Dagster's UI is not installed here. Install it with"
            " `pip install 'campaign_monitor_assets[webserver]'`."
        )
    require_free(port)
    if _has_credentials():
        _use_home(console)
        console.print("Dagster's UI on the [bold]real account[/] of the environment's key.")
        return serve_ui(port)
    variable = _component().api.api_key_variable
    if os.environ.get(CONFIG_VARIABLE):
        _use_home(console)
        console.print(f"[yellow]No {variable} is set: runs will fail until it is.[/]")
        return serve_ui(port)
    with _demo_account():
        console.print(f"No {variable} is set: Dagster's UI on the [bold]demo account[/].")
        return serve_ui(port)


def _use_home(console: Console) -> None:
    use_home(lambda text: console.print(f"[yellow]{escape(text)}[/]"))


def report(console: Console, target: Path) -> int:
    """Write an HTML report of what is in DuckDB."""
    component = _component_with_data()
    write_report = import_module("campaign_monitor_assets.report").write_report
    written = write_report(component.warehouse, component.schema_of_tables, target, console.print)
    console.print(f"The report is in [bold]{written}[/]; any browser opens it.")
    return 0


def maintain(console: Console) -> int:
    """Keep a DuckLake small: remove what nothing needs, put small files together."""
    settings = _component_with_data().warehouse
    keep = timedelta(days=settings.keep_snapshots_days)
    console.print(run_maintenance(Database.of(settings), keep=keep, warn=console.print).note)
    return 0


def move(console: Console, source: Path) -> int:
    """Move a DuckDB file into the DuckLake of the configuration."""
    settings = _component_with_data().warehouse
    lake = Database.of(settings)
    file = Database.of(settings.model_copy(update={"database": str(source)}))
    moved = move_into_lake(file, lake, console.print)
    for table, rows in moved.rows.items():
        console.print(f"{table}: {rows:,} rows")
    console.print(f"[bold]{escape(lake.label)}[/]: {moved.note}")
    return 0


def compact(console: Console) -> int:
    """Write the DuckDB file anew, without the room of what was deleted."""
    database = Database.of(_component_with_data().warehouse)
    before = database.path.stat().st_size if database.path.exists() else 0
    rewrite(database, console.print)
    after = database.path.stat().st_size
    console.print(
        f"[bold]{database.path}[/] takes {after / 1e6:,.1f} MB now; it took {before / 1e6:,.1f} MB."
    )
    return 0


def forget(console: Console) -> int:
    """Remove a person from all that is stored; asks for the e-mail address."""
    address = os.environ.get("EMAIL") or _asked("E-mail address to forget: ")
    component = _loaded().component
    warehouse = component.warehouse_resource()
    console.print(f"Forgetting a person in the {warehouse.target.label}.", markup=False)
    for line in warehouse.forget(component.schema_of_tables, [address], console.print):
        console.print(line, markup=False)
    return 0


def doctor(console: Console) -> int:
    """Say what is right and wrong with the setup, and what to do about it."""
    counted: Counter[State] = Counter()
    with _loaded_for_good():
        examined = import_module("campaign_monitor_assets.cli.doctor.examination").examined
    for heading, findings in examined():
        console.print(f"[bold]{heading}[/]")
        for finding in findings:
            counted[finding.state] += 1
            text = f"{finding.text} What to do: {finding.todo}" if finding.todo else finding.text
            console.print(f"  [{_COLOURS[finding.state]}]{finding.state}[/] {escape(text)}")
    faults, warnings = counted[State.FAULT], counted[State.WARNING]
    told = f"Faults: {faults}, warnings: {warnings}." if faults or warnings else "All is well."
    console.print(f"\n{told}")
    return int(faults > 0)


def _asked(question: str) -> str:
    """What a person types, or what is piped in: neither stands in a list of processes."""
    if sys.stdin.isatty():
        return input(question)
    return sys.stdin.readline()


def _run(job: str, selection: str | None, console: Console) -> int:
    with _loaded_for_good():
        loaded = _loaded()
        run_job = import_module("campaign_monitor_assets.cli.terminal").run_job
    return int(run_job(loaded.defs, f"{loaded.component.name}_{job}", selection, console))


def _loaded() -> ModuleType:
    """The definitions; they read the environment as they load, and Dagster takes seconds to."""
    with told_in_a_sentence():
        return import_module("campaign_monitor_assets.definitions")


def _component_with_data() -> "CampaignMonitorComponent":
    """The component with the account's file, or the demo's where there are no credentials."""
    if not (_has_credentials() or os.environ.get(CONFIG_VARIABLE)):
        os.environ.setdefault("CAMPAIGN_MONITOR_DUCKDB", str(DEMO_DATABASE))
    component: CampaignMonitorComponent = _loaded().component
    return component


def _component() -> "CampaignMonitorComponent":
    """The component as the YAML file configures it, without what the environment changes."""
    with _loaded_for_good(), told_in_a_sentence():
        load = import_module("campaign_monitor_assets.orchestration.project").load_component
        component: CampaignMonitorComponent = load()
    return component


@contextmanager
def _loaded_for_good() -> Iterator[None]:
    """What is loaded meanwhile is no garbage; to look for some took a tenth of a short run."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        # As the process ends all goes, as ever: DuckDB calls on standard error what doesn't a leak.
        atexit.register(gc.unfreeze)


def _python() -> str:
    """The interpreter as it is called from the present folder."""
    return min(os.path.relpath(sys.executable), sys.executable, key=len)


def _called(command: str) -> str:
    """A command as whoever called this one calls it."""
    # Make sets the variable for what it starts.
    return f"{'make' if os.environ.get('MAKELEVEL') else 'campaign-monitor'} {command}"


@contextmanager
def _demo_account() -> Iterator[None]:
    """Serves the demo account; the definitions' and Dagster's environment leads to it."""
    os.environ.pop(CONFIG_VARIABLE, None)
    use_demo_home()
    with sandbox.start() as account:
        api = _component().api
        os.environ[api.api_key_variable] = account.key
        os.environ[api.base_url_variable] = account.url
        os.environ["CAMPAIGN_MONITOR_DUCKDB"] = str(DEMO_DATABASE.absolute())
        os.environ.pop("CAMPAIGN_MONITOR_CLIENT_ID", None)
        yield


def _has_credentials() -> bool:
    api = _component().api
    names = (api.api_key_variable, api.access_token_variable)
    return any(os.environ.get(name) for name in names)


def _require_credentials() -> None:
    if not _has_credentials():
        api = _component().api
        raise MissingCredentialsError(api.api_key_variable, api.access_token_variable)
