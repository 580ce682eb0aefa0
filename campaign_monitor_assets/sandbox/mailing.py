"""One e-mail that went out, and the events that it led to."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final

from .account import Row, Size, stamp
from .names import MAIL_PROGRAMS, PLACES

EVENTS: Final = ("opens", "clicks", "bounces", "unsubscribes", "spam_complaints")
URLS: Final = (
    "https://example.com/",
    "https://example.com/shop?id=1&ref=mail",
    "https://example.org/über-uns#team",
)


@dataclass
class Mailing:
    """One e-mail that went to some people at some time, and what came of it."""

    size: Size
    rng: Random
    people: Sequence[Row]
    """Recipients, each with its ListID, the time it was sent to and the person's own row."""
    events: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in EVENTS})

    def later(self, sent: datetime) -> str:
        """A time after the sending, though never after the account's present."""
        left = min((self.size.now - sent).total_seconds(), 10 * 86_400)
        return stamp(sent + timedelta(seconds=int(left * self.rng.random() ** 3)))

    def happen(self) -> None:
        """Let people bounce, leave, complain, open and click."""
        for person in self.people:
            state = person["row"]["State"]
            if state == "Bounced":
                self._bounce(person, "Hard", "550 5.1.1 user unknown «%s»")
                continue
            if state == "Unsubscribed":
                self._leave(person)
            chance = self.rng.random()
            if chance < 0.01:
                self._bounce(person, "Soft", "452 mailbox full\r\n(try later)")
            elif chance < 0.4:
                self._read(person)

    def _event(self, person: Row, date: str, **more: object) -> Row:
        address = person["row"]["EmailAddress"]
        return {"EmailAddress": address, "ListID": person["ListID"], "Date": date} | more

    def _bounce(self, person: Row, kind: str, reason: str) -> None:
        date = person["row"]["Date"] if kind == "Hard" else self.later(person["sent"])
        row = self._event(person, date, BounceType=kind, Reason=reason)
        self.events["bounces"].append(row)

    def _leave(self, person: Row) -> None:
        date = person["row"]["Date"]
        if self.rng.random() < 0.15:
            self.events["spam_complaints"].append(self._event(person, date))
        else:
            row = self._event(person, date, IPAddress=self._address())
            self.events["unsubscribes"].append(row)

    def _read(self, person: Row) -> None:
        place = dict(
            zip(
                ("City", "Region", "CountryCode", "CountryName", "Latitude", "Longitude"),
                self.rng.choice(PLACES),
                strict=True,
            )
        )
        for _ in range(self.rng.choice((1, 1, 1, 2, 3))):
            date = self.later(person["sent"])
            row = self._event(person, date, IPAddress=self._address(), **place)
            self._twice_at_times("opens", row)
            if self.rng.random() < 0.3:
                self._twice_at_times("clicks", row | {"URL": self.rng.choice(URLS)})

    def _twice_at_times(self, kind: str, row: Row) -> None:
        # A mail program that fetches a picture twice within a second leaves two equal rows.
        self.events[kind] += [row, dict(row)] if self.rng.random() < 0.06 else [row]

    def _address(self) -> str:
        return f"203.0.113.{self.rng.randrange(1, 255)}"

    def unique_openers(self) -> int:
        """How many different people opened it."""
        return len({row["EmailAddress"] for row in self.events["opens"]})

    def usage(self) -> list[Row]:
        """With which mail programs the openers read it."""
        addresses = sorted({row["EmailAddress"] for row in self.events["opens"]})
        used = Counter(MAIL_PROGRAMS[len(each) % len(MAIL_PROGRAMS)] for each in addresses)
        return [
            {
                "Client": name,
                "Version": version,
                "Percentage": round(100 * count / len(addresses), 2),
                "Subscribers": count,
            }
            for (name, version), count in sorted(used.items())
        ]
