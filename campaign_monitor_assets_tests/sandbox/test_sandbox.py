"""The sandbox, asked over real HTTP: it must be as strict as the API that it stands in for."""

import base64
import http.client
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import createsend
import pytest
import requests

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.sandbox import Sandbox, SandboxError
from campaign_monitor_assets_tests.project import TODAY

Json = Any


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with sandbox.start("--today", TODAY) as started:
        yield started


@pytest.fixture
def box(running: Sandbox) -> Sandbox:
    running.reset()
    return running


@pytest.fixture(scope="module")
def truth(running: Sandbox) -> Json:
    running.reset()
    return running.account()


@pytest.fixture(scope="module")
def large(truth: Json) -> str:
    """The list that fills several pages."""
    people: dict[str, list[Json]] = truth["active_subscribers"]
    return max(people, key=lambda key: len(people[key]))


@pytest.fixture(scope="module")
def client(truth: Json) -> str:
    return str(truth["clients"][0]["ClientID"])


def get(box: Sandbox, path: str, **query: object) -> requests.Response:
    url = f"{box.url}/{path}.json"
    return requests.get(url, params=query, auth=(box.key, "x"), timeout=30)  # type: ignore[arg-type]


def code(response: requests.Response) -> tuple[int, int]:
    return response.status_code, int(response.json()["Code"])


def addresses(response: requests.Response) -> list[str]:
    return [row["EmailAddress"] for row in response.json()["Results"]]


# Who may ask ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, (401, 50)),
        ("Basic " + base64.b64encode(b"wrong:x").decode(), (401, 100)),
        ("Basic ???", (401, 100)),
        ("Bearer made-up", (401, 120)),
        ("Bearer sandbox-expired-token", (401, 121)),
        ("Bearer sandbox-revoked-token", (401, 122)),
        ("Bearer sandbox-limited-token", (401, 60)),
    ],
)
def test_bad_credentials(box: Sandbox, header: str | None, expected: tuple[int, int]) -> None:
    """Each kind of bad credentials is refused with its own code."""
    headers = {"Authorization": header} if header else {}
    assert code(requests.get(f"{box.url}/clients.json", headers=headers, timeout=30)) == expected


def test_refresh_token(box: Sandbox) -> None:
    """A refresh token gives an access token that works, and a new refresh token."""
    form = {"grant_type": "refresh_token", "refresh_token": "sandbox-refresh-token"}
    fresh = requests.post(f"{box.root}/oauth/token", data=form, timeout=30).json()
    assert fresh["refresh_token"] != form["refresh_token"]
    headers = {"Authorization": f"Bearer {fresh['access_token']}"}
    assert requests.get(f"{box.url}/clients.json", headers=headers, timeout=30).ok
    refused = requests.post(f"{box.root}/oauth/token", data=form | {"refresh_token": "no"})
    assert refused.status_code == 400


def test_client_key(box: Sandbox, truth: Json) -> None:
    """A client's own key reads that client and nothing else."""
    mine, other = (row["ClientID"] for row in truth["clients"][:2])
    key = truth["client_details"][mine]["ApiKey"]
    limited = Sandbox(box.url, key, box.process)
    list_of_other = truth["lists"][other][0]["ListID"]
    assert get(limited, f"clients/{mine}/lists").json() == truth["lists"][mine]
    assert get(limited, "clients").status_code == 401
    assert code(get(limited, f"clients/{other}/lists")) == (401, 102)
    assert code(get(limited, f"lists/{list_of_other}/active")) == (401, 102)


def test_non_agency() -> None:
    """An account that is no agency's may not list clients or administrators."""
    with sandbox.start("--non-agency", "--lists", "1", "--campaigns", "0") as box:
        client = next(iter(box.account("client_details")["client_details"]))
        assert code(get(box, "clients")) == code(get(box, "admins")) == (403, 403)
        assert get(box, f"clients/{client}/lists").ok


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("clients/{}/lists", (401, 102)),
        ("clients/{}/campaigns", (401, 102)),
        ("lists/{}", (400, 101)),
        ("lists/{}/active", (400, 101)),
        ("segments/{}/active", (400, 271)),
        ("campaigns/{}/opens", (400, 301)),
        ("journeys/{}", (400, 3000)),
        ("journeys/email/{}/clicks", (400, 3002)),
        ("clients/{}/no-such-thing", (404, 404)),
        ("no-such-thing", (404, 404)),
    ],
)
def test_unknown_identifiers(box: Sandbox, path: str, expected: tuple[int, int]) -> None:
    """An identifier that nothing belongs to is refused with the code of its kind."""
    assert code(get(box, path.format("0" * 32))) == expected


