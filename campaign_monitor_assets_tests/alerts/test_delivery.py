"""Alerts reach real receivers, and what a receiver in trouble means."""

from collections.abc import Iterator
from typing import Any

import pytest

from campaign_monitor_assets.alerts import delivery
from campaign_monitor_assets.alerts.delivery import Outcome, UndeliveredError, deliver
from campaign_monitor_assets.alerts.message import Alert, Problem
from campaign_monitor_assets.alerts.settings import NotifySettings
from campaign_monitor_assets_tests.alerts.receivers import (
    PASSWORD,
    Mailbox,
    Webhook,
    mail_server,
    webhook,
)

ALERT = Alert(
    title="Campaign Monitor: lists failed",
    run_id="0f1e2d3c-0000-0000-0000-000000000000",
    job="campaign_monitor_daily_job",
    problems=[
        Problem("lists", "ApiError", "Refused <b>&</b> said ann@example.com.", "look at the key."),
        Problem("a: row_count", "row_count ERROR", "5 rows in place of 6."),
    ],
    not_refreshed=["list_stats"],
    url="https://dagster.example.com/runs/0f1e2d3c-0000-0000-0000-000000000000",
)


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as found:
        yield found


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as found:
        yield found


def send_to_slack(url: str) -> None:
    deliver("slack", ALERT, NotifySettings(slack_webhook_variable="HOOK"), {"HOOK": url})


def send_email(port: int, environment: dict[str, str] | None = None, **settings: Any) -> None:
    said = {
        "email_to": ["crm@example.com", "ops@example.com"],
        "email_from": "dagster@example.com",
        "smtp_host": "127.0.0.1",
        "smtp_port": port,
        "smtp_security": "none",
        **settings,
    }
    deliver("email", ALERT, NotifySettings(**said), environment or {})


def outcome(error: pytest.ExceptionInfo[UndeliveredError], secret: str = "T0SECRET") -> Outcome:
    """What became of a message; what is said of it holds no secret and no address."""
    said = repr(error.value) + str(error.value.__cause__)
    assert secret not in said
    assert "@" not in said
    return error.value.outcome


def test_slack_gets_what_failed_and_what_to_do(hook: Webhook) -> None:
    """The message says what failed, why, what to do and where to look, and quotes no address."""
    send_to_slack(hook.url)
    [text] = hook.texts
    for said in ("lists failed", "look at the key", "5 rows in place of 6", "list_stats"):
        assert said in text
    assert "<https://dagster.example.com/runs/0f1e2d3c-" in text
    assert "&lt;b&gt;&amp;&lt;/b&gt; said (an address)" in text


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (500, Outcome.UNSENT),
        (429, Outcome.UNSENT),
        (404, Outcome.REFUSED),
        (302, Outcome.REFUSED),
    ],
)
def test_a_webhook_in_trouble_is_tried_later_and_a_wrong_one_never(
    hook: Webhook, status: int, expected: Outcome
) -> None:
    """Trouble passes, a wrong URL doesn't; neither is told with the URL."""
    hook.status = status
    with pytest.raises(UndeliveredError, match=f"HTTP {status}") as caught:
        send_to_slack(hook.url)
    assert outcome(caught) is expected


def test_a_slow_webhook_is_not_told_twice(hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the message already, so that nobody sends it again; and it is not waited for."""
    monkeypatch.setattr(delivery, "TIMEOUT", 0.2)
    hook.delay = 2
    with pytest.raises(UndeliveredError) as caught:
        send_to_slack(hook.url)
    assert outcome(caught) is Outcome.UNCONFIRMED
    assert len(hook.texts) == 1


def test_nobody_listens() -> None:
    """A receiver that is down is asked again later, whichever it is."""
    with webhook() as gone:
        url = gone.url
    with pytest.raises(UndeliveredError) as caught:
        send_to_slack(url)
    assert outcome(caught) is Outcome.UNSENT
    with mail_server() as closed:
        port = closed.port
    with pytest.raises(UndeliveredError) as caught:
        send_email(port)
    assert outcome(caught) is Outcome.UNSENT


@pytest.mark.parametrize("url", ["T0SECRET", "ftp://T0SECRET", "http://", "http://[T0SECRET"])
def test_what_is_no_url_is_not_repeated(url: str) -> None:
    """A variable that holds something else is refused without its value."""
    with pytest.raises(UndeliveredError) as caught:
        send_to_slack(url)
    assert outcome(caught) in {Outcome.REFUSED, Outcome.UNSENT}


def test_a_variable_that_is_not_set_is_named() -> None:
    """The error names the variable, and the message goes out once it is set."""
    with pytest.raises(UndeliveredError, match="HOOK is not set") as caught:
        send_to_slack("")
    assert outcome(caught) is Outcome.UNSENT


def test_an_email_has_text_and_html(mailbox: Mailbox) -> None:
    """Both say the same, to all who are named, and quote no address of anybody else."""
    send_email(mailbox.port)
    [message] = mailbox.messages
    assert message["Subject"] == "Campaign Monitor: lists failed"
    assert message["To"] == "crm@example.com, ops@example.com"
    assert message["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        body = message.get_body((kind,))
        assert body is not None
        text = body.get_content()
        for said in ("5 rows in place of 6", "list_stats", "(an address)", "/runs/0f1e2d3c-"):
            assert said in text
        assert "ann@" not in text
        assert ("<b>&</b>" in text) is (kind == "plain")


def test_an_email_with_a_password() -> None:
    """The password comes from the environment; a wrong one is refused for good, and not told."""
    with mail_server(asks_password=True) as box:
        login = {"smtp_user": "dagster", "smtp_password_variable": "WORD"}
        send_email(box.port, {"WORD": PASSWORD}, **login)
        assert len(box.messages) == 1
        with pytest.raises(UndeliveredError) as caught:
            send_email(box.port, {"WORD": "T0SECRET"}, **login)
    assert outcome(caught) is Outcome.REFUSED


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("451 try later", Outcome.UNSENT), ("554 never T0SECRET", Outcome.REFUSED)],
)
def test_a_mail_server_that_refuses(mailbox: Mailbox, answer: str, expected: Outcome) -> None:
    """What is refused for now is sent later, and what is refused for good is not."""
    mailbox.answer = answer
    with pytest.raises(UndeliveredError) as caught:
        send_email(mailbox.port)
    assert outcome(caught) is expected


def test_no_password_goes_over_an_open_line(mailbox: Mailbox) -> None:
    """A server that can't encrypt gets nothing where encryption is asked for, as by default."""
    with pytest.raises(UndeliveredError):
        send_email(mailbox.port, smtp_security="starttls")
    assert mailbox.messages == []
