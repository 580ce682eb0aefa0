"""Somebody is told of failed tables and checks: once, and so that it helps."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from campaign_monitor_assets.errors import AttributeRefusedError
from campaign_monitor_assets.orchestration.attributes import NotifyAttributes
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.alerts.receivers import (
    Mailbox,
    Webhook,
    mail_server,
    webhook,
)
from campaign_monitor_assets_tests.orchestration.deployment import (
    Deployment,
    eventually,
    other_project,
    shipped_settings,
)
from campaign_monitor_assets_tests.project import PREFIX, Project, definitions

REFUSED = {"what": "error", "path": "/segments", "status": 401, "code": 50, "times": None}
DOWN = {"what": "503", "path": "/segments", "times": None}
SCHEDULED = {"dagster/schedule_name": "campaign_monitor_daily"}


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with webhook() as found:
        monkeypatch.setenv("HOOK", found.url)
        yield found


@dataclasses.dataclass
class Watch:
    """A project whose failures are told, and Dagster's instance that its runs are recorded in.

    Attributes:
        project: What is run.
        instance: Where.
        notify: Whom to tell.
        cursors: How far each sensor has come.
    """

    project: Project
    instance: dg.DagsterInstance
    notify: dict[str, Any]
    cursors: dict[str, str | None] = dataclasses.field(default_factory=dict)

    def run(self, *tables: str, tags: dict[str, str] | None = None) -> str:
        """Runs tables and tells whether that succeeded; the run's ID."""
        job = self.project.definitions().resolve_implicit_global_asset_job_def()
        keys = [dg.AssetKey([PREFIX, table]) for table in tables]
        result = job.execute_in_process(
            asset_selection=keys, instance=self.instance, tags=tags, raise_on_error=False
        )
        return result.run_id

    def look(self, repeated: str | None = None) -> list[str]:
        """Lets the sensors look once, as the daemon does; the errors of their ticks.

        Args:
            repeated: A sensor whose tick is lost, so that it comes again.
        """
        said = []
        made = dg.build_defs_for_component(
            CampaignMonitorComponent(tables=list(ALL), notify=NotifyAttributes(**self.notify))
        )
        repository = made.get_repository_def()
        for sensor in made.sensors or ():
            assert isinstance(sensor, dg.SensorDefinition)
            assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
            context = dg.build_sensor_context(
                instance=self.instance,
                cursor=self.cursors.get(sensor.name),
                repository_def=repository,
                sensor_name=sensor.name,
            )
            found = sensor.evaluate_tick(context)
            if sensor.name != repeated:
                self.cursors[sensor.name] = found.cursor
            reactions = found.dagster_run_reactions or ()
            said += [each.error.to_string() for each in reactions if each.error]
        return said


ALL = ("clients", "lists", "segments", "segment_subscribers", "list_stats")


@pytest.fixture
def watch(with_parents: Project, hook: Webhook) -> Iterator[Watch]:
    assert hook.url
    with dg.DagsterInstance.ephemeral() as instance:
        found = Watch(with_parents, instance, {"slack_webhook_variable": "HOOK"})
        # From here on sensors see what ends.
        found.run("clients")
        assert found.look() == []
        yield found


def test_nobody_is_told_by_default() -> None:
    """Without the attribute there are no sensors."""
    assert not definitions().sensors


def test_a_failed_table_is_told_once(watch: Watch, hook: Webhook, box: Sandbox) -> None:
    """Which table, why, what to do, what wasn't refreshed, and where; a lost tick changes nothing.

    The text holds neither the key nor anybody's address.
    """
    watch.notify["webserver_url"] = "https://dagster.example.com/"
    box.faults([REFUSED])
    run_id = watch.run("segments", "segment_subscribers", "lists")
    assert watch.look(repeated=f"{PREFIX}_tell_of_failures") == []
    assert watch.look() == []
    [text] = hook.texts
    assert "Campaign Monitor: segments failed" in text
    assert "HTTP 401, code 50" in text
    assert "_What to do:_ the request arrived without credentials" in text
    assert text.count("What to do") == 1
    assert "Not refreshed either: segment_subscribers." in text
    assert f"<https://dagster.example.com/runs/{run_id}|" in text
    assert box.key not in text
    assert "@" not in text