def test_paths_outside(box: Sandbox) -> None:
    """Without the suffix the answer is XML; beside the base there is nothing."""
    auth = (box.key, "x")
    answer = requests.get(f"{box.url}/clients", auth=auth, timeout=30)
    assert answer.text.startswith("<?xml")
    assert requests.get(f"{box.root}/clients.json", auth=auth, timeout=30).status_code == 404


# Pages ------------------------------------------------------------------------------------


def test_pages_hold_everything_once(box: Sandbox, truth: Json, large: str) -> None:
    """The pages of a list together hold each of its people once, and repeat the total."""
    rows = truth["active_subscribers"][large]
    seen = []
    for page in range(1, 5):
        answer = get(box, f"lists/{large}/active", page=page).json()
        seen += answer.pop("Results")
        assert answer == {
            "ResultsOrderedBy": "email",
            "OrderDirection": "asc",
            "PageNumber": page,
            "PageSize": 1000,
            "RecordsOnThisPage": len(seen) - 1000 * (page - 1),
            "TotalNumberOfRecords": len(rows),
            "NumberOfPages": 4,
        }
    hidden = ("ConsentToTrack", "ConsentToSendSms")
    shown = [{k: v for k, v in row.items() if k not in hidden} for row in rows]
    assert sorted(map(str, seen)) == sorted(map(str, shown))


def test_empty_collection(box: Sandbox, truth: Json) -> None:
    """An empty list has no pages at all, and a page past the end no results."""
    empty = next(key for key, rows in truth["active_subscribers"].items() if not rows)
    answer = get(box, f"lists/{empty}/active").json()
    assert (answer["Results"], answer["NumberOfPages"], answer["PageNumber"]) == ([], 0, 1)
    assert get(box, f"lists/{empty}/active", page=7).json()["Results"] == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"page": "0"}, 800),
        ({"page": "x"}, 800),
        ({"pagesize": "9"}, 801),
        ({"pagesize": "1001"}, 801),
        ({"orderfield": "list"}, 802),
        ({"orderdirection": "up"}, 803),
        ({"date": "01/02/2026"}, 5),
        ({"date": "2026-01-01 00:00:00"}, 5),
        ({"date": "2026-13-01"}, 5),
    ],
)
def test_parameters_refused(box: Sandbox, large: str, query: dict[str, str], expected: int) -> None:
    """A parameter that the API does not accept is refused with its own code."""
    assert code(get(box, f"lists/{large}/active", **query)) == (400, expected)


def test_order_fields_differ(box: Sandbox, truth: Json, client: str) -> None:
    """What one report accepts another refuses."""
    campaign = truth["campaigns"][client][3]["CampaignID"]
    email = next(iter(truth["journey_email_opens"]))
    recipients = f"campaigns/{campaign}/recipients"
    assert code(get(box, recipients, orderfield="date")) == (400, 802)
    assert code(get(box, recipients, date="2026-01-01")) == (400, 5)
    assert code(get(box, f"campaigns/{campaign}/opens", orderfield="name")) == (400, 802)
    assert code(get(box, f"journeys/email/{email}/opens", orderfield="email")) == (400, 802)
    assert code(get(box, f"clients/{client}/suppressionlist", orderfield="name")) == (400, 802)
    assert get(box, f"campaigns/{campaign}/opens", orderfield="list").ok


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize(
    ("field", "name"), [("email", "EmailAddress"), ("name", "Name"), ("date", "Date")]
)
def test_order(box: Sandbox, large: str, field: str, name: str, direction: str) -> None:
    """Rows come in the order asked for, the e-mail address deciding between equals."""
    query = {"orderfield": field, "orderdirection": direction}
    rows = get(box, f"lists/{large}/active", **query).json()["Results"]
    keys = [(row[name].lower(), row["EmailAddress"].lower()) for row in rows]
    assert keys == sorted(keys, reverse=direction == "desc")


