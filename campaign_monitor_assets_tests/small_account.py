"""An account so small that every figure of the analytics views can be worked out by hand."""

from functools import partial
from typing import Any

from campaign_monitor_assets.sandbox import Sandbox

SYDNEY, NOWHERE = "a" * 32, "b" * 32
NEWS, VIP, EMPTY, OTHERS = "1" * 31 + "1", "2" * 32, "3" * 32, "1" * 31 + "4"

_NUMBERS = (
    "Recipients",
    "TotalOpened",
    "UniqueOpened",
    "Clicks",
    "Unsubscribed",
    "Bounced",
    "SpamComplaints",
)
_OF_A_LIST = (
    "active_subscribers",
    "unsubscribed_subscribers",
    "bounced_subscribers",
    "list_custom_fields",
)


def person(address: str, state: str, joined: str, since: str = "", **fields: Any) -> dict[str, Any]:
    return {
        "EmailAddress": address,
        "Name": "",
        "State": state,
        "Date": f"{since or joined} 12:00:00",
        "ListJoinedDate": f"{joined} 12:00:00",
        "CustomFields": fields.get("fields", []),
        "ReadsEmailWith": "",
    }


active = partial(person, state="Active")
gone = partial(person, state="Unsubscribed")
bounced = partial(person, state="Bounced")