def test_failed_checks_of_a_run_that_succeeded_are_told(watch: Watch, hook: Webhook) -> None:
    """A check that fails at ERROR is told with what it found; one at WARN where that is wished."""
    assert watch.look() == []
    watch.project.change("delete from lists where rowid = 0")
    checks = _run_checks(watch, "lists")
    assert checks.success
    assert watch.look() == []
    [text] = hook.texts
    assert "Campaign Monitor: lists failed checks" in text
    assert "*lists: row_count_matches_source*" in text
    assert "parents_exist" not in text


@pytest.mark.slow
def test_warnings_are_told_where_wished(watch: Watch, hook: Webhook) -> None:
    """By default a failed check at WARN is silent."""
    watch.project.change("update lists set ClientID = 'nobody' where rowid = 0")
    _run_checks(watch, "lists")
    assert watch.look() == []
    assert "parents_exist" not in "".join(hook.texts)
    watch.notify["failed_checks"] = "warning"
    _run_checks(watch, "lists")
    assert watch.look() == []
    assert "*lists: parents_exist*" in hook.texts[-1]


def test_a_receiver_that_is_down_gets_it_later(watch: Watch, hook: Webhook, box: Sandbox) -> None:
    """The run's own failure is told with the next run that succeeds, and once."""
    hook.status = 503
    box.faults([DOWN])
    watch.run("segments")
    [said] = watch.look()
    assert "slack: not sent, since the webhook answered HTTP 503" in said
    hook.status, tried = 200, len(hook.texts)
    assert watch.look() == []
    assert len(hook.texts) == tried
    box.faults([])
    for _ in range(2):
        watch.run("segments")
        assert watch.look() == []
    [text] = hook.texts[tried:]
    assert "Gave up on GET" in text


@pytest.mark.slow
def test_a_schedule_that_goes_on_failing_is_told_once(
    watch: Watch, hook: Webhook, box: Sandbox
) -> None:
    """The same again is told after a day only; another failure, or the same anew, at once."""
    box.faults([DOWN])
    for _ in range(3):
        watch.run("segments", tags=SCHEDULED)
        assert watch.look() == []
    assert len(hook.texts) == 1
    box.faults([REFUSED])
    watch.run("segments", tags=SCHEDULED)
    assert watch.look() == []
    assert len(hook.texts) == 2
    box.faults([])
    watch.run("segments", tags=SCHEDULED)
    assert watch.look() == []
    box.faults([REFUSED])
    watch.run("segments", tags=SCHEDULED)
    assert watch.look() == []
    assert len(hook.texts) == 3
    watch.notify["reminder_hours"] = 0
    watch.run("segments", tags=SCHEDULED)
    assert watch.look() == []
    assert len(hook.texts) == 4


def test_a_run_that_is_started_once_more_is_not_told(
    watch: Watch, hook: Webhook, box: Sandbox
) -> None:
    """Its successor tells how it went."""
    box.faults([DOWN])
    watch.run("segments", tags={"dagster/will_retry": "true"})
    assert watch.look() == []
    assert hook.texts == []


def test_other_peoples_failures_are_not_told(watch: Watch, hook: Webhook) -> None:
    """A step of the project's own that fails is the project's own affair."""

    @dg.asset
    def other() -> None:
        raise ValueError

    watch.project.materialize(more=[other], instance=watch.instance)
    assert watch.look() == []
    assert hook.texts == []


@pytest.mark.slow
def test_what_was_not_foreseen_is_told_without_its_text(watch: Watch, hook: Webhook) -> None:
    """An error from elsewhere may quote a row, so its kind alone is told."""
    watch.project.change("alter table lists rename column ListID to Other")
    watch.run("list_stats")
    assert watch.look() == []
    [text] = hook.texts
    assert "list_stats failed" in text
    assert "Other" not in text