def test_date_filter(box: Sandbox, truth: Json, large: str) -> None:
    """A date keeps what changed on or after it."""
    rows = truth["active_subscribers"][large]
    moment = sorted(row["Date"] for row in rows)[1000][:16]
    kept = {row["EmailAddress"] for row in rows if row["Date"] >= moment}
    answer = get(box, f"lists/{large}/active", date=moment, pagesize=1000)
    assert answer.json()["TotalNumberOfRecords"] == len(kept) < len(rows)
    assert set(addresses(answer)) <= kept


@pytest.mark.parametrize(
    ("lie", "from_", "lost"),
    [
        ({"shift": 48}, "2026-10-22 12:00", 0),
        ({"shift": -24}, "2026-10-19 12:00", 0),
        ({"ignores": "time"}, "2026-10-20", 0),
        ({"ignores": "date"}, "", 0),
        ({"misses": 2}, "2026-10-20 12:00", 2),
    ],
)
def test_date_filter_that_lies(
    box: Sandbox, truth: Json, large: str, lie: Json, from_: str, lost: int
) -> None:
    """A date filter gives more or less than it is asked for, and its figures agree with it."""
    box.faults([{"what": "date", "times": None, "dated": True, **lie}])
    answer = get(box, f"lists/{large}/active", date="2026-10-20 12:00", pagesize=1000).json()
    dates = sorted(row["Date"] for row in truth["active_subscribers"][large])
    expected = [date for date in dates if date >= from_]
    assert answer["TotalNumberOfRecords"] == len(expected) - lost
    assert get(box, f"lists/{large}/active").json()["TotalNumberOfRecords"] == len(dates)


def test_a_life(box: Sandbox, truth: Json, large: str) -> None:
    """An account lives on: the same seed lives the same life, and a reset ends it."""
    happened = box.live(days=2, seed=5)
    assert {each["what"] for each in happened} >= {"join", "leave", "edit", "delete_for_good"}
    lived = box.account()
    dates = [row["Date"] for row in lived["active_subscribers"][large]]
    assert "2026-11-01 12:00:00" < max(dates) <= "2026-11-03 12:00:00"
    joined = {each["address"] for each in happened if each["what"] == "join"}
    left = {each["address"] for each in happened if each["what"] == "leave"}
    held = {
        state: {row["EmailAddress"] for rows in lived[state].values() for row in rows}
        for state in ("active_subscribers", "unsubscribed_subscribers")
    }
    assert joined & held["active_subscribers"]
    assert left & held["unsubscribed_subscribers"]
    assert lived["list_stats"][large]["TotalActiveSubscribers"] == len(dates)
    box.reset()
    assert box.account() == truth
    assert box.live(days=2, seed=5) == happened
    box.reset()


def test_consent_only_when_asked(box: Sandbox, truth: Json, large: str) -> None:
    """Consents are given only to who asks, that to messages only beside a number."""
    plain = get(box, f"lists/{large}/active").json()["Results"]
    query = {"includetrackingpreference": "true", "includesmspreference": "true"}
    full = get(box, f"lists/{large}/active", **query).json()["Results"]
    assert not any("ConsentToTrack" in row or "ConsentToSendSms" in row for row in plain)
    assert all("ConsentToTrack" in row for row in full)
    assert all(("ConsentToSendSms" in row) == ("MobileNumber" in row) for row in full)
    assert all(row in truth["active_subscribers"][large] for row in full[:20])


def test_sent_campaigns(box: Sandbox, truth: Json, client: str) -> None:
    """Sent campaigns come in a page, latest first, within dates and by tag."""
    rows = truth["campaigns"][client]
    path = f"clients/{client}/campaigns"
    assert get(box, path).json()["Results"] == rows
    first, last = rows[-4]["SentDate"][:10], rows[3]["SentDate"][:10]
    within = get(box, path, sentfromdate=first, senttodate=last).json()["Results"]
    assert within == rows[3:-3]
    tagged = get(box, path, tags="promo").json()["Results"]
    assert tagged == [row for row in rows if "promo" in row.get("Tags", ())]
    assert 0 < len(tagged) < len(rows)
    assert code(get(box, path, sentfromdate="soon")) == (400, 920)
    assert code(get(box, path, senttodate="late")) == (400, 922)
    wrong = {"sentfromdate": "2026-02-01", "senttodate": "2026-01-01"}
    assert code(get(box, path, **wrong)) == (400, 927)