def custom(*values: tuple[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in values]


def defined(name: str, kind: str, key: str = "") -> dict[str, Any]:
    return {
        "FieldName": name,
        "Key": f"[{key or name}]",
        "DataType": kind,
        "FieldOptions": [],
        "VisibleInPreferenceCenter": True,
    }


def campaign(box: Sandbox, number: int, sent: str, **numbers: int) -> dict[str, Any]:
    """A sent campaign; its report has the given numbers and is zero in the others."""
    identifier = f"{number:032x}"
    summary = dict.fromkeys(_NUMBERS, 0) | numbers
    box.mutate("campaign_summary", identifier, {"Name": f"№ {number}", **summary})
    for report in ("recipients", "opens", "clicks", "bounces", "spam_complaints"):
        box.mutate(f"campaign_{report}", identifier, [])
    return {
        "CampaignID": identifier,
        "Name": f"№ {number}",
        "Subject": "Grüße 🌱",
        "SentDate": sent,
        "TotalRecipients": summary["Recipients"],
    }


def fill(box: Sandbox) -> None:
    """Two clients, four lists, seven people and six campaigns."""
    box.mutate(
        "clients",
        "",
        [
            {"ClientID": SYDNEY, "Name": "Ärzte & Söhne 東京"},
            {"ClientID": NOWHERE, "Name": "Nowhere | Ltd"},
        ],
    )
    for client, zone in (
        (SYDNEY, "(GMT+10:00) Canberra, Melbourne, Sydney"),
        (NOWHERE, "(GMT+25:00) Atlantis"),
    ):
        box.mutate("client_details", client, {"BasicDetails": {"TimeZone": zone}})
        box.mutate("scheduled_campaigns", client, [])
        box.mutate("suppression_list", client, [])
    fill_lists(box)
    fill_campaigns(box)


def fill_lists(box: Sandbox) -> None:
    names = {NEWS: "News ✨", VIP: "VIP", EMPTY: "お知らせ", OTHERS: "NEWS!"}
    listed = [{"ListID": list_id, "Name": name} for list_id, name in names.items()]
    box.mutate("lists", SYDNEY, listed[:3])
    box.mutate("lists", NOWHERE, listed[3:])
    for list_id in names:
        for collection in _OF_A_LIST:
            box.mutate(collection, list_id, [])
    ann = custom(
        ("[City]", "Köln"),
        ("two words", "one"),
        ("two words", "two"),
        ("Age", "42.5"),
        ("Born", "1990/02/28"),
        ("name", "Ännchen"),
        ("Forgotten", "x"),
    )
    bob = custom(
        ("City", "L'Aquila"), ("Age", "about 40"), ("Born", "2026/02/30"), ("shoesize", "43")
    )
    box.mutate(
        "active_subscribers",
        NEWS,
        [
            active("ann@example.com", joined="2026-01-10", fields=ann),
            active("Bob@Example.com", joined="2026-01-20", fields=bob),
            active("sue@example.com", joined="2026-02-05"),
        ],
    )
    box.mutate(
        "unsubscribed_subscribers",
        NEWS,
        [gone("cid@example.com", joined="2026-01-15", since="2026-03-03")],
    )
    box.mutate(
        "bounced_subscribers",
        NEWS,
        [bounced("dee@example.com", joined="2026-02-11", since="2026-02-20")],
    )
    box.mutate("active_subscribers", VIP, [active("bob@example.com", joined="2026-03-01")])
    box.mutate(
        "unsubscribed_subscribers",
        VIP,
        [
            gone("cid@example.com", joined="2025-12-31", since="2026-01-01"),
            gone("dee@example.com", joined="2026-02-01", since="2026-02-02"),
        ],
    )
    box.mutate(
        "bounced_subscribers",
        VIP,
        [bounced("eve@example.com", joined="2026-01-05", since="2026-01-06")],
    )
    box.mutate("active_subscribers", OTHERS, [active("sue@example.com", joined="2026-05-01")])
    box.mutate(
        "suppression_list",
        SYDNEY,
        [
            {
                "EmailAddress": address,
                "State": "Suppressed",
                "SuppressionReason": reason,
                "Date": day,
            }
            for address, reason, day in (
                ("SUE@example.com", "Manual", "2026-04-01 00:00:00"),
                ("ghost@example.com", "Spam Complaint", "2026-04-02 00:00:00"),
            )
        ],
    )
    box.mutate(
        "list_custom_fields",
        NEWS,
        [
            defined("City", "Text"),
            defined("two words", "MultiSelectMany", key="twowords"),
            defined("Age", "Number"),
            defined("Born", "Date"),
            defined("name", "Text"),
            defined("Shoe size", "Number", key="shoesize"),
            defined('"; drop\n', "Country", key="drop"),
        ],
    )


def fill_campaigns(box: Sandbox) -> None:
    first = campaign(
        box, 1, "2026-01-15 12:00:00",
        Recipients=10, Bounced=2, TotalOpened=6, UniqueOpened=4, Clicks=2, Unsubscribed=1,
    )  # fmt: skip
    second = campaign(
        box, 2, "2026-01-31 23:59:59",
        Recipients=90, Bounced=8, TotalOpened=6, UniqueOpened=5, Clicks=7, Unsubscribed=8,
        SpamComplaints=9,
    )  # fmt: skip
    nobody = campaign(box, 3, "2026-07-15 12:00:00")
    unreported = campaign(box, 4, "2026-07-20 00:00:00", Recipients=7)
    box.mutate("campaign_summary", unreported["CampaignID"], None)
    lost = campaign(box, 5, "2026-04-05 02:30:00", Recipients=3, Bounced=3)
    box.mutate("campaigns", SYDNEY, [first, second, nobody, unreported, lost])
    box.mutate("campaigns", NOWHERE, [campaign(box, 6, "2026-01-01 12:00:00")])
    for report, campaign_id, addresses in (
        ("recipients", first, "ann@example.com Bob@Example.com"),
        ("recipients", lost, "ann@example.com"),
    ):
        box.mutate(
            f"campaign_{report}",
            campaign_id["CampaignID"],
            [{"EmailAddress": address, "ListID": NEWS} for address in addresses.split()]
            + (
                [{"EmailAddress": "bob@example.com", "ListID": VIP}] if campaign_id is first else []
            ),
        )

    def event(address: str, at: str, **more: str) -> dict[str, str]:
        return {"EmailAddress": address, "ListID": NEWS, "Date": at, "IPAddress": "", **more}

    box.mutate(
        "campaign_opens",
        first["CampaignID"],
        [
            event("ann@example.com", "2026-01-15 13:00:00"),
            event("ann@example.com", "2026-01-16 08:00:00"),
            event("BOB@example.com", "2026-01-17 10:00:00"),
        ],
    )
    box.mutate(
        "campaign_opens", lost["CampaignID"], [event("ann@example.com", "2026-04-06 09:00:00")]
    )
    box.mutate(
        "campaign_clicks",
        first["CampaignID"],
        [event("ann@example.com", "2026-01-16 08:01:00", URL="https://example.com")],
    )
    box.mutate(
        "scheduled_campaigns",
        SYDNEY,
        [
            {
                "CampaignID": f"{number:032x}",
                "Name": zone,
                "DateScheduled": "2026-12-24 18:00:00",
                "ScheduledTimeZone": zone,
            }
            for number, zone in ((7, "(UTC+05:45) Kathmandu"), (8, "(GMT-02:00) Mid-Atlantic"))
        ],
    )
