"""An account that lives: its clock goes on, people come and go, campaigns are opened."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

import msgspec

from .account import SUBSCRIBER_STATES, Account, Row, stamp
from .bulk import Bulk, Parts

ACTIVE: Final = "active_subscribers"
OTHERS: Final = tuple(state for state in SUBSCRIBER_STATES if state != ACTIVE)
KINDS: Final = (
    "join", "leave", "bounce", "delete", "come_back", "ask_to_join", "confirm", "edit",
    "change_address", "delete_for_good", "import_old",
)  # fmt: skip
"""What can happen to somebody on a list."""
CHANGED: Final = ".au"
"""What a changed name or address ends with, after the address before."""
REPORTS: Final = ("opens", "clicks", "bounces", "unsubscribes", "spam_complaints")


class Days(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long an account lives on, and how lively."""

    seed: int = 1
    days: float = 1
    most: int = 2
    """Each kind of event happens to each list so many times at the most."""
    kinds: tuple[str, ...] = KINDS
    reports: int = 3
    """So many events of each report come at the most, over all campaigns, e-mails of journeys."""


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which share of the people of a benchmark account moves within a day."""

    share: float
    seed: int = 1


def move(account: Account, asked: Move) -> int:
    """Let half of that many leave each bulk list and as many join it, and a day pass."""
    rng, end = Random(f"{asked.seed}:{account.now}"), account.now + timedelta(days=1)
    moved = 0
    for list_id, rows in account.tables[ACTIVE].items():
        if not isinstance(rows, Bulk):
            continue
        parts = rows if isinstance(rows, Parts) else Parts.of([rows])
        left = sorted(rng.sample(range(len(parts)), round(len(parts) * asked.share / 2)))
        moments = sorted(rng.randrange(86_400) for _ in left)
        times = [account.now + timedelta(seconds=second) for second in moments]
        gone = "unsubscribed_subscribers"
        states = {"Date": stamp(end), "State": SUBSCRIBER_STATES[gone]}
        others = [*(account.get(gone, list_id) or []), *(parts[at] | states for at in left)]
        came = [_newcomer(moment, ACTIVE, rng) for moment in times]
        account.replace(gone, list_id, others)
        account.replace(ACTIVE, list_id, Parts.of([*parts.without(left), came]))
        moved += 2 * len(left)
    account.now = end
    return moved


class Life:
    """Lets an account live for some days and tells what happened to whom."""

    def __init__(self, account: Account, days: Days) -> None:
        self._account = account
        self._days = days
        self._rng = Random(f"{days.seed}:{account.now}")
        self._events: list[dict[str, str]] = []

    def live(self) -> list[dict[str, str]]:
        """Let time pass; one record for each thing that happened on a list."""
        end = self._account.now + timedelta(days=self._days.days)
        for list_id in sorted(self._account.tables["list_details"]):
            self._live_on(list_id, end)
        for owner, report in self._reports():
            self._report(owner, report, end)
        self._account.now = end
        return self._events

    def _moments(self, count: int, end: datetime) -> list[datetime]:
        length = (end - self._account.now).total_seconds()
        return sorted(
            self._account.now + timedelta(seconds=int(length * self._rng.random()))
            for _ in range(count)
        )

    def _live_on(self, list_id: str, end: datetime) -> None:
        states = {
            name: list(rows)
            for name in SUBSCRIBER_STATES
            if isinstance(rows := self._account.get(name, list_id) or [], list)
        }
        if len(states) < len(SUBSCRIBER_STATES):
            return
        kinds = [
            kind for kind in self._days.kinds for _ in range(self._rng.randint(0, self._days.most))
        ]
        self._rng.shuffle(kinds)
        for kind, moment in zip(kinds, self._moments(len(kinds), end), strict=True):
            address = _HAPPENINGS[kind](states, moment, self._rng)
            if address:
                self._events.append({"what": kind, "list": list_id, "address": address})
                if kind in ("leave", "bounce"):
                    self._suppress(list_id, address, moment)
        for name, rows in states.items():
            self._account.replace(name, list_id, rows)

    def _suppress(self, list_id: str, address: str, moment: datetime) -> None:
        client = self._account.owners[list_id]
        rows = [
            row
            for row in self._account.get("suppression_list", client) or []
            if row["EmailAddress"] != address
        ]
        if rows and self._rng.random() < 0.05:
            rows.remove(self._rng.choice(rows))
        row = {"EmailAddress": address, "Date": stamp(moment), "State": "Suppressed"}
        self._account.replace(
            "suppression_list", client, [*rows, row | {"SuppressionReason": "Unsubscribed"}]
        )

    def _reports(self) -> Iterator[tuple[str, str]]:
        tables = self._account.tables
        names = [*(f"campaign_{name}" for name in REPORTS), "journey_email_recipients"]
        names += [f"journey_email_{name}" for name in REPORTS[:-1]]
        for name in names:
            for _ in range(self._rng.randint(0, self._days.reports)):
                if owners := [owner for owner in tables[name] if tables[name][owner]]:
                    yield self._rng.choice(owners), name

    def _report(self, owner: str, name: str, end: datetime) -> None:
        rows = self._account.get(name, owner)
        [moment] = self._moments(1, end)
        time = "SentDate" if name.endswith("recipients") else "Date"
        row = self._rng.choice(rows) | {time: stamp(moment)}
        if name in ("campaign_bounces", "campaign_spam_complaints"):
            row["EmailAddress"] = _address(self._rng)
        self._account.replace(name, owner, [*rows, row])


States = dict[str, list[Row]]


def _address(rng: Random) -> str:
    return f"life.{rng.getrandbits(48):012x}@example.org"


def _newcomer(moment: datetime, state: str, rng: Random) -> Row:
    address = _address(rng)
    return {
        "EmailAddress": address,
        "Name": address[:9],
        "Date": stamp(moment),
        "ListJoinedDate": stamp(moment),
        "State": SUBSCRIBER_STATES[state],
        "CustomFields": [],
        "ReadsEmailWith": "",
        "ConsentToTrack": "Unchanged",
    }


def _take(states: States, names: Sequence[str], rng: Random) -> Row | None:
    peopled = [name for name in names if states[name]]
    if not peopled:
        return None
    rows = states[rng.choice(peopled)]
    return rows.pop(rng.randrange(len(rows)))


def _moves(names: Sequence[str], to: str) -> Callable[[States, datetime, Random], str]:
    def happen(states: States, moment: datetime, rng: Random) -> str:
        row = _take(states, names, rng)
        if row is None:
            return ""
        moved = row | {"Date": stamp(moment), "State": SUBSCRIBER_STATES[to]}
        states[to].append(moved)
        return str(row["EmailAddress"])

    return happen


def _joins(to: str, *, old: bool = False) -> Callable[[States, datetime, Random], str]:
    def happen(states: States, moment: datetime, rng: Random) -> str:
        since = moment - timedelta(days=rng.randint(30, 800)) if old else moment
        row = _newcomer(since, to, rng)
        states[to].append(row)
        return str(row["EmailAddress"])

    return happen


def _changes(field: str) -> Callable[[States, datetime, Random], str]:
    def happen(states: States, _: datetime, rng: Random) -> str:
        peopled = [name for name in states if states[name]]
        if not peopled:
            return ""
        name = rng.choice(peopled)
        at = rng.randrange(len(states[name]))
        row: dict[str, Any] = states[name][at]
        states[name][at] = row | {field: f"{row['EmailAddress'].removesuffix(CHANGED)}{CHANGED}"}
        return str(row["EmailAddress"])

    return happen


def _vanishes(states: States, _: datetime, rng: Random) -> str:
    row = _take(states, tuple(states), rng)
    return "" if row is None else str(row["EmailAddress"])


_HAPPENINGS: Final = {
    "join": _joins(ACTIVE),
    "leave": _moves([ACTIVE], "unsubscribed_subscribers"),
    "bounce": _moves([ACTIVE], "bounced_subscribers"),
    "delete": _moves(
        [ACTIVE, "unsubscribed_subscribers", "bounced_subscribers"], "deleted_subscribers"
    ),
    "come_back": _moves(
        ["unsubscribed_subscribers", "bounced_subscribers", "deleted_subscribers"], ACTIVE
    ),
    "ask_to_join": _joins("unconfirmed_subscribers"),
    "confirm": _moves(["unconfirmed_subscribers"], ACTIVE),
    "edit": _changes("Name"),
    "change_address": _changes("EmailAddress"),
    "delete_for_good": _vanishes,
    "import_old": _joins(ACTIVE, old=True),
}
"""For each kind what happens, and to whom; nobody: it could not."""