def test_journey_reports_forget(box: Sandbox, truth: Json) -> None:
    """Journey reports give the last 30 days only, unless a date says otherwise."""
    email, rows = next(
        item for item in truth["journey_email_recipients"].items() if len(item[1]) > 10
    )
    path = f"journeys/email/{email}/recipients"
    recent = [row for row in rows if row["SentDate"] >= "2026-10-02 12:00"]
    assert get(box, path).json()["TotalNumberOfRecords"] == len(recent) < len(rows)
    everything = get(box, path, date="2000-01-01").json()
    assert everything["TotalNumberOfRecords"] == len(rows)


# What the account holds -------------------------------------------------------------------


def test_same_seed_same_account(truth: Json) -> None:
    """The same seed makes the same account in every process, another seed another."""
    day = ("--today", TODAY)
    with sandbox.start("--seed", "1", *day) as again, sandbox.start("--seed", "2", *day) as other:
        assert again.account() == truth
        assert other.account()["clients"] != truth["clients"]


def test_counts_agree(truth: Json) -> None:
    """Every count in the account is that of the rows that it counts."""
    for campaign, summary in truth["campaign_summary"].items():
        opens = truth["campaign_opens"][campaign]
        assert summary["Recipients"] == len(truth["campaign_recipients"][campaign])
        assert summary["TotalOpened"] == len(opens)
        assert summary["UniqueOpened"] == len({row["EmailAddress"] for row in opens})
        assert summary["Clicks"] == len(truth["campaign_clicks"][campaign])
        assert summary["Bounced"] == len(truth["campaign_bounces"][campaign])
        assert summary["Unsubscribed"] == len(truth["campaign_unsubscribes"][campaign])
        assert summary["SpamComplaints"] == len(truth["campaign_spam_complaints"][campaign])
        usage = truth["campaign_email_client_usage"][campaign]
        assert sum(row["Subscribers"] for row in usage) == summary["UniqueOpened"]
    for list_id, stats in truth["list_stats"].items():
        assert stats["TotalActiveSubscribers"] == len(truth["active_subscribers"][list_id])
        assert stats["TotalUnsubscribes"] == len(truth["unsubscribed_subscribers"][list_id])
        assert stats["TotalBounces"] == len(truth["bounced_subscribers"][list_id])
    for segment, details in truth["segment_details"].items():
        assert details["ActiveSubscribers"] == len(truth["segment_subscribers"][segment])


def test_events_fit_people(truth: Json) -> None:
    """Who left through a campaign is on the list as such, from that very second."""
    left = {
        (list_id, row["EmailAddress"], row["Date"])
        for list_id, rows in truth["unsubscribed_subscribers"].items()
        for row in rows
    }
    events = [
        (row["ListID"], row["EmailAddress"], row["Date"])
        for name in ("campaign_unsubscribes", "campaign_spam_complaints")
        for rows in truth[name].values()
        for row in rows
    ]
    assert events
    assert left.issuperset(events)
    suppressed = {
        row["EmailAddress"] for rows in truth["suppression_list"].values() for row in rows
    }
    complaints = [row for rows in truth["campaign_spam_complaints"].values() for row in rows]
    assert all(row["EmailAddress"] in suppressed for row in complaints)


def test_other_sizes() -> None:
    """An account can be of any size, one client, no list and no campaign included."""
    for options in (
        ("--clients", "1", "--lists", "2", "--subscribers", "3", "--campaigns", "4"),
        ("--clients", "4", "--lists", "13", "--campaigns", "1", "--today", "2024-02-29"),
        ("--clients", "2", "--lists", "0", "--campaigns", "2"),
    ):
        with sandbox.start(*options) as box:
            account = box.account()
            assert len(account["clients"]) == int(options[1])
            assert len(account["list_details"]) == int(options[3])
            for row in account["clients"]:
                assert get(box, f"clients/{row['ClientID']}/campaigns").ok


def test_believable(truth: Json, large: str) -> None:
    """The account holds the awkward things that a real one does."""
    people = truth["active_subscribers"][large]
    keys = [[value["Key"] for value in row["CustomFields"]] for row in people]
    assert any(len(each) > len(set(each)) for each in keys)
    assert any("\n" in value["Value"] for row in people for value in row["CustomFields"])
    assert all(row["ListJoinedDate"] <= row["Date"] <= "2026-11-01 12:00:00" for row in people)
    assert any(not row.isascii() for row in (each["Name"] for each in people))
    clicks = [json.dumps(row) for rows in truth["campaign_clicks"].values() for row in rows]
    assert len(clicks) > len(set(clicks))
    assert any("Tags" not in row for rows in truth["campaigns"].values() for row in rows)
    assert [] in truth["campaigns"].values()
    assert any(summary["Recipients"] == 0 for summary in truth["campaign_summary"].values())


