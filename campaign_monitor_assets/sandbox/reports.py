"""Sent campaigns and journeys, and their reports."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final

from .account import Row, Size, Tables, moment_of, stamp
from .mailing import Mailing
from .names import SUBJECTS, TAGS

MOST_RECIPIENTS: Final = 300


@dataclass
class Reports:
    """Adds to the tables what the clients have sent."""

    tables: Tables
    size: Size
    claimed: set[tuple[str, str]] = field(default_factory=set)
    """(list, address) of those whose leaving some mailing has already caused."""
    complaints: set[str] = field(default_factory=set)

    def add_campaigns(self, client: str, numbers: Sequence[int]) -> list[str]:
        """Add a client's sent campaigns, oldest first: who has left gets none of the later."""
        self.tables["campaigns"][client] = []
        sent = [self._add_campaign(client, number) for number in numbers]
        tags = Counter(
            tag for row in self.tables["campaigns"][client] for tag in row.get("Tags", ())
        )
        self.tables["tags"][client] = [
            {"Name": name, "NumberOfCampaigns": count} for name, count in sorted(tags.items())
        ]
        return sent

    def _add_campaign(self, client: str, number: int) -> str:
        rng = self.size.rng("campaign", number)
        campaign = self.size.identifier("campaign", number)
        age = timedelta(days=540) * (self.size.campaigns - 1 - number) / self.size.campaigns
        sent = (self.size.now - age - timedelta(hours=2)).replace(microsecond=0)
        lists, segments = self._audience(client, number, rng)
        # One campaign went to nobody, and the last has only just gone out.
        people = [] if number == 3 else self._recipients(lists, segments, sent, rng)
        mailing = Mailing(self.size, rng, people)
        if number != self.size.campaigns - 1:
            self._let_leave(mailing)
            mailing.happen()
        self.complaints |= {row["EmailAddress"] for row in mailing.events["spam_complaints"]}
        row = _campaign(campaign, number, sent, len(people))
        self.tables["campaigns"][client].insert(0, row)
        sides: Row = {"Lists": lists} if lists else {}
        sides |= {"Segments": segments} if segments else {}
        self.tables["campaign_lists_and_segments"][campaign] = sides
        self._file_reports(campaign, row, mailing)
        return campaign

    def _audience(self, client: str, number: int, rng: Random) -> tuple[list[Row], list[Row]]:
        lists = self.tables["lists"].get(client, [])
        segments = self.tables["segments"].get(client, [])
        if number % 5 == 4 and segments:
            return (lists[:1] if number % 2 else []), [segments[number % len(segments)]]
        return rng.sample(lists, min(len(lists), 1 + number % 2)), []

    def _recipients(
        self, lists: Iterable[Row], segments: Iterable[Row], sent: datetime, rng: Random
    ) -> list[Row]:
        pools = [(each["ListID"], self._pool(each["ListID"], stamp(sent))) for each in lists]
        for each in segments:
            members = self.tables["segment_subscribers"][each["SegmentID"]]
            joined = [row for row in members if row["ListJoinedDate"] < stamp(sent)]
            pools.append((each["ListID"], joined))
        people: dict[str, Row] = {}
        for list_id, pool in pools:
            for row in rng.sample(pool, min(len(pool), MOST_RECIPIENTS)):
                # Who is on two of the lists gets one e-mail.
                person = {"ListID": list_id, "sent": sent, "row": row}
                people.setdefault(row["EmailAddress"].lower(), person)
        return list(people.values())

    def _pool(self, list_id: str, sent: str) -> list[Row]:
        active = self.tables["active_subscribers"][list_id]
        stayed = [row for row in active if row["ListJoinedDate"] < sent]
        gone = [
            row
            for collection in ("unsubscribed_subscribers", "bounced_subscribers")
            for row in self.tables[collection][list_id]
            if row["ListJoinedDate"] < sent < row["Date"]
            and (list_id, row["EmailAddress"]) not in self.claimed
        ]
        return stayed + gone[: 2 + len(stayed) // 50]

    def _let_leave(self, mailing: Mailing) -> None:
        for person in mailing.people:
            if person["row"]["State"] != "Active":
                person["row"]["Date"] = mailing.later(person["sent"])
                self.claimed.add((person["ListID"], person["row"]["EmailAddress"]))

    def _file_reports(self, campaign: str, row: Row, mailing: Mailing) -> None:
        recipients = [
            {"EmailAddress": each["row"]["EmailAddress"], "ListID": each["ListID"]}
            for each in mailing.people
        ]
        self.tables["campaign_recipients"][campaign] = recipients
        for name, rows in mailing.events.items():
            self.tables[f"campaign_{name}"][campaign] = rows
        self.tables["campaign_email_client_usage"][campaign] = mailing.usage()
        self.tables["campaign_summary"][campaign] = _summary(row, mailing)

    def add_journeys(self, client: str, count: int) -> dict[str, list[str]]:
        """Add journeys to a client; gives the EmailIDs of each."""
        self.tables["journeys"][client] = []
        made = {}
        lists = self.tables["lists"].get(client, [])
        for number in range(count if lists else 0):
            journey = self.size.identifier("journey", client, number)
            head = {"JourneyID": journey, "Name": f"Welcome, journey {number + 1} →"}
            status = "Active" if number == 0 else "Paused"
            list_id = lists[number % len(lists)]["ListID"]
            row = head | {"ListID": list_id, "Status": status}
            self.tables["journeys"][client].append(row)
            emails = [self._add_email(journey, list_id, at) for at in range(3 - number)]
            self.tables["journey_emails"][journey] = head | {
                "TriggerType": "On Subscription",
                "Status": status,
                "Emails": emails,
            }
            made[journey] = [each["EmailID"] for each in emails]
        return made

    def _add_email(self, journey: str, list_id: str, number: int) -> Row:
        email = self.size.identifier("email", journey, number)
        rng = self.size.rng("email", journey, number)
        # The last e-mail of a long journey has not reached anybody yet.
        people = self._travellers(list_id, rng) if number < 2 else []
        mailing = Mailing(self.size, rng, people)
        mailing.happen()
        self.complaints |= {row["EmailAddress"] for row in mailing.events["spam_complaints"]}
        self._file_journey_reports(email, mailing)
        events = mailing.events
        return {
            "EmailID": email,
            "Name": f"Step {number + 1} · ¡hola!",
            "Bounced": len(events["bounces"]),
            "Clicked": len(events["clicks"]),
            "Opened": len(events["opens"]),
            "Sent": len(people),
            "UniqueOpened": mailing.unique_openers(),
            "Unsubscribed": len(events["unsubscribes"]),
        }

    def _travellers(self, list_id: str, rng: Random) -> list[Row]:
        active = self.tables["active_subscribers"][list_id]
        people = []
        for row in rng.sample(active, min(len(active), 90)):
            sent = self.size.now - timedelta(seconds=rng.randrange(90 * 86_400))
            sent = max(sent, moment_of(row["ListJoinedDate"]))
            people.append({"ListID": list_id, "sent": sent, "row": row})
        for row in self.tables["unsubscribed_subscribers"][list_id]:
            person = (list_id, row["EmailAddress"])
            if person not in self.claimed and len(people) < 94:
                self.claimed.add(person)
                joined = moment_of(row["ListJoinedDate"])
                people.append({"ListID": list_id, "sent": joined, "row": row})
        return people

    def _file_journey_reports(self, email: str, mailing: Mailing) -> None:
        self.tables["journey_email_recipients"][email] = [
            {"EmailAddress": each["row"]["EmailAddress"], "SentDate": stamp(each["sent"])}
            for each in mailing.people
        ]
        for name in ("opens", "clicks", "bounces", "unsubscribes"):
            self.tables[f"journey_email_{name}"][email] = [
                {key: value for key, value in row.items() if key != "ListID"}
                for row in mailing.events[name]
            ]


def _campaign(campaign: str, number: int, sent: datetime, recipients: int) -> Row:
    row = {
        "CampaignID": campaign,
        "Name": f"Campaign {number + 1} {sent:%b %Y}",
        "Subject": SUBJECTS[number % len(SUBJECTS)],
        "FromName": "Café Münchner" if number % 2 else "O'Brien",
        "FromEmail": "sender@example.com",
        "ReplyTo": "reply@example.com",
        "SentDate": stamp(sent),
        "TotalRecipients": recipients,
        "WebVersionURL": f"https://example.com/w/{campaign}",
        "WebVersionTextURL": f"https://example.com/w/{campaign}/text",
    }
    tags = [tag for at, tag in enumerate(TAGS) if (number // 2 >> at) & 1]
    return row | ({"Tags": tags} if tags else {})


def _summary(row: Row, mailing: Mailing) -> Row:
    events = mailing.events
    return {
        "Name": row["Name"],
        "Recipients": len(mailing.people),
        "TotalOpened": len(events["opens"]),
        "UniqueOpened": mailing.unique_openers(),
        "Clicks": len(events["clicks"]),
        "Unsubscribed": len(events["unsubscribes"]),
        "Bounced": len(events["bounces"]),
        "SpamComplaints": len(events["spam_complaints"]),
        "Forwards": len(events["opens"]) // 40,
        "Likes": len(events["opens"]) // 30,
        "Mentions": 0,
        "WebVersionURL": row["WebVersionURL"],
        "WebVersionTextURL": row["WebVersionTextURL"],
        "WorldviewURL": f"https://example.com/r/{row['CampaignID']}",
    }
