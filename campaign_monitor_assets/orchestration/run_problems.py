"""What went wrong in a run, from its events: failed tables and checks, and what wasn't read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import dagster as dg

from campaign_monitor_assets.alerts.message import Alert, Problem
from campaign_monitor_assets.alerts.settings import NotifySettings
from campaign_monitor_assets.orchestration.account import DEFAULT_PREFIX
from campaign_monitor_assets.orchestration.failing import ERROR, TABLES, WHAT_TO_DO

_OF_BLOCKING_CHECKS: Final = "DagsterAssetCheckFailedError"
"""Why a step failed whose check did: the check says so better."""


@dataclass(frozen=True)
class Watched:
    """What belongs to an account.

    Attributes:
        name: Its key prefix as one word.
        assets: The keys of its tables and views.
        steps: The names of its steps.
        jobs: The names of its jobs.
        settings: Whom to tell, and of what.
    """

    name: str
    assets: frozenset[dg.AssetKey]
    steps: frozenset[str]
    jobs: frozenset[str]
    settings: NotifySettings

    def alert(self, instance: dg.DagsterInstance, run: dg.DagsterRun) -> Alert | None:
        """What to tell of a run that has ended; None: nothing that is of this account."""
        events = _events(instance, run)
        has_failed = run.status is dg.DagsterRunStatus.FAILURE
        problems = [*self._of_steps(events), *self._of_checks(events, has_failed=has_failed)]
        if has_failed and not problems and self._is_ours(run, events):
            problems = [_of_run(run)]
        if not problems:
            return None
        base = (self.settings.webserver_url or "").rstrip("/")
        return Alert(
            title=self._title(problems, "failed" if has_failed else "failed checks"),
            run_id=run.run_id,
            job=run.job_name if run.job_name in self.jobs else "assets that were chosen by hand",
            problems=problems,
            not_refreshed=self._not_refreshed(events) if has_failed else (),
            url=f"{base}/runs/{run.run_id}" if base else None,
        )

    def _title(self, problems: Sequence[Problem], what: str) -> str:
        where = ", ".join(dict.fromkeys(each.where.partition(": ")[0] for each in problems))
        if len(where) > _LONGEST_LIST:
            where = f"{len(problems)} things"
        account = "" if self.name == DEFAULT_PREFIX else f" ({self.name})"
        return f"Campaign Monitor{account}: {where} {what}"

    def _is_ours(self, run: dg.DagsterRun, events: Sequence[dg.DagsterEvent]) -> bool:
        chosen = run.asset_selection or frozenset()
        failed = any(event.is_step_failure for event in events)
        return not failed and (run.job_name in self.jobs or bool(chosen & self.assets))

    def _of_steps(self, events: Sequence[dg.DagsterEvent]) -> Iterator[Problem]:
        for event in events:
            if event.is_step_failure and event.step_key in self.steps:
                problem = _of_step(event)
                if problem.kind != _OF_BLOCKING_CHECKS:
                    yield problem

    def _of_checks(
        self, events: Sequence[dg.DagsterEvent], *, has_failed: bool
    ) -> Iterator[Problem]:
        wanted = self.settings.failed_checks
        if wanted == "none" and not has_failed:
            return
        for event in events:
            if event.event_type is not dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                continue
            check = event.asset_check_evaluation_data
            is_error = check.severity is dg.AssetCheckSeverity.ERROR
            if check.passed or check.asset_key not in self.assets:
                continue
            if is_error or wanted == "warning":
                yield Problem(
                    f"{check.asset_key.path[-1]}: {check.check_name}",
                    f"{check.check_name} {check.severity.value}",
                    check.description or "The check failed.",
                    "look at the check in Dagster's UI, on the page of its asset.",
                )

    def _not_refreshed(self, events: Sequence[dg.DagsterEvent]) -> Sequence[str]:
        done = {
            event.asset_key
            for event in events
            if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION
        }
        failed = {name for each in self._of_steps(events) for name in each.where.split(", ")}
        planned = [
            event.asset_key
            for event in events
            if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
        ]
        left = [key for key in planned if key in self.assets and key not in done]
        return sorted({key.path[-1] for key in left if key is not None} - failed)


def watched_of(
    name: str,
    settings: NotifySettings,
    assets: Sequence[dg.AssetsDefinition],
    checks: Sequence[dg.AssetChecksDefinition],
    jobs: Sequence[Any],
) -> Watched:
    """What belongs to an account.

    Args:
        name: Its key prefix as one word.
        settings: Whom to tell.
        assets: The account's.
        checks: Those that are no part of an asset's step.
        jobs: Its jobs, and the schedules that have one each.
    """
    whole = [each for each in jobs if isinstance(each, dg.JobDefinition)]
    return Watched(
        name=name,
        assets=frozenset(key for each in assets for key in each.keys),
        steps=frozenset(
            [each.node_def.name for each in (*assets, *checks)]
            + [node.name for each in whole for node in each.nodes]
        ),
        jobs=frozenset(
            each.job_name if isinstance(each, dg.ScheduleDefinition) else each.name for each in jobs
        ),
        settings=settings,
    )


_LONGEST_LIST: Final = 100
"""Characters: an e-mail's subject is read in a list of many."""

_LOOKED_AT: Final = {
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
}


def _events(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[dg.DagsterEvent]:
    entries = instance.all_logs(run.run_id, of_type=_LOOKED_AT)
    return [entry.dagster_event for entry in entries if entry.dagster_event is not None]


def _of_step(event: dg.DagsterEvent) -> Problem:
    data = event.step_failure_data
    foreseen = data.user_failure_data
    if foreseen is None or ERROR not in foreseen.metadata:
        return _unforeseen(str(event.step_key), data.error)
    figures = {name: str(value.value) for name, value in foreseen.metadata.items()}
    what_to_do = figures.get(WHAT_TO_DO, "")
    return Problem(
        figures[TABLES],
        figures[ERROR],
        (foreseen.description or "").removesuffix(f" What to do: {what_to_do}"),
        what_to_do,
    )


def _unforeseen(step: str, error: Any) -> Problem:
    # Its text may hold anything, a row of a table too.
    while error is not None and error.cause is not None:
        error = error.cause
    kind = str(error.cls_name) if error is not None else "unknown"
    return Problem(
        step.rpartition("__")[2],
        kind,
        f"An error that was not foreseen: {kind}. Its text may hold data, so it is not told here.",
        "look at the run's log, and please report it with its stack trace.",
    )


def _of_run(run: dg.DagsterRun) -> Problem:
    return Problem(
        run.job_name,
        "run",
        "The run ended before its steps did, or before it began: its process is gone, or it could"
        " not be started.",
        "look at the run's log; restart it from there.",
    )