# Faults -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "status", "start"),
    [
        ({"what": "429", "reset_after": 3}, 429, '{"Code":429'),
        ({"what": "500"}, 500, '{"Code":500'),
        ({"what": "502"}, 502, "<html>"),
        ({"what": "503"}, 503, "<html>"),
        ({"what": "504"}, 504, "<html>"),
        ({"what": "html200"}, 200, "<html>"),
        ({"what": "notjson"}, 200, '{"Results":[{"EmailAddress":'),
        ({"what": "empty"}, 200, ""),
        ({"what": "gone"}, 400, '{"Code":101'),
        ({"what": "error", "status": 400, "code": 278}, 400, '{"Code":278'),
        ({"what": "body", "status": 203, "text": "ü"}, 203, "ü"),
        ({"what": "body", "base64": "AAE="}, 200, "\0\1"),
        ({"what": "object_for_array"}, 200, '{"Unexpected":'),
        ({"what": "no_results"}, 200, '{"ResultsOrderedBy"'),
    ],
)
def test_spoiled_answers(
    box: Sandbox, large: str, rule: dict[str, Json], status: int, start: str
) -> None:
    """A fault spoils the answers that it strikes, and only as many as it is told to."""
    box.faults([{"path": "/active", "page": 2, "skip": 1, **rule}])
    path = f"lists/{large}/active"
    assert get(box, path, page=1).ok
    true = get(box, path, page=2)
    struck = get(box, path, page=2)
    struck.encoding = "utf-8"
    assert struck.status_code == status
    assert struck.text.startswith(start)
    assert struck.headers.get("X-RateLimit-Reset") == ("3" if status == 429 else None)
    assert get(box, path, page=2).json() == true.json()


def test_broken_connections(box: Sandbox, large: str) -> None:
    """A body can end before its length, and a connection before its answer."""
    box.faults([{"what": "cut", "times": 1}, {"what": "reset", "times": 1}])
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        get(box, f"lists/{large}/active")
    with pytest.raises(requests.ConnectionError):
        get(box, f"lists/{large}/active")
    assert get(box, f"lists/{large}/active").ok
    assert [each["status"] for each in box.requests()["requests"]] == [200, 0, 200]


def test_slow_answers(box: Sandbox) -> None:
    """A slow answer is late for the one who waits for it, and true for the patient."""
    box.faults([{"what": "slow", "seconds": 0.5, "times": 2}])
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{box.url}/clients.json", auth=(box.key, "x"), timeout=0.1)
    assert get(box, "clients").ok


def test_misspelt_rules(box: Sandbox) -> None:
    """A rule that cannot be understood is refused, not ignored."""
    for rule in ({"what": "503", "tines": 1}, {"what": "nothing"}, {"what": "500", "path": "("}):
        with pytest.raises(SandboxError):
            box.faults([rule])


def test_records_leave(box: Sandbox, large: str) -> None:
    """When records leave behind the reader, the rest shift and a page skips some."""
    path = f"lists/{large}/active"
    second = addresses(get(box, path, page=2, pagesize=100))
    box.faults([{"what": "churn", "path": "/active", "leave": 3}])
    first = get(box, path, page=1, pagesize=100)
    shifted = get(box, path, page=2, pagesize=100)
    assert addresses(shifted)[:97] == second[3:]
    now = shifted.json()["TotalNumberOfRecords"]
    assert now == first.json()["TotalNumberOfRecords"] - 3
    assert len(box.account("active_subscribers")["active_subscribers"][large]) == now
    assert get(box, f"lists/{large}/stats").json()["TotalActiveSubscribers"] == now


def test_records_arrive(box: Sandbox, large: str) -> None:
    """Newcomers are the latest by date, or the first by address where a rule says so."""
    path = f"lists/{large}/active"
    query: dict[str, object] = {"pagesize": 10, "orderfield": "date", "orderdirection": "desc"}
    box.faults([{"what": "churn", "arrive": 2}])
    before = addresses(get(box, path, **query))
    assert addresses(get(box, path, **query))[2:] == before[:8]
    box.faults([{"what": "churn", "arrive": 1, "arrive_by": "email"}])
    before = addresses(get(box, path, pagesize=10))
    assert addresses(get(box, path, pagesize=10))[1:] == before[:9]


