"""What the commands behind the Makefile's targets do, from `make demo` to `make forget`."""

import argparse
import atexit
import gc
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.cli.home import use_demo_home, use_home
from campaign_monitor_assets.errors import ConfigurationError, MissingCredentialsError
from campaign_monitor_assets.warehouse.rewrite import rewrite
from campaign_monitor_assets.warehouse.target import Database

if TYPE_CHECKING:
    from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent

DEMO_DATABASE: Final = Path("data/demo.duckdb")
_WORKSPACE: Final = Path(__file__).with_name("workspace.yaml")
_EVERYTHING: Final = "all"
_CHECK: Final = "check_credentials"


def _demo(options: argparse.Namespace, console: Console) -> int:
    with _demo_account():
        console.print("The demo account is up: an imitation of the API on this machine.")
        status = _run(_EVERYTHING, options.select, console)
    if status:
        return status
    console.print(
        f"\nThe tables are in [bold]{DEMO_DATABASE}[/], in the schema campaign_monitor. Look at"
        " them:\n"
        f"  duckdb {DEMO_DATABASE} 'from campaign_monitor.lists'\n"
        f'  {_python()} -c "import duckdb; print(duckdb.connect('
        f"'{DEMO_DATABASE}').sql('from campaign_monitor.lists'))\"\n"
        "  make dev       Dagster's UI on the demo account\n"
        "  make report    an HTML report of it"
    )
    return 0


def _sync(options: argparse.Namespace, console: Console) -> int:
    _require_credentials()
    use_home()
    return _run(_EVERYTHING, options.select, console)


def _check(_: argparse.Namespace, console: Console) -> int:
    _require_credentials()
    use_home()
    return _run(_CHECK, None, console)


def _dev(options: argparse.Namespace, console: Console) -> int:
    if importlib.util.find_spec("dagster_webserver") is None:
        raise ConfigurationError(
            "Dagster's UI is not installed here. Install it with"
            " `pip install 'campaign_monitor_assets[webserver]'`."
        )
    if _has_credentials():
        use_home()
        console.print("Dagster's UI on the [bold]real account[/] of the environment's key.")
        return _serve_ui(options.port)
    with _demo_account():
        console.print(
            "No CAMPAIGN_MONITOR_API_KEY is set: Dagster's UI on the [bold]demo account[/]."
        )
        return _serve_ui(options.port)


def _serve_ui(port: int | None) -> int:
    """Runs Dagster's UI until it is stopped, and lets it stop its own processes."""
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(_WORKSPACE)]
    if port is not None:
        command += ["-p", str(port)]
    # A shell that starts this in the background lets it ignore Ctrl-C, and what it starts too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command)  # noqa: S603 (our own arguments)
    # Ctrl-C reaches the whole group: what is left to do here is to wait for the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    return process.wait()


def _report(options: argparse.Namespace, console: Console) -> int:
    component = _component_with_data()
    write_report = import_module("campaign_monitor_assets.report").write_report
    written = write_report(
        Path(component.warehouse.database),
        component.schema_of_tables,
        options.target,
        console.print,
    )
    console.print(f"The report is in [bold]{written}[/]; any browser opens it.")
    return 0


def _compact(_: argparse.Namespace, console: Console) -> int:
    database = Database.of(_component_with_data().warehouse)
    before = database.path.stat().st_size if database.path.exists() else 0
    rewrite(database, console.print)
    after = database.path.stat().st_size
    console.print(
        f"[bold]{database.path}[/] takes {after / 1e6:,.1f} MB now; it took {before / 1e6:,.1f} MB."
    )
    return 0


def _forget(_: argparse.Namespace, console: Console) -> int:
    address = os.environ.get("EMAIL") or _asked("E-mail address to forget: ")
    component = import_module("campaign_monitor_assets.definitions").component
    warehouse = component.warehouse_resource()
    console.print(f"Forgetting a person in {warehouse.target.path}.", markup=False)
    for line in warehouse.forget(component.schema_of_tables, [address], console.print):
        console.print(line, markup=False)
    return 0


def _asked(question: str) -> str:
    """What a person types, or what is piped in: neither stands in a list of processes."""
    if sys.stdin.isatty():
        return input(question)
    return sys.stdin.readline()


COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace, Console], int]]] = {
    "demo": _demo,
    "sync": _sync,
    "check": _check,
    "dev": _dev,
    "report": _report,
    "compact": _compact,
    "forget": _forget,
}
"""For each command what it does; each returns the exit status."""


def _run(job: str, selection: str | None, console: Console) -> int:
    # Dagster takes seconds to import, and the definitions read the environment as they load.
    with _loaded_for_good():
        loaded = import_module("campaign_monitor_assets.definitions")
        run_job = import_module("campaign_monitor_assets.cli.terminal").run_job
    return int(run_job(loaded.defs, f"{loaded.component.name}_{job}", selection, console))


def _component_with_data() -> "CampaignMonitorComponent":
    """The component with the account's file, or the demo's where there are no credentials."""
    if not _has_credentials():
        os.environ.setdefault("CAMPAIGN_MONITOR_DUCKDB", str(DEMO_DATABASE))
    component: CampaignMonitorComponent = import_module(
        "campaign_monitor_assets.definitions"
    ).component
    return component


def _component() -> "CampaignMonitorComponent":
    """The component as the YAML file configures it, without what the environment changes."""
    with _loaded_for_good():
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
    return os.path.relpath(sys.executable)


@contextmanager
def _demo_account() -> Iterator[None]:
    """Serves the demo account; the definitions' and Dagster's environment leads to it."""
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
