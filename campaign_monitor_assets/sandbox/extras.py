"""What else the API lets one read: not part of any table, but the vendor's SDK knows it."""

from collections.abc import Mapping

from .account import SUBSCRIBER_STATES, Account, Json, Row, stamp
from .names import COUNTRIES, TIMEZONES
from .pages import Query, RefusedError


def extra(account: Account, path: str, query: Query) -> Json:
    """The content of such a path; None where there is none."""
    content: Json
    match path.removesuffix(".json").strip("/").split("/"):
        case ["clients", client, "primarycontact"] if people := account.get("people", client):
            content = {"EmailAddress": people[0]["EmailAddress"]}
        case ["clients", client, "listsforemail"] if account.get("lists", client) is not None:
            content = _lists_of(account, client, query.get("email", ""))
        case ["templates", template]:
            content = _template(account, template)
        case ["subscribers", list_id] if account.get("list_details", list_id):
            content = _subscriber(account, list_id, query.get("email", ""))
        case ["subscribers", list_id, "history"] if account.get("list_details", list_id):
            _subscriber(account, list_id, query.get("email", ""))
            content = []
        case [name]:
            content = _of_account(account).get(name)
        case _:
            content = None
    return content


def _of_account(account: Account) -> Mapping[str, Json]:
    return {
        "timezones": TIMEZONES,
        "countries": COUNTRIES,
        "systemdate": {"SystemDate": stamp(account.now)},
        "billingdetails": {"Credits": 123},
        "primarycontact": {"EmailAddress": account.get("administrators")[0]["EmailAddress"]},
    }


def _template(account: Account, template: str) -> Row:
    for rows in account.tables["templates"].values():
        for row in rows:
            if row["TemplateID"] == template:
                return dict(row)
    raise RefusedError(400, 751, "Invalid TemplateID")


def _subscriber(account: Account, list_id: str, address: str) -> Row:
    for collection in SUBSCRIBER_STATES:
        for row in account.get(collection, list_id) or ():
            if row["EmailAddress"].lower() == address.lower():
                return dict(row)
    raise RefusedError(400, 203, "Subscriber not in list or has already been removed.")


def _lists_of(account: Account, client: str, address: str) -> list[dict[str, str]]:
    found = []
    for row in account.get("lists", client):
        try:
            subscriber = _subscriber(account, row["ListID"], address)
        except RefusedError:
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