def test_never_stands_still(box: Sandbox, large: str) -> None:
    """A collection can be made to change after every single page."""
    box.faults([{"what": "churn", "leave": 1, "positions": [5], "times": None}])
    totals = [get(box, f"lists/{large}/active").json()["TotalNumberOfRecords"] for _ in range(4)]
    assert totals == list(range(totals[0], totals[0] - 4, -1))


def test_mutations(box: Sandbox, truth: Json, client: str) -> None:
    """A collection can be replaced, a parent forgotten, and all be put back again."""
    rows = [row | {"New": [1, {"a": None}]} for row in truth["lists"][client]]
    box.mutate("lists", client, rows)
    assert get(box, f"clients/{client}/lists").json() == rows
    box.mutate("active_subscribers", rows[0]["ListID"], None)
    assert code(get(box, f"lists/{rows[0]['ListID']}/active")) == (400, 101)
    with pytest.raises(SandboxError):
        box.mutate("no_such_thing", client, [])
    box.reset()
    assert box.account() == truth


def test_rate_limit() -> None:
    """Beyond the rate requests are refused, whatever connection they come over."""
    with sandbox.start("--rate", "5") as box, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: get(box, "clients"), range(24)))
        statuses = box.requests()["statuses"]
    assert {each.status_code for each in answers} == {200, 429}
    assert statuses["200"] + statuses["429"] == 24
    refused = next(each for each in answers if each.status_code == 429)
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert all(each.headers["X-RateLimit-Limit"] == "5" for each in answers)


def test_reticent_rate_limit() -> None:
    """Asked to, the sandbox tells of its limit only where it refuses."""
    with sandbox.start("--rate", "5", "--reticent") as box, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: get(box, "clients"), range(24)))
    told = {(each.status_code, "X-RateLimit-Limit" in each.headers) for each in answers}
    assert told == {(200, False), (429, True)}


def test_options(tmp_path: Path) -> None:
    """Faults, compression, key and ready file can be given at the start."""
    rules, ready = tmp_path / "rules.json", tmp_path / "ready"
    rules.write_text('[{"what": "503"}]')
    options = ("--faults", str(rules), "--ready-file", str(ready), "--gzip", "--latency", "0.01")
    with sandbox.start(*options, "--subscribers", "20", key="mine") as box:
        assert ready.read_text() == box.url
        assert get(box, "clients").status_code == 503
        answer = get(box, "clients")
        assert (answer.status_code, answer.headers["Content-Encoding"]) == (200, "gzip")
        people = box.account("active_subscribers")["active_subscribers"].values()
        assert {len(rows) for rows in people} == {20}
        before = box.requests()
        with requests.Session() as session:
            for _ in range(3):
                session.get(f"{box.url}/clients.json", auth=("mine", "x"), timeout=30)
        after = box.requests()
        assert after["connections"] == before["connections"] + 1
        assert len(after["requests"]) == len(before["requests"]) + 3


def test_stop() -> None:
    """A sandbox that is told to stop ends by itself, without an error."""
    with sandbox.start("--lists", "1", "--campaigns", "0") as box:
        assert get(box, "clients").ok
    assert box.process.returncode == 0


def test_started_by_a_person() -> None:
    """It says what to paste into another shell, answers to that, and ends with Ctrl-C."""
    command = [sys.executable, "-m", "campaign_monitor_assets.sandbox", "--lists", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        word, *variables = shlex.split(process.stdout.readline())
        assert word == "export"
        said = dict(each.split("=", 1) for each in variables)
        url, key = said["CAMPAIGN_MONITOR_BASE_URL"], said["CAMPAIGN_MONITOR_API_KEY"]
        assert requests.get(f"{url}/clients.json", auth=(key, "x"), timeout=30).ok
        process.send_signal(signal.SIGINT)
    assert process.returncode == 0


def test_start_that_fails() -> None:
    """A sandbox that does not start says why."""
    with pytest.raises(SandboxError, match="--no-such-option"), sandbox.start("--no-such-option"):
        pass


def test_end_with_the_parent() -> None:
    """The sandbox ends when the process that started it is killed."""
    script = (
        "from campaign_monitor_assets import sandbox\n"
        "import os, time\n"
        "with sandbox.start('--lists', '1', '--campaigns', '0') as box:\n"
        "    print(box.url, flush=True)\n"
        "    time.sleep(60)\n"
    )
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": root},
    )
    assert parent.stdout is not None
    url = parent.stdout.readline().strip()
    assert requests.get(f"{url}/clients.json", timeout=30).status_code == 401
    parent.kill()
    parent.wait()
    for _ in range(100):
        try:
            requests.get(f"{url}/slow.json", timeout=1)
        except requests.ConnectionError:
            return
        subprocess.run(["sleep", "0.1"], check=True)
    pytest.fail("the sandbox outlived its parent")


