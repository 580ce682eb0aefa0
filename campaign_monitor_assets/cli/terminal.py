"""A Dagster run seen from a terminal: its progress, and a table of what arrived."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import dagster as dg
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from campaign_monitor_assets.cli.history import quick_history
from campaign_monitor_assets.cli.instance import opened_instance
from campaign_monitor_assets.cli.interrupts import Shield
from campaign_monitor_assets.cli.origin import RUN_TAGS, record_origin
from campaign_monitor_assets.cli.selection import selected
from campaign_monitor_assets.cli.waiting import Waiting, is_blocked
from campaign_monitor_assets.errors import CampaignMonitorError
from campaign_monitor_assets.orchestration.failing import ERROR
from campaign_monitor_assets.orchestration.lost_runs import end_lost_runs, marked_alive
from campaign_monitor_assets.staging.records import Reason

_WRAPPERS: Final = ("Dagster", "RetryRequested")
"""What the names of errors begin with that only wrap the cause."""
_STOPPED: Final = "The run was stopped; tables that were not read yet are as they were."
_INTERRUPTED: Final = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")

_REASONS: Final = {
    Reason.FIRST: "for the first time",
    Reason.ASKED: "as asked",
    Reason.SMALL: "because small",
    Reason.DUE: "because due",
    Reason.SPELLINGS: "since addresses have the same hash",
    Reason.UNPROVED: "because the proof failed",
}
"""Why a collection was read in full."""

_CHANGES: Final = {"inserted": "+", "updated": "~", "deleted": "-"}
"""How the closing table marks the rows that came, changed and went."""


@dataclass
class _Arrived:
    """What became of one table."""

    figures: Mapping[str, Any] = field(default_factory=dict)
    checks: int = 0
    failed: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)


def run_job(definitions: dg.Definitions, job: str, selection: str | None, console: Console) -> int:
    """Executes a job in this process and prints how it goes.

    Args:
        definitions: Where the job is.
        job: Its name.
        selection: The assets of it to materialize, in Dagster's syntax; None: all it has.
        console: Where to print.

    Returns:
        The exit status: 1 where a step or a check failed.
    """
    chosen = None if selection is None else selected(definitions, selection)
    run_id = str(uuid4())
    with quick_history(), opened_instance() as instance, Shield() as shield:
        seen = _Seen(console, shield)
        end_lost_runs(instance, lambda text: console.print(f"[yellow]{escape(text)}[/]"))
        instance.add_event_listener(run_id, seen.note)
        record_origin(instance, job)
        with marked_alive(instance, run_id):
            result = definitions.resolve_job_def(job).execute_in_process(
                instance=instance,
                run_id=run_id,
                tags=RUN_TAGS,
                # What the run logs is printed from its events, and in full in Dagster's UI.
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                asset_selection=chosen,
                raise_on_error=False,
            )
    seen.conclude()
    if not (result.success or seen.failed):
        console.print(_STOPPED)
    return int(seen.failed or not result.success)


class _Seen:
    """Prints a run's events as they come, and remembers what the closing table needs."""

    def __init__(self, console: Console, shield: Shield) -> None:
        self._console = console
        self._shield = shield
        self._tables: dict[str, _Arrived] = {}
        self._errors: dict[str, str] = {}
        self._waiting = Waiting()
        self.failed = False

    def note(self, entry: dg.EventLogEntry) -> None:
        """Takes one event of the run."""
        event = entry.dagster_event
        if event is not None:
            self._shield.note(event)
            self._waiting.note(event)
        if event is None and entry.user_message.startswith("Dependencies for step"):
            # Every table below a failed one would say so, and bury what failed.
            return
        if event is None:
            colour = "yellow" if int(entry.level) >= logging.WARNING else "dim"
            self._console.print(f"  [{colour}]{escape(entry.user_message)}[/]")
        elif event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
            self._note_materialization(event)
        elif event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY:
            self._note_retry(event)
        elif is_blocked(event):
            self._console.print(
                f"[yellow]{event.step_key} waits for another run that reads this account."
                " Ctrl-C ends the waiting.[/]"
            )
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            self._note_check(event)
        elif event.is_step_failure:
            self.failed = True
            self._errors[str(event.step_key)] = _failed(event)
            self._print_error(str(event.step_key))

    def _note_retry(self, event: dg.DagsterEvent) -> None:
        seconds = event.step_retry_data.seconds_to_wait or 0
        said = _said(event, event.step_retry_data.error)
        self._console.print(f"[yellow]✗ {event.step_key}[/] ", end="")
        self._console.print(
            f"{said} It is read again in {seconds:.0f} s; Ctrl-C ends the waiting.", markup=False
        )

    def _print_error(self, step: str) -> None:
        self._console.print(f"[red]✗ {step}[/] ", end="")
        self._console.print(self._errors[step], markup=False)

    def _note_materialization(self, event: dg.DagsterEvent) -> None:
        assert event.asset_key is not None
        name = event.asset_key.path[-1]
        metadata = event.step_materialization_data.materialization.metadata
        figures = {key: value.value for key, value in metadata.items()}
        self._tables.setdefault(name, _Arrived()).figures = figures
        rows = figures.get("dagster/row_count", 0)
        self._console.print(f"[green]✓[/] {name} [dim]{rows:,} rows[/]")

    def _note_check(self, event: dg.DagsterEvent) -> None:
        check = event.asset_check_evaluation_data
        table = self._tables.setdefault(check.asset_key.path[-1], _Arrived())
        table.checks += 1
        if check.passed:
            return
        is_error = check.severity is dg.AssetCheckSeverity.ERROR
        self.failed |= is_error
        said = f"{check.check_name}: {check.description or 'failed'}"
        (table.failed if is_error else table.warned).append(said)

    def conclude(self) -> None:
        """Prints the table of what arrived."""
        if self._tables:
            self._print_tables()
            for step in self._errors:
                self._print_error(step)

    def _print_tables(self) -> None:
        shown = Table(
            title="What arrived", title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
        )
        shown.add_column("table", no_wrap=True)
        for name in ("rows", "changes", "requests", "seconds", "checks"):
            shown.add_column(name, justify="right", no_wrap=True)
        for name, table in self._tables.items():
            figures = table.figures
            bad = len(table.failed) + len(table.warned)
            colour = "red" if table.failed else "yellow" if table.warned else "green"
            shown.add_row(
                name,
                f"{figures.get('dagster/row_count', 0):,}",
                _changes(figures),
                f"{figures['requests']:,}" if "requests" in figures else "",
                f"{figures['seconds']:.2f}" if "seconds" in figures else "",
                f"[{colour}]{table.checks - bad}/{table.checks}[/]" if table.checks else "",
            )
        self._console.print(shown)
        for name, table in self._tables.items():
            if "read_incrementally" in table.figures:
                self._console.print(f"{name}: {_how_read(table.figures)}", markup=False)
        for name, table in self._tables.items():
            for said in table.failed:
                self._console.print(f"[red]{name}: {escape(said)}[/]")
            for said in table.warned:
                self._console.print(f"[yellow]{name}: {escape(said)}[/]")


