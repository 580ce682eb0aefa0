"""Sends what is told: once, within seconds, and never so that a secret shows.

A receiver that is down is asked again later; one that took a message and didn't confirm it in time
isn't, since nobody wants to read the same twice.
"""

import os
import smtplib
import ssl
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Final

import requests

from campaign_monitor_assets.alerts.message import Alert, email_of, slack_text
from campaign_monitor_assets.alerts.settings import NotifySettings
from campaign_monitor_assets.portable import PortableError

TIMEOUT: Final = 8.0
"""Seconds to connect, and for an answer: a few messages have to fit into a sensor's minute."""


class Outcome(StrEnum):
    """What became of a message that was not delivered."""

    UNSENT = "not sent"
    """The receiver can't be reached now: it is tried again later."""
    REFUSED = "refused"
    """It will be refused again."""
    UNCONFIRMED = "not confirmed"
    """It was handed over, and nobody knows whether it arrived."""


class UndeliveredError(PortableError):
    """A message was not delivered.

    Attributes:
        outcome: What became of it.
    """

    def __init__(self, outcome: Outcome, why: str) -> None:
        super().__init__(why)
        self.outcome = outcome


def deliver(
    channel: str,
    alert: Alert,
    settings: NotifySettings,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Sends an alert by one channel.

    Args:
        channel: slack or email.
        alert: What is told.
        settings: Where to.
        environment: Where the webhook's URL and the password are.

    Raises:
        UndeliveredError: It was not delivered, or nobody knows.
    """
    if channel == "slack":
        _to_slack(alert, _secret(settings.slack_webhook_variable or "", environment))
    else:
        _by_email(alert, settings, environment)


def _secret(variable: str, environment: Mapping[str, str]) -> str:
    value = environment.get(variable, "").strip()
    if not value:
        raise UndeliveredError(
            Outcome.UNSENT, f"the environment variable {variable} is not set for Dagster's daemon"
        )
    return value


def _to_slack(alert: Alert, url: str) -> None:
    # Texts of exceptions hold the URL, and who has it can write there: only classes are named.
    try:
        # Its body is of no interest, and might never end.
        response = requests.post(
            url,
            json={"text": slack_text(alert)},
            timeout=TIMEOUT,
            allow_redirects=False,
            stream=True,
        )
        response.close()
    except requests.exceptions.ReadTimeout:
        raise UndeliveredError(
            Outcome.UNCONFIRMED, f"the webhook didn't answer within {TIMEOUT:g} s"
        ) from None
    except (requests.ConnectionError, requests.Timeout) as error:
        raise UndeliveredError(
            Outcome.UNSENT, f"the webhook can't be reached ({type(error).__name__})"
        ) from None
    except (requests.RequestException, ValueError) as error:
        raise UndeliveredError(
            Outcome.REFUSED, f"the webhook's URL can't be used ({type(error).__name__})"
        ) from None
    if response.status_code == 429 or response.status_code >= 500:
        raise UndeliveredError(Outcome.UNSENT, f"the webhook answered HTTP {response.status_code}")
    if not response.ok or response.is_redirect:
        raise UndeliveredError(
            Outcome.REFUSED,
            f"the webhook answered HTTP {response.status_code}: look whether its URL is right",
        )


def _by_email(alert: Alert, settings: NotifySettings, environment: Mapping[str, str]) -> None:
    message = email_of(alert, sender=settings.sender, to=settings.email_to)
    is_handed_over = False
    try:
        server = _connected(settings)
        try:
            if settings.smtp_user:
                password = _secret(settings.smtp_password_variable, environment)
                server.login(settings.smtp_user, password)
            is_handed_over = True
            refused = server.send_message(message)
            # It has arrived: what goes wrong from here on is of no interest.
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
        finally:
            server.close()
    except smtplib.SMTPRecipientsRefused:
        raise UndeliveredError(Outcome.REFUSED, "the mail server refused all recipients") from None
    except smtplib.SMTPResponseException as error:
        is_final = error.smtp_code >= 500
        raise UndeliveredError(
            Outcome.REFUSED if is_final else Outcome.UNSENT,
            f"the mail server refused ({type(error).__name__}, code {error.smtp_code})",
        ) from None
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise UndeliveredError(
            Outcome.UNCONFIRMED if is_handed_over else Outcome.UNSENT,
            f"the mail server {settings.smtp_host} can't be used ({type(error).__name__})",
        ) from None
    if refused:
        raise UndeliveredError(
            Outcome.UNCONFIRMED, f"the mail server refused {len(refused)} of the recipients"
        )


def _connected(settings: NotifySettings) -> smtplib.SMTP:
    host, port = settings.smtp_host, settings.smtp_port
    trusted = ssl.create_default_context()
    if settings.smtp_security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=trusted)
    server = smtplib.SMTP(host, port, timeout=TIMEOUT)
    if settings.smtp_security == "starttls":
        try:
            server.starttls(context=trusted)
        except BaseException:
            server.close()
            raise
    return server