# Bulk -------------------------------------------------------------------------------------


def test_bulk() -> None:
    """A bulk account answers like any other: pages, dates, consents, orders and churn."""
    with sandbox.start("--bulk", "3x2500x2") as box:
        lists = [row for rows in box.account("lists")["lists"].values() for row in rows]
        assert (len(lists), len(get(box, "clients").json())) == (3, 2)
        path = f"lists/{lists[1]['ListID']}/active"
        truth = box.account("active_subscribers")["active_subscribers"][lists[1]["ListID"]]
        query: dict[str, object] = {"orderfield": "date", "includetrackingpreference": "true"}
        pages = [get(box, path, page=at, **query).json() for at in (1, 2, 3, 4)]
        assert [row for page in pages for row in page["Results"]] == truth
        assert len(truth) == pages[0]["TotalNumberOfRecords"] == 2500
        assert "ConsentToTrack" not in get(box, path).text
        late = [row for row in truth if row["Date"] >= "2025-06-01"]
        since = get(box, path, date="2025-06-01", pagesize=1000, **query).json()
        assert (since["TotalNumberOfRecords"], since["Results"]) == (len(late), late[:1000])
        back = get(box, path, orderdirection="desc", pagesize=10, **query).json()["Results"]
        assert back == truth[:-11:-1]
        assert box.move(0.01) == 3 * 2 * round(2500 * 0.005)
        moved = box.account("active_subscribers")["active_subscribers"][lists[1]["ListID"]]
        gone = get(box, path.replace("active", "unsubscribed")).json()["Results"]
        came = [row for row in moved if row not in truth]
        assert len(moved) == len(truth)
        assert len(came) == len(gone) == round(2500 * 0.005)
        assert {row["Date"] for row in came} > {moved[-1]["Date"]}
        pages = [get(box, path, page=at, **query).json()["Results"] for at in (1, 2, 3)]
        assert [row for page in pages for row in page] == moved
        newest = {"date": min(row["Date"] for row in came)[:16], "orderfield": "date"}
        assert get(box, path, **newest).json()["TotalNumberOfRecords"] == len(came)
        assert "ConsentToTrack" not in get(box, path, **newest).text
        box.reset()
        box.faults([{"what": "churn", "leave": 2, "arrive": 1}])
        assert addresses(get(box, path)) == [row["EmailAddress"] for row in truth[:1000]]
        assert addresses(get(box, path))[0] == truth[2]["EmailAddress"]
        assert get(box, path).json()["TotalNumberOfRecords"] == 2499


# The vendor's SDK -------------------------------------------------------------------------


def plain(value: Json) -> Json:
    """The SDK's objects as JSON again."""
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, type):
        return {k: plain(v) for k, v in vars(value).items() if not k.startswith("__")}
    return value


def everything(page: Json) -> list[str]:
    return sorted(map(str, plain(page)["Results"]))


def shown(rows: Json) -> list[str]:
    hidden = ("ConsentToTrack", "ConsentToSendSms")
    return sorted(str({k: v for k, v in row.items() if k not in hidden}) for row in rows)


