"""Runs as Celery's tasks: which settings they have, and what is told of their workers."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from celery.contrib.testing.worker import start_worker
from dagster._core.launcher import LaunchRunContext

from campaign_monitor_assets.cli.cluster.machines import SETTINGS
from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.orchestration import celery_runs
from campaign_monitor_assets.orchestration.celery_runs import CeleryRunLauncher
from campaign_monitor_assets_tests.orchestration.deployment import SHIPPED, eventually

TASK = "dagster-celery/task_id"
WORKER = "here@example"
IN_MEMORY = {"broker": "memory://", "backend": "cache+memory://"}


def _instance(folder: Path, config: Mapping[str, Any] = IN_MEMORY) -> dg.DagsterInstance:
    """An instance with the launcher as a `dagster.yaml` configures it."""
    module, name = CeleryRunLauncher.__module__, CeleryRunLauncher.__name__
    launcher = {"module": module, "class": name, "config": dict(config)}
    (folder / "dagster.yaml").write_text(yaml.safe_dump({"run_launcher": launcher}))
    return dg.DagsterInstance.from_config(str(folder))


def _launcher(instance: dg.DagsterInstance) -> CeleryRunLauncher:
    launcher = instance.run_launcher
    assert isinstance(launcher, CeleryRunLauncher)
    return launcher


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """An instance whose launcher has all in memory."""
    with _instance(tmp_path_factory.mktemp("home")) as made:
        yield made


@pytest.fixture(scope="module")
def launcher(instance: dg.DagsterInstance) -> CeleryRunLauncher:
    """The instance's launcher."""
    return _launcher(instance)


@pytest.fixture(scope="module")
def done() -> threading.Event:
    """What the task that a worker executes waits for."""
    return threading.Event()


@pytest.fixture(scope="module")
def task(launcher: CeleryRunLauncher, done: threading.Event) -> Iterator[str]:
    """A task that a worker executes."""

    @launcher.celery.task(name="read", track_started=True)  # type: ignore[untyped-decorator]
    def read() -> None:
        done.wait(60)

    with start_worker(launcher.celery, pool="threads", perform_ping_check=False, hostname=WORKER):
        yield str(read.apply_async(queue="dagster").id)
        done.set()


def _health(launcher: CeleryRunLauncher, task: str | None) -> str:
    run = dg.DagsterRun(job_name="all", tags={} if task is None else {TASK: task})
    return launcher.check_run_worker_health(run).status.value


def test_a_run_is_alive_while_its_worker_has_it(
    launcher: CeleryRunLauncher, task: str, done: threading.Event
) -> None:
    """A worker that executes a run says so; once it has ended, the backend does."""
    run = dg.DagsterRun(job_name="all", tags={TASK: task})
    eventually(lambda: launcher.worker_of(run) == WORKER)
    assert _health(launcher, task) == "RUNNING"
    done.set()
    eventually(lambda: _health(launcher, task) == "SUCCESS")


def test_a_run_is_lost_where_its_worker_does_not_answer(
    launcher: CeleryRunLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The backend would say for ever that the task of a killed worker has started."""
    monkeypatch.setattr(celery_runs, "_ANSWER", 0.5)
    launcher.celery.backend.store_result("lost", {"pid": 1, "hostname": "gone@example"}, "STARTED")
    run = dg.DagsterRun(job_name="all", tags={TASK: "lost"})
    said = launcher.check_run_worker_health(run)
    assert said.status.value == "NOT_FOUND"
    assert said.msg is not None
    assert "gone@example does not answer" in said.msg


@pytest.mark.usefixtures("task")
def test_a_run_is_lost_where_its_worker_was_started_anew(launcher: CeleryRunLauncher) -> None:
    """A worker of the same name that knows nothing of the run is another one."""
    launcher.celery.backend.store_result("lost", {"pid": 1, "hostname": WORKER}, "STARTED")
    assert _health(launcher, "lost") == "NOT_FOUND"


@pytest.mark.parametrize("task", [None, ""], ids=["first", "started again"])
def test_a_run_whose_task_is_not_noted_yet_is_not_lost(
    launcher: CeleryRunLauncher, task: str | None
) -> None:
    """A worker may begin a run before the launcher has written which task it is."""
    assert _health(launcher, task) == "RUNNING"


def test_a_run_that_is_started_again_is_not_taken_for_the_lost_one(
    instance: dg.DagsterInstance, launcher: CeleryRunLauncher
) -> None:
    """Dagster gives it the tags of the run before, with the task that is lost."""
    instance.run_storage.add_run(run := dg.DagsterRun(job_name="all", tags={TASK: "lost"}))
    seen: list[str] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            CeleryRunLauncher.__base__,
            "launch_run",
            lambda *_: seen.append(instance.get_runs()[0].tags[TASK]),
        )
        launcher.launch_run(LaunchRunContext(run, None))
    assert seen == [""]


def test_settings_suit_long_runs_and_give_way(tmp_path: Path) -> None:
    """What `config_source` says goes before the launcher's own settings, one by one."""
    own = {"worker_prefetch_multiplier": 3, "broker_transport_options": {"max_retries": 9}}
    with _instance(tmp_path, {**IN_MEMORY, "config_source": own}) as instance:
        found = _launcher(instance).celery.conf
        assert found.worker_prefetch_multiplier == 3
        assert found.broker_transport_options["max_retries"] == 9
        assert found.task_acks_late is True
        assert found.worker_max_tasks_per_child == 1


def test_redis_keeps_a_task_longer_than_a_run_may_last(tmp_path: Path) -> None:
    """Otherwise a run that is still being executed would be begun a second time."""
    longest = yaml.safe_load(SETTINGS.read_text())["run_monitoring"]["max_runtime_seconds"]
    with _instance(tmp_path) as instance:
        found = _launcher(instance).celery.conf
        assert found.broker_transport_options["visibility_timeout"] > longest
        assert found.result_expires > longest


def test_a_worker_asks_for_the_launchers_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker serves what the dagster.yaml of its home names, and refuses one of another kind."""
    from campaign_monitor_assets.orchestration.celery_app import celery_app  # noqa: PLC0415

    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    _instance(tmp_path).dispose()
    found = celery_app()
    assert found.conf.broker_url == "memory://"
    assert {"execute_job", "resume_job"} <= set(found.tasks)
    (tmp_path / "dagster.yaml").write_text((SHIPPED / "dagster.yaml").read_text())
    with pytest.raises(ConfigurationError, match="the run launcher LocalRunLauncher"):
        celery_app()


def test_both_dagster_yaml_protect_runs_alike() -> None:
    """The one for workers ends and repeats lost runs as the one for a machine does."""
    workers, machine = (
        yaml.safe_load(path.read_text()) for path in (SETTINGS, SHIPPED / "dagster.yaml")
    )
    assert workers["run_retries"] == machine["run_retries"]
    assert workers["concurrency"]["pools"] == machine["concurrency"]["pools"]
    later = {"start_timeout_seconds": workers["run_monitoring"]["start_timeout_seconds"]}
    assert workers["run_monitoring"] == machine["run_monitoring"] | later
