"""The clients of the account and the small collections that hang on them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from .account import ACCOUNT, Row, Size, Tables, stamp
from .names import COMPANIES, SUBJECTS, TIMEZONES

MASTER: Final = "https://example.com"


def add_clients(tables: Tables, size: Size) -> list[str]:
    """Add clients, their details, their people and the account's administrators."""
    ids = [size.identifier("client", number) for number in range(size.clients)]
    tables["clients"][ACCOUNT] = []
    for number, client in enumerate(ids):
        company, *about = COMPANIES[number % len(COMPANIES)]
        if number >= len(COMPANIES):
            company = f"{company} {number // len(COMPANIES) + 1}"
        tables["clients"][ACCOUNT].append({"ClientID": client, "Name": company})
        tables["client_details"][client] = _details(size, client, company, about)
        tables["people"][client] = [_person(client, about[0], 23)] + (
            [_person(client, "Ada “the boss” Li", 1023)] if number == 0 else []
        )
    tables["administrators"][ACCOUNT] = [
        {"EmailAddress": "admin.one@example.com", "Name": "Admin Ünë", "Status": "Active"},
        {"EmailAddress": "admin.two@example.com", "Name": "Admin Two", "Status": "Waiting"},
    ]
    return ids


def client_key(size: Size, client: str) -> str:
    """The API key of one client."""
    return size.identifier("key", client)


def _details(size: Size, client: str, company: str, about: Sequence[str]) -> Row:
    contact, country, zone = about
    return {
        "ApiKey": client_key(size, client),
        "BasicDetails": {
            "ClientID": client,
            "CompanyName": company,
            "ContactName": contact,
            "EmailAddress": f"contact.{client[:6]}@example.com",
            "Country": country,
            "TimeZone": zone,
        },
        "BillingDetails": {"CanPurchaseCredits": False, "ClientPays": True, "Currency": "USD"},
        "AccessDetails": {"AccessLevel": 63, "Username": f"user-{client[:6]}"},
    }


def _person(client: str, name: str, level: int) -> Row:
    address = f"person.{level}.{client[:6]}@example.org"
    return {"EmailAddress": address, "Name": name, "Status": "Active", "AccessLevel": level}


def add_plans(tables: Tables, size: Size, client: str, *, empty: bool) -> None:
    """Add what a client has not sent: scheduled campaigns, drafts and templates."""
    count = 0 if empty else 2
    name = "scheduled_campaigns"
    tables[name][client] = [_unsent(size, client, name, at) for at in range(count)]
    for at, row in enumerate(tables[name][client]):
        row["DateScheduled"] = stamp(size.now + timedelta(days=2 + at, hours=7))
        row["ScheduledTimeZone"] = TIMEZONES[at * 4]
    name = "draft_campaigns"
    tables[name][client] = [_unsent(size, client, name, at) for at in range(count + 1)]
    tables["templates"][client] = []
    for at in range(count):
        template = size.identifier("template", client, at)
        url = f"{MASTER}/templates/{template}"
        row = {"TemplateID": template, "Name": f"Template “{at + 1}”"}
        tables["templates"][client].append(
            row | {"PreviewURL": f"{url}/preview", "ScreenshotURL": f"{url}.jpg"}
        )


def _unsent(size: Size, client: str, kind: str, number: int) -> Row:
    campaign = size.identifier(kind, client, number)
    row = {
        "CampaignID": campaign,
        "Name": f"{kind.partition('_')[0].title()} № {number + 1}",
        "Subject": SUBJECTS[number % len(SUBJECTS)],
        "FromName": "Редакция",
        "FromEmail": "sender@example.com",
        "ReplyTo": "reply@example.com",
        "DateCreated": stamp(size.now - timedelta(days=3 + number)),
        "PreviewURL": f"{MASTER}/p/{campaign}",
        "PreviewTextURL": f"{MASTER}/p/{campaign}/text",
    }
    return row | ({"Tags": ["promo"]} if number % 2 else {})
