"""Lists with their fields and segments, and the people on them."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Final

from .account import SUBSCRIBER_STATES, Row, Size, Tables, stamp
from .names import FIRST_NAMES, INTERESTS, LAST_NAMES, LISTS, MAIL_PROGRAMS, NOTES, PLACES, PLANS

LARGE_LIST: Final = 3400
EMPTY_LIST: Final = 4
"""Which list of an account of default size holds nobody."""

SHARES: Final = {
    "unsubscribed_subscribers": 0.06,
    "bounced_subscribers": 0.03,
    "unconfirmed_subscribers": 0.01,
    "deleted_subscribers": 0.02,
}
FIELDS: Final = (
    ("City", "Text", ()),
    ("Plan", "MultiSelectOne", PLANS),
    ("Interests", "MultiSelectMany", INTERESTS),
    ("Birthday", "Date", ()),
    ("Visits", "Number", ()),
    ("Notes", "Text", ()),
)


def add_list(tables: Tables, size: Size, client: str, number: int) -> str:
    """Add a list to a client, with its people, fields, webhooks, segments and counts."""
    list_id = size.identifier("list", number)
    name = LISTS[number % len(LISTS)]
    if number >= len(LISTS):
        name = f"{name} ({number // len(LISTS) + 1})"
    tables["lists"].setdefault(client, []).append({"ListID": list_id, "Name": name})
    tables["list_details"][list_id] = {
        "ListID": list_id,
        "Title": name,
        "UnsubscribePage": "",
        "UnsubscribeSetting": "AllClientLists" if number % 2 == 0 else "OnlyThisList",
        "ConfirmedOptIn": number % 3 == 0,
        "ConfirmationSuccessPage": "",
    }
    tables["list_custom_fields"][list_id] = [] if number == EMPTY_LIST else _fields()
    tables["list_webhooks"][list_id] = [_webhook(size, number)] if number == 0 else []
    _add_people(tables, size, client, list_id, number)
    _add_segments(tables, size, client, list_id, number)
    return list_id


def _fields() -> list[Row]:
    return [
        {
            "FieldName": name,
            "Key": f"[{name}]",
            "DataType": kind,
            "FieldOptions": list(choices),
            "VisibleInPreferenceCenter": kind != "Number",
        }
        for name, kind, choices in FIELDS
    ]


def _webhook(size: Size, number: int) -> Row:
    return {
        "WebhookID": size.identifier("webhook", number),
        "Events": ["Subscribe", "Deactivate"],
        "Url": "https://example.com/hook?a=1&b=ü",
        "Status": "Active",
        "PayloadFormat": "Json",
    }


def _active_count(size: Size, number: int, rng: Random) -> int:
    if size.subscribers is not None:
        return size.subscribers
    if number == EMPTY_LIST:
        return 0
    return LARGE_LIST if number == 0 else rng.randrange(120, 380)


def _add_people(tables: Tables, size: Size, client: str, list_id: str, number: int) -> None:
    rng = size.rng("people", number)
    count = _active_count(size, number, rng)
    others = [row for row in tables["lists"][client] if row["ListID"] != list_id]
    first = others[0]["ListID"] if others else None
    for collection, state in SUBSCRIBER_STATES.items():
        wanted = count if state == "Active" else round(count * SHARES[collection])
        tables[collection][list_id] = [
            _subscriber(size, rng, state, f"{number}{state[0].lower()}{at}") for at in range(wanted)
        ]
    if first is not None:
        _share_addresses(tables["active_subscribers"], first, list_id, rng)


def _share_addresses(active: dict[str, list[Row]], first: str, list_id: str, rng: Random) -> None:
    # Only active people are on two lists: whoever left one is suppressed for the whole client.
    rows = active[list_id]
    common = rng.sample(active[first], min(len(rows) // 8, len(active[first])))
    for row, known in zip(rows, common, strict=False):
        row["EmailAddress"], row["Name"] = known["EmailAddress"], known["Name"]


def _subscriber(size: Size, rng: Random, state: str, mark: str) -> Row:
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    joined = size.now - timedelta(seconds=rng.randrange(int(3 * 365 * 86_400 * rng.random()) + 60))
    since = joined
    if state != "Active" or rng.random() < 0.2:
        since += timedelta(seconds=int((size.now - joined).total_seconds() * rng.random()))
    address = f"{first[1]}.{last[1]}.{mark}@example.{rng.choice(('com', 'org', 'net'))}"
    row: Row = {
        "EmailAddress": address.title() if rng.random() < 0.02 else address,
        "Name": "" if rng.random() < 0.03 else f"{first[0]} {last[0]}",
        "Date": stamp(since),
        "ListJoinedDate": stamp(joined),
        "State": state,
        "CustomFields": _custom_values(rng),
        "ReadsEmailWith": rng.choice(MAIL_PROGRAMS)[0] if rng.random() < 0.7 else "",
        "ConsentToTrack": rng.choice(("Yes", "No", "Unchanged")),
    }
    if rng.random() < 0.3:
        row["MobileNumber"] = f"+61491570{rng.randrange(1000):03}"
        row["ConsentToSendSms"] = rng.choice(("Yes", "No", "Unchanged"))
    return row


def _custom_values(rng: Random) -> list[Row]:
    values = [("City", rng.choice(PLACES)[0])] if rng.random() < 0.8 else []
    values.append(("Plan", rng.choice(PLANS)))
    values += [("Interests", each) for each in rng.sample(INTERESTS, rng.randrange(4))]
    if rng.random() < 0.3:
        values.append(("Birthday", f"{rng.randrange(1950, 2005)}/{rng.randrange(1, 13):02}/09"))
    if rng.random() < 0.3:
        values.append(("Visits", str(rng.randrange(100))))
    if rng.random() < 0.1:
        values.append(("Notes", rng.choice(NOTES)))
    return [{"Key": key, "Value": value} for key, value in values]


def _rules(size: Size) -> Sequence[tuple[str, str, str, Callable[[Row], bool]]]:
    year_ago = stamp(size.now - timedelta(days=365))
    gold = {"Key": "Plan", "Value": "Gold"}
    nobody = "nobody@example.com"
    joined = f"AFTER {year_ago[:10]}"
    return (
        ("Gold plan", "[Plan]", "EQUALS Gold", lambda row: gold in row["CustomFields"]),
        ("This year", "DateSubscribed", joined, lambda row: row["ListJoinedDate"] > year_ago),
        ("∅ Nobody", "EmailAddress", f"EQUALS {nobody}", lambda row: row["EmailAddress"] == nobody),
    )


def _add_segments(tables: Tables, size: Size, client: str, list_id: str, number: int) -> None:
    tables["segments"].setdefault(client, [])
    if number % 2:
        return
    for title, kind, clause, matches in _rules(size)[: 3 if number == 0 else 2]:
        segment = size.identifier("segment", list_id, title)
        row = {"SegmentID": segment, "ListID": list_id, "Title": title}
        people = [each for each in tables["active_subscribers"][list_id] if matches(each)]
        tables["segments"][client].append(row)
        tables["segment_subscribers"][segment] = people
        tables["segment_details"][segment] = row | {
            "ActiveSubscribers": len(people),
            "RuleGroups": [{"Rules": [{"RuleType": kind, "Clause": clause}]}],
        }


def add_suppression_list(tables: Tables, size: Size, client: str, complaints: set[str]) -> None:
    """Add the addresses that the client may not write to, and why.

    Comes after the reports: they decide when somebody left, and who complained.
    """
    listed: dict[str, Row] = {}
    for list_row in tables["lists"].get(client, []):
        details = tables["list_details"][list_row["ListID"]]
        everyone = details["UnsubscribeSetting"] == "AllClientLists"
        for collection in ("unsubscribed_subscribers", "bounced_subscribers"):
            for row in tables[collection][list_row["ListID"]]:
                complained = row["EmailAddress"] in complaints
                if collection.startswith("unsub") and not everyone and not complained:
                    continue
                reason = "Spam Complaint" if complained else row["State"]
                listed[row["EmailAddress"]] = _suppressed(row["EmailAddress"], row["Date"], reason)
    for at in range(3 if listed else 0):
        date = stamp(size.now - timedelta(days=40 * at + 1))
        address = f"manual.{at}@example.net"
        listed[address] = _suppressed(address, date, "Manual")
    tables["suppression_list"][client] = list(listed.values())


def _suppressed(address: str, date: str, reason: str) -> Row:
    return {
        "EmailAddress": address,
        "Date": date,
        "State": "Suppressed",
        "SuppressionReason": reason,
    }