@pytest.fixture
def auth(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr("createsend.createsend.VerifiedHTTPSConnection", http.client.HTTPConnection)
    monkeypatch.setattr(createsend.CreateSend, "base_uri", box.url)
    monkeypatch.setattr(createsend.CreateSend, "oauth_token_uri", f"{box.root}/oauth/token")
    return {"api_key": box.key}


def test_sdk_reads_the_account(truth: Json, auth: dict[str, str]) -> None:
    """The vendor's SDK reads the account and its clients as they truly are."""
    account = createsend.CreateSend(auth)
    assert plain(account.clients()) == truth["clients"]
    assert plain(account.administrators()) == truth["administrators"]
    assert account.systemdate() == "2026-11-01 12:00:00"
    assert truth["client_details"].keys() == {row["ClientID"] for row in truth["clients"]}
    zones = account.timezones()
    assert account.countries()
    assert account.billing_details().Credits
    assert account.get_primary_contact().EmailAddress == truth["administrators"][0]["EmailAddress"]
    for key in truth["client_details"]:
        client = createsend.Client(auth, key)
        assert plain(client.details()) == truth["client_details"][key]
        assert truth["client_details"][key]["BasicDetails"]["TimeZone"] in zones
        assert plain(client.campaigns())["Results"] == truth["campaigns"][key]
        assert plain(client.scheduled()) == truth["scheduled_campaigns"][key]
        assert plain(client.drafts()) == truth["draft_campaigns"][key]
        assert plain(client.tags()) == truth["tags"][key]
        assert plain(client.lists()) == truth["lists"][key]
        assert plain(client.segments()) == truth["segments"][key]
        assert plain(client.templates()) == truth["templates"][key]
        assert plain(client.people()) == truth["people"][key]
        assert plain(client.journeys()) == truth["journeys"][key]
        assert everything(client.suppressionlist()) == shown(truth["suppression_list"][key])
        assert client.get_primary_contact().EmailAddress
        for row in truth["templates"][key]:
            assert plain(createsend.Template(auth, row["TemplateID"]).details()) == row


def test_sdk_reads_lists(truth: Json, auth: dict[str, str], large: str) -> None:
    """The vendor's SDK reads lists, segments and people as they truly are."""
    segments = [row for rows in truth["segments"].values() for row in rows]
    for key in truth["list_details"]:
        found = createsend.List(auth, key)
        assert plain(found.details()) == truth["list_details"][key]
        assert plain(found.stats()) == truth["list_stats"][key]
        assert plain(found.custom_fields()) == truth["list_custom_fields"][key]
        assert plain(found.webhooks()) == truth["list_webhooks"][key]
        assert plain(found.segments()) == [row for row in segments if row["ListID"] == key]
        for name in ("unsubscribed", "bounced", "unconfirmed", "deleted"):
            assert everything(getattr(found, name)()) == shown(truth[f"{name}_subscribers"][key])
        if key != large:
            assert everything(found.active()) == shown(truth["active_subscribers"][key])
    for key, details in truth["segment_details"].items():
        segment = createsend.Segment(auth, key)
        assert plain(segment.details()) == details
        if details["ActiveSubscribers"] <= 1000:
            assert everything(segment.subscribers()) == shown(truth["segment_subscribers"][key])
    person = truth["active_subscribers"][large][0]
    subscriber = createsend.Subscriber(auth, large, person["EmailAddress"])
    assert subscriber.get().Name == person["Name"]
    assert subscriber.history() == []


def test_sdk_reads_reports(truth: Json, auth: dict[str, str]) -> None:
    """The vendor's SDK reads the reports of campaigns and journeys as they truly are."""
    for key, summary in truth["campaign_summary"].items():
        campaign = createsend.Campaign(auth, key)
        assert plain(campaign.summary()) == summary
        assert plain(campaign.email_client_usage()) == truth["campaign_email_client_usage"][key]
        assert plain(campaign.lists_and_segments()) == truth["campaign_lists_and_segments"][key]
        for name in ("recipients", "opens", "clicks", "bounces", "unsubscribes"):
            assert everything(getattr(campaign, name)()) == shown(truth[f"campaign_{name}"][key])
        assert everything(campaign.spam()) == shown(truth["campaign_spam_complaints"][key])
    for key, journey in truth["journey_emails"].items():
        assert plain(createsend.Journey(auth, key).summary()) == journey
        for each in journey["Emails"]:
            email = createsend.JourneyEmail(auth, each["EmailID"])
            for name in ("recipients", "opens", "clicks", "bounces", "unsubscribes"):
                rows = truth[f"journey_email_{name}"][each["EmailID"]]
                assert everything(getattr(email, name)("2000-01-01")) == shown(rows)


def test_sdk_refreshes_its_token(auth: dict[str, str], truth: Json) -> None:
    """The vendor's SDK notices an expired token, refreshes it and reads on."""
    del auth["api_key"]
    old = {"access_token": "sandbox-expired-token", "refresh_token": "sandbox-refresh-token"}
    account = createsend.CreateSend(old)
    with pytest.raises(createsend.ExpiredOAuthToken):
        account.clients()
    account.refresh_token()
    assert plain(account.clients()) == truth["clients"]
