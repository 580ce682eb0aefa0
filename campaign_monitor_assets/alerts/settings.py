"""Whom to tell of a run that failed: the one declaration of these settings."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class NotifySettings(BaseModel):
    """Whom to tell of failed runs and checks; nobody where neither Slack nor e-mail is set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slack_webhook_variable: str | None = Field(
        default=None,
        examples=["SLACK_WEBHOOK_URL"],
        description="Name of the environment variable that holds the URL of an incoming webhook, of"
        " Slack or of what takes the same (Mattermost, Rocket.Chat).",
    )
    email_to: list[str] = Field(
        default=[],
        examples=[["crm-team@example.com"]],
        description="Addresses to send an e-mail to.",
    )
    email_from: str | None = Field(
        default=None,
        examples=["dagster@example.com"],
        description="The address that e-mails come from; unset: the first of email_to.",
    )
    smtp_host: str = Field(
        default="localhost", examples=["smtp.example.com"], description="The mail server."
    )
    smtp_port: int = Field(
        default=587, ge=1, le=65535, examples=[465], description="The mail server's port."
    )
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        examples=["tls"],
        description="How the connection is encrypted: starttls (usual at port 587), tls from the"
        " start (465), or none, for a server on this machine.",
    )
    smtp_user: str | None = Field(
        default=None,
        examples=["dagster@example.com"],
        description="The user at the mail server; unset: none is asked for.",
    )
    smtp_password_variable: str = Field(
        default="SMTP_PASSWORD",
        examples=["NORTHWIND_SMTP_PASSWORD"],
        description="Name of the environment variable that holds that user's password.",
    )
    failed_checks: Literal["error", "warning", "none"] = Field(
        default="error",
        examples=["warning"],
        description="Which failed checks of a run that succeeded are told: those at ERROR, those at"
        " WARN too, or none.",
    )
    reminder_hours: float = Field(
        default=24,
        ge=0,
        examples=[1],
        description="Hours after which a schedule's failure is told again where its run before"
        " failed in the same way; 0: each time.",
    )
    webserver_url: str | None = Field(
        default=None,
        examples=["https://dagster.example.com"],
        json_schema_extra={"pattern": "^https?://"},
        description="The URL of Dagster's webserver as those who are told reach it, for a link to"
        " the run.",
    )

    @property
    def sender(self) -> str:
        """The address that e-mails come from."""
        return self.email_from or self.email_to[0]

    @property
    def channels(self) -> tuple[str, ...]:
        """What is told by: slack, email, or both; empty: nobody is told."""
        found = {"slack": self.slack_webhook_variable, "email": self.email_to}
        return tuple(name for name, is_set in found.items() if is_set)

    @property
    def needed_variables(self) -> tuple[str, ...]:
        """The environment variables without which nobody could be told."""
        found = [self.slack_webhook_variable] if self.slack_webhook_variable else []
        if self.email_to and self.smtp_user:
            found.append(self.smtp_password_variable)
        return tuple(found)
