"""What else the API lets one read: not part of any table, but the vendor's SDK knows it."""

from typing import Any

from .account import ACCOUNT, SUBSCRIBER_STATES, Account, stamp
from .names import COUNTRIES, TIMEZONES
from .pages import Query, Refused


def extra(account: Account, path: str, query: Query) -> Any:
    """The content of such a path; None where there is none."""
    match path.removesuffix(".json").strip("/").split("/"):
        case ["timezones"]:
            return list(TIMEZONES)
        case ["countries"]:
            return list(COUNTRIES)
        case ["systemdate"]:
            return {"SystemDate": stamp(account.now)}
        case ["billingdetails"]:
            return {"Credits": 123}
        case ["primarycontact"]:
            return {"EmailAddress": account.get("administrators", ACCOUNT)[0]["EmailAddress"]}
        case ["clients", client, "primarycontact"] if people := account.get("people", client):
            return {"EmailAddress": people[0]["EmailAddress"]}
        case ["clients", client, "listsforemail"] if account.get("lists", client) is not None:
            return _lists_of(account, client, query.get("email", ""))
        case ["templates", template]:
            for rows in account.tables["templates"].values():
                for row in rows:
                    if row["TemplateID"] == template:
                        return row
            raise Refused(400, 751, "Invalid TemplateID")
        case ["subscribers", list_id] if account.get("list_details", list_id):
            return _subscriber(account, list_id, query.get("email", ""))
        case ["subscribers", list_id, "history"] if account.get("list_details", list_id):
            _subscriber(account, list_id, query.get("email", ""))
            return []
    return None


def _subscriber(account: Account, list_id: str, address: str) -> Any:
    for collection in SUBSCRIBER_STATES:
        for row in account.get(collection, list_id) or ():
            if row["EmailAddress"].lower() == address.lower():
                return row
    raise Refused(400, 203, "Subscriber not in list or has already been removed.")


def _lists_of(account: Account, client: str, address: str) -> list[dict[str, str]]:
    found = []
    for row in account.get("lists", client):
        try:
            subscriber = _subscriber(account, row["ListID"], address)
        except Refused:
            continue
        found.append(
            {
                "ListID": row["ListID"],
                "ListName": row["Name"],
                "SubscriberState": subscriber["State"],
                "DateSubscriberAdded": subscriber["ListJoinedDate"],
            }
        )
    return found