@pytest.mark.slow
def test_mail_and_slack(watch: Watch, hook: Webhook, box: Sandbox) -> None:
    """Both are told; where one is down, the other isn't told again."""
    with mail_server() as mailbox:
        watch.notify |= _mail(mailbox)
        hook.status = 500
        box.faults([DOWN])
        watch.run("segments")
        assert len(watch.look()) == 1
        assert len(mailbox.messages) == 1
        hook.status = 200
        box.faults([])
        watch.run("segments")
        assert watch.look() == []
        assert len(mailbox.messages) == 1
    assert len(hook.texts) == 2


def _mail(mailbox: Mailbox) -> dict[str, Any]:
    return {
        "email_to": ["crm@example.com"],
        "email_from": "dagster@example.com",
        "smtp_host": "127.0.0.1",
        "smtp_port": mailbox.port,
        "smtp_security": "none",
    }


def _run_checks(watch: Watch, table: str) -> dg.ExecuteInProcessResult:
    found = watch.project.definitions()
    selected = dg.AssetSelection.checks_for_assets(dg.AssetKey([PREFIX, table]))
    job = dg.Definitions(
        assets=found.assets,
        asset_checks=found.asset_checks,
        resources=found.resources,
        jobs=[dg.define_asset_job("only_checks", selected)],
    ).resolve_job_def("only_checks")
    return job.execute_in_process(instance=watch.instance, raise_on_error=False)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"slack_webhook_variable": "https://hooks.example/T0SECRET"}, "slack_webhook_variable"),
        ({"email_to": ["nobody"]}, r"notify\.email_to: .* no e-mail address"),
        (
            {"email_to": ["a@example.com"], "email_from": "nobody"},
            r"notify\.email_from: .* no e-mail address",
        ),
    ],
)
def test_what_is_not_accepted(settings: dict[str, Any], said: str) -> None:
    """A webhook's URL in a variable's place, or what is no address, is refused unrepeated."""
    component = CampaignMonitorComponent(notify=NotifyAttributes(**settings))
    with pytest.raises(AttributeRefusedError, match=said) as caught:
        dg.build_defs_for_component(component)
    assert "T0SECRET" not in str(caught.value)
    assert "nobody" not in str(caught.value)


def test_a_failed_check_can_fail_the_run(watch: Watch, hook: Webhook) -> None:
    """With blocking_checks a check at ERROR fails its step, and is told as what it is."""
    watch.project = dataclasses.replace(watch.project, component={"blocking_checks": True})
    watch.project.change("delete from lists where rowid = 0")
    assert not _run_checks(watch, "lists").success
    watch.look()
    [text] = hook.texts
    assert "Campaign Monitor: lists failed" in text
    assert text.count("row_count_matches_source*") == 1
    assert "not foreseen" not in text


@pytest.mark.slow
def test_a_real_daemon_tells(box: Sandbox, tmp_path: Path) -> None:
    """In a project of a user's own the daemon tells of a failed run, and nothing is switched on."""
    home = tmp_path / "home"
    shipped_settings(home)
    other_project(
        home, "{tables: [clients, lists, segments], notify: {slack_webhook_variable: HOOK}}"
    )
    with webhook() as hook, dg.DagsterInstance.from_config(str(home)) as instance:
        path = os.pathsep.join([str(home), os.environ.get("PYTHONPATH", "")])
        more = {"PYTHONPATH": path, "HOOK": hook.url}
        deployment = Deployment(home, Project(box, tmp_path / "account.duckdb"), more)
        module = ("-m", "elsewhere.definitions")
        try:
            deployment.start("dagster-daemon", "run", *module)
            box.faults([REFUSED])
            sensors = {"campaign_monitor_tell_of_failures", "campaign_monitor_tell_of_checks"}
            eventually(
                lambda: (
                    sensors
                    <= {
                        each.name
                        for each in instance.all_instigator_state()
                        if each.instigator_data
                    }
                )
            )
            deployment.call("job", "launch", *module, "-j", f"{PREFIX}_all")
            eventually(lambda: hook.texts)
        finally:
            deployment.stop()
    assert "segments failed" in hook.texts[0]