def _failed(event: dg.DagsterEvent) -> str:
    """Why a step failed: what was foreseen says so itself."""
    foreseen = event.step_failure_data.user_failure_data
    if foreseen is not None and ERROR in foreseen.metadata:
        return f"{foreseen.metadata[ERROR].value}: {foreseen.description}"
    return _said(event, event.step_failure_data.error)


def _said(event: dg.DagsterEvent, error: Any) -> str:
    """What was raised, which says what to do, without what Dagster wraps it in."""
    while error and error.cause and error.cls_name and error.cls_name.startswith(_WRAPPERS):
        error = error.cause
    if not error:
        return event.message or ""
    if error.cls_name in _INTERRUPTED:
        return _STOPPED
    said = str(error.message).strip().removeprefix(f"{CampaignMonitorError.__module__}.")
    return re.sub(r"^dagster\.[\w.]+: ", "", said)


def _how_read(figures: Mapping[str, Any]) -> str:
    """How the collections of an incrementally read table were read, and what that saved."""
    reasons = {reason: number for reason, number in figures["read_in_full"].items() if number}
    in_full = ", ".join(
        f"{number} {_REASONS[Reason(reason)]}" for reason, number in reasons.items()
    )
    failed = ", ".join(
        [str(each[name]) for name in each if name != "because"][-1]
        for each in figures.get("proof_failed", ())
    )
    return (
        f"{figures['read_incrementally']} read incrementally"
        + (f", in full {in_full}" if in_full else "")
        + (f" ({failed})" if failed else "")
        + f"; {figures['requests']:,} requests, where a full refresh takes about"
        f" {figures['requests_of_a_full_refresh']:,}."
    )


def _changes(figures: Mapping[str, Any]) -> str:
    """The rows that came, changed and went, as `+5 ~1 -2`; none of them is left out as nothing."""
    return " ".join(
        f"{sign}{figures[name]:,}" for name, sign in _CHANGES.items() if figures.get(name)
    )
