"""What is said of a run that failed: for Slack, and as an e-mail in plain text and HTML.

Texts come from this package's own errors and checks, which hold no secret and nobody's address.
"""

import hashlib
import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from campaign_monitor_assets.wording import without_addresses

_MOST_PROBLEMS: Final = 15
_MOST_NAMED: Final = 20
_LONGEST: Final = 700
"""Characters of one text: a chat is no log."""


@dataclass(frozen=True)
class Problem:
    """One thing that went wrong.

    Attributes:
        where: The tables, or the table and its check.
        kind: What is the same when the same happens again: a class of errors, a check's name.
        why: What went wrong.
        what_to_do: What to do, where that is known.
    """

    where: str
    kind: str
    why: str
    what_to_do: str = ""


@dataclass(frozen=True)
class Alert:
    """What somebody is told of a run.

    Attributes:
        title: What happened, in a line.
        run_id: Dagster's run.
        job: Its job.
        problems: What went wrong.
        not_refreshed: Tables and views that the run didn't come to.
        url: Where the run can be looked at.
    """

    title: str
    run_id: str
    job: str
    problems: Sequence[Problem]
    not_refreshed: Sequence[str] = ()
    url: str | None = None

    @property
    def digest(self) -> str:
        """The same for runs that failed in the same way."""
        same = sorted((each.where, each.kind) for each in self.problems)
        return hashlib.sha256(repr((self.job, same)).encode()).hexdigest()[:16]

    @property
    def shown(self) -> list[Problem]:
        """The problems, fit to be sent."""
        return [
            Problem(each.where, each.kind, _fit(each.why), _fit(each.what_to_do))
            for each in self.problems[:_MOST_PROBLEMS]
        ]

    @property
    def footnotes(self) -> Iterator[str]:
        """What is said below the problems."""
        if (more := len(self.problems) - _MOST_PROBLEMS) > 0:
            yield f"And {more} more."
        if self.not_refreshed:
            named = ", ".join(self.not_refreshed[:_MOST_NAMED])
            more = len(self.not_refreshed) - _MOST_NAMED
            yield f"Not refreshed either: {named}" + (f" and {more} more." if more > 0 else ".")


def _fit(text: str) -> str:
    one_line = " ".join(without_addresses(text).split())
    return one_line if len(one_line) <= _LONGEST else f"{one_line[: _LONGEST - 1]}…"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def slack_text(alert: Alert) -> str:
    """The text of a message in Slack's own markup."""
    run = f"run `{alert.run_id[:8]}` of `{alert.job}`"
    lines = [f":red_circle: *{_escaped(alert.title)}*", run]
    if alert.url:
        lines[1] = f"<{alert.url}|Run {alert.run_id[:8]}> of `{alert.job}`"
    for each in alert.shown:
        lines += ["", f"*{_escaped(each.where)}*", _escaped(each.why)]
        if each.what_to_do:
            lines.append(f"_What to do:_ {_escaped(each.what_to_do)}")
    lines += [f"\n{_escaped(note)}" for note in alert.footnotes]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def email_of(alert: Alert, *, sender: str, to: Sequence[str]) -> EmailMessage:
    """The e-mail, in plain text and in HTML.

    Args:
        alert: What is told.
        sender: The address that it comes from.
        to: The addresses that it goes to.
    """
    message = EmailMessage()
    message["Subject"] = alert.title
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{alert.run_id}.{alert.digest}@campaign-monitor-assets>"
    # So that nobody's absence is answered to it.
    message["Auto-Submitted"] = "auto-generated"
    # Every mail server takes that, and lines as long as they come.
    message.set_content(_plain(alert), cte="quoted-printable")
    message.add_alternative(_html(alert), subtype="html", cte="quoted-printable")
    return message


def _plain(alert: Alert) -> str:
    lines = [alert.title, f"Run {alert.run_id} of {alert.job}"]
    if alert.url:
        lines.append(alert.url)
    for each in alert.shown:
        lines += ["", each.where, f"  {each.why}"]
        if each.what_to_do:
            lines.append(f"  What to do: {each.what_to_do}")
    lines += [f"\n{note}" for note in alert.footnotes]
    return "\n".join(lines) + "\n"


def _html(alert: Alert) -> str:
    run = f"Run {alert.run_id[:8]}"
    if alert.url:
        run = f'<a href="{html.escape(alert.url)}">{run}</a>'
    blocks = "".join(
        f'<div style="{_BLOCK}"><b>{html.escape(each.where)}</b><br>{html.escape(each.why)}'
        + (
            f"<br><b>What to do:</b> {html.escape(_sentence(each.what_to_do))}"
            if each.what_to_do
            else ""
        )
        + "</div>"
        for each in alert.shown
    )
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in alert.footnotes)
    return (
        '<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width">'
        f'</head><body style="{_BODY}">'
        f'<h2 style="font-size: 18px; margin: 0 0 4px">{html.escape(alert.title)}</h2>'
        f'<p style="margin: 0 0 12px; color: #555">{run} of {html.escape(alert.job)}</p>'
        f"{blocks}{notes}</body></html>"
    )


_BODY: Final = (
    "font-family: sans-serif; line-height: 1.4; color: #222; max-width: 720px;"
    " overflow-wrap: anywhere"
)
_BLOCK: Final = "border-top: 1px solid #ddd; padding: 8px 0"
