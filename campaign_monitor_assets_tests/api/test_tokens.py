"""Renewed OAuth tokens are kept in a private file, whatever processes do at once."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import filelock
import msgspec
import pytest

from campaign_monitor_assets.api.auth import Credentials, checked_secret
from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.api.settings import ApiSettings
from campaign_monitor_assets.api.tokens import TokenFile, Tokens, default_token_file
from campaign_monitor_assets.errors import (
    CampaignMonitorError,
    ConfigurationError,
    RequestCancelledError,
    RetriesExhaustedError,
    TokenRefusedError,
    UnexpectedResponseError,
    WaitTooLongError,
)
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.api.servers import Serve, respond, serve
from campaign_monitor_assets_tests.project import Project, failures

EXPIRED: dict[str, Any] = {
    "access_token": "sandbox-expired-token",
    "refresh_token": "sandbox-refresh-token",
}
EXPIRY = respond("401 No", '{"Code": 121, "Message": "Expired"}')
DECODE = msgspec.json.Decoder().decode
ASK = """
import sys
from collections.abc import Iterator
from pathlib import Path
import msgspec
from campaign_monitor_assets.api.auth import Credentials
from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.api.settings import ApiSettings
from campaign_monitor_assets.api.tokens import TokenFile
url, path = sys.argv[1:]
credentials = Credentials(
    access_token="sandbox-expired-token", refresh_token="sandbox-refresh-token",
    token_file=TokenFile(Path(path)),
)
print("ready", flush=True)
sys.stdin.readline()
ApiClient(ApiSettings(base_url=url), credentials).get("/clients", msgspec.json.decode)
"""


def ask(box: Sandbox, file: Path, **tokens: str) -> list[str]:
    """One request by credentials as a process has them when it starts, and what was warned of."""
    said: list[str] = []
    credentials = Credentials(**{**EXPIRED, **tokens}, token_file=TokenFile(file))
    settings = ApiSettings(base_url=box.url, max_attempts=1)
    ApiClient(settings, credentials, warn=said.append).get("/clients", DECODE)
    return said


def grants(box: Sandbox) -> int:
    return sum(entry["path"] == "/oauth/token" for entry in box.requests()["requests"])


def test_the_next_run_uses_what_the_last_one_renewed(with_parents: Project) -> None:
    """A run after the renewal sends the renewed token, though the variables are the old ones."""
    for _ in range(2):
        result = with_parents.materialize("clients", **EXPIRED)
        assert result.success, failures(result)
    assert grants(with_parents.box) == 1
    assert with_parents.box.requests()["statuses"]["401"] == 1


def test_the_refresh_token_is_replaced(box: Sandbox, tmp_path: Path) -> None:
    """A later renewal uses the refresh token that the first one brought."""
    file = tmp_path / "tokens.json"
    ask(box, file)
    [kept] = json.loads(file.read_text()).values()
    TokenFile(file).write(
        EXPIRED["refresh_token"], Tokens("sandbox-expired-token", kept["refresh_token"])
    )
    ask(box, file)
    assert grants(box) == 2
    assert json.loads(file.read_text()).popitem()[1]["access_token"] == "sandbox-access-token-3"


def test_a_new_variable_wins(box: Sandbox, tmp_path: Path) -> None:
    """A refresh token that is set anew is used, not what descends from the one before."""
    file = tmp_path / "tokens.json"
    TokenFile(file).write("the one before", Tokens("sandbox-revoked-token", "used"))
    ask(box, file)
    assert grants(box) == 1
    assert len(json.loads(file.read_text())) == 2


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_the_file_is_private(box: Sandbox, tmp_path: Path) -> None:
    """Only the owner can read the tokens, and no other file is left."""
    file = tmp_path / "home" / "tokens.json"
    ask(box, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert {each.name for each in file.parent.iterdir()} <= {"tokens.json", "tokens.json.lock"}
    assert 'sandbox-refresh-token"' not in file.read_text()


def test_processes_that_renew_at_once(box: Sandbox, tmp_path: Path) -> None:
    """Of processes that meet the expired token together, one renews it and the others use that."""
    file = tmp_path / "tokens.json"
    # Whoever comes meanwhile meets the first one's renewal unfinished.
    box.faults([{"what": "slow", "path": "oauth/token", "seconds": 1}])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ASK, box.url, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0] * 3
    assert grants(box) == 1
    [kept] = json.loads(file.read_text()).values()
    assert kept == {
        "access_token": "sandbox-access-token-2",
        "refresh_token": "sandbox-refresh-token-2",
    }


@pytest.mark.parametrize("text", [b"{", b"[]", b"\0", b'{"a": 1', b"\xff\xfe{", b"[" * 5000])
def test_a_file_that_something_else_wrote(box: Sandbox, tmp_path: Path, text: bytes) -> None:
    """A file that can't be read is kept under another name, private, and that is told."""
    file = tmp_path / "tokens.json"
    file.write_bytes(text)
    file.chmod(0o644)
    said = ask(box, file)
    assert grants(box) == 1
    assert TokenFile(file).read(EXPIRED["refresh_token"]) is not None
    [aside] = tmp_path.glob("tokens.json.corrupt-*")
    assert aside.read_bytes() == text
    assert os.name != "posix" or aside.stat().st_mode & 0o777 == 0o600
    assert [str(aside) in each for each in said] == [True]


@pytest.mark.parametrize("text", ["", "{}", '{"a": 1}', '{"a": {"access_token": 1}}'])
def test_what_other_accounts_keep(box: Sandbox, tmp_path: Path, text: str) -> None:
    """What stands in the file for others stays there, whatever it is."""
    file = tmp_path / "tokens.json"
    file.write_text(text)
    assert ask(box, file) == []
    assert json.loads(file.read_text()).items() >= json.loads(text or "{}").items()
    assert TokenFile(file).read(EXPIRED["refresh_token"]) is not None


def test_an_entry_that_is_none(box: Sandbox, tmp_path: Path) -> None:
    """Where the account's own entry can't be read, the file is kept too, and others' entries."""
    file = tmp_path / "tokens.json"
    ask(box, file)
    [own] = json.loads(file.read_text())
    box.reset()
    text = json.dumps({own: {"access": "damaged"}, "another": {"access_token": "theirs"}})
    file.write_text(text)
    assert len(ask(box, file)) == 1
    [aside] = tmp_path.glob("tokens.json.corrupt-*")
    assert aside.read_text() == text
    assert json.loads(file.read_text())["another"] == {"access_token": "theirs"}
    assert TokenFile(file).read(EXPIRED["refresh_token"]) is not None


def test_waiting_for_another_process(box: Sandbox, tmp_path: Path) -> None:
    """Waiting for the tokens' lock is told once, and ends with the client, in every thread."""
    file, said, caught = tmp_path / "tokens.json", list[str](), list[Exception]()
    is_told = threading.Event()

    def warn(text: str) -> None:
        said.append(text)
        is_told.set()

    credentials = Credentials(**EXPIRED, token_file=TokenFile(file))
    client = ApiClient(ApiSettings(base_url=box.url), credentials, warn=warn)

    def get() -> None:
        try:
            client.get("/clients", DECODE)
        except CampaignMonitorError as error:
            caught.append(error)

    threads = [threading.Thread(target=get, daemon=True) for _ in range(4)]
    with filelock.FileLock(f"{file}.lock"):
        for thread in threads:
            thread.start()
        assert is_told.wait(20)
        client.close()
        for thread in threads:
            thread.join(5)
        assert not any(thread.is_alive() for thread in threads)
    assert [type(error) for error in caught] == [RequestCancelledError] * 4
    [told] = said
    assert f"{file}.lock" in told
    assert "at most" in told
    assert "Ctrl-C" in told
    assert grants(box) == 0


def test_no_renewal_without_a_place_for_the_tokens(box: Sandbox, tmp_path: Path) -> None:
    """Where the new tokens can't be kept, none are asked for, since the old one would be lost."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="CAMPAIGN_MONITOR_TOKEN_FILE"):
        ask(box, tmp_path / "file" / "tokens.json")
    assert grants(box) == 0


def test_a_refusal_says_what_to_do(box: Sandbox, tmp_path: Path) -> None:
    """A refresh token that is used up is told, without saying to set a variable that is set."""
    ask(box, tmp_path / "one.json")
    with pytest.raises(TokenRefusedError, match="HTTP 400, invalid_grant") as caught:
        ask(box, tmp_path / "another.json")
    assert "authorize anew" in str(caught.value)
    assert "sandbox-" not in str(caught.value)


@pytest.mark.parametrize("status", ["403 Forbidden", "407 Proxy", "502 Bad", "302 Found", "200 OK"])
def test_a_renewal_that_the_api_did_not_answer(tmp_path: Path, status: str) -> None:
    """A proxy's page in the place of new tokens is told as that, not as a used-up token."""
    expired = '{"Code": 121, "Message": "Expired"}'

    def answer(connection: socket.socket) -> None:
        is_renewal = len(server.heard) > 1
        page = respond(status, "<html>", Content_Type="text/html", Location="/login")
        (page if is_renewal else respond("401 No", expired))(connection)

    with serve(answer) as server:
        credentials = Credentials(**EXPIRED, token_file=TokenFile(tmp_path / "tokens.json"))
        settings = ApiSettings(base_url=server.url, max_attempts=1)
        with pytest.raises(CampaignMonitorError) as caught:
            ApiClient(settings, credentials).get("/clients", DECODE)
    assert not isinstance(caught.value, TokenRefusedError)
    assert "uthorize anew" not in str(caught.value)
    assert "GET /oauth/token" not in str(caught.value)


def test_a_renewal_that_asks_for_a_wait(tmp_path: Path) -> None:
    """Retry-After holds for the token's path as for any other."""
    answers = iter([EXPIRY, respond("503 Later", Retry_After="7200")])
    with serve(_in_turn(answers)) as server:
        credentials = Credentials(**EXPIRED, token_file=TokenFile(tmp_path / "tokens.json"))
        with pytest.raises(WaitTooLongError, match="until 20"):
            ApiClient(ApiSettings(base_url=server.url), credentials).get("/clients", DECODE)
        assert len(server.heard) == 2


def test_a_renewal_that_fails_is_not_repeated_by_each_thread(box: Sandbox, tmp_path: Path) -> None:
    """Threads that wait for a renewal which fails go on with that failure: it is asked for once."""
    box.faults([{"what": "503", "path": "oauth/token", "seconds": 1, "times": None}])
    credentials = Credentials(**EXPIRED, token_file=TokenFile(tmp_path / "tokens.json"))
    client = ApiClient(ApiSettings(base_url=box.url, max_attempts=1), credentials)

    def get() -> None:
        with pytest.raises(RetriesExhaustedError, match="renewing the token"):
            client.get("/clients", DECODE)

    with ThreadPoolExecutor(5) as pool:
        for done in [pool.submit(get) for _ in range(5)]:
            done.result()
    assert grants(box) == 1


def _in_turn(answers: Iterator[Serve]) -> Serve:
    def answer(connection: socket.socket) -> None:
        following = next(answers)
        following(connection)

    return answer


@pytest.mark.parametrize("around", ["{}\n", " {}\r\n"])
def test_blanks_around_a_renewed_token(tmp_path: Path, around: str) -> None:
    """Blanks and line breaks around a renewed token are no part of it, here and in the file."""
    file = tmp_path / "tokens.json"
    answers = iter(
        [
            EXPIRY,
            respond("200 OK", json.dumps({"access_token": around.format("new")})),
            respond("200 OK", "[]"),
        ]
    )
    with serve(_in_turn(answers)) as server:
        credentials = Credentials(**EXPIRED, token_file=TokenFile(file))
        settings = ApiSettings(base_url=server.url, max_attempts=1)
        ApiClient(settings, credentials).get("/clients", DECODE)
        assert "Authorization: Bearer new\r\n" in server.heard[-1]
    kept = TokenFile(file).read(EXPIRED["refresh_token"])
    assert kept == Tokens("new", EXPIRED["refresh_token"])


@pytest.mark.parametrize("token", ["", " ", "s3c ret", "s3cret…"])
def test_a_renewed_token_that_cannot_be_one(tmp_path: Path, token: str) -> None:
    """What is no token is told as the API's response, not as a variable, and is not kept."""
    file = tmp_path / "tokens.json"
    answers = iter(
        [
            EXPIRY,
            respond("200 OK", json.dumps({"access_token": token})),
        ]
    )
    with serve(_in_turn(answers)) as server:
        credentials = Credentials(**EXPIRED, token_file=TokenFile(file))
        settings = ApiSettings(base_url=server.url, max_attempts=1)
        with pytest.raises(UnexpectedResponseError) as caught:
            ApiClient(settings, credentials).get("/clients", DECODE)
    assert "s3c" not in str(caught.value)
    assert "POST /oauth/token" in str(caught.value)
    assert not file.exists()


def test_where_tokens_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default they are in Dagster's home, and without one in the user's own state folder."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert default_token_file().parent == tmp_path
    monkeypatch.delenv("DAGSTER_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert "campaign_monitor_assets" in default_token_file().parts


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("abc\n", "abc"),
        ("\t abc \r\n", "abc"),
        ("", None),
        (" \n", None),
        (None, None),
        ("a!", "a!"),
    ],
)
def test_what_is_taken_off(value: str | None, read: str | None) -> None:
    """Blanks and line breaks around a key or token are no part of it."""
    assert checked_secret(value, "NAME") == read


@pytest.mark.parametrize(
    "value", ["s3c ret", "s3c\nret", "s3c\x00ret", "s3cret…", "\ud83d", "a\u00a0b"]
)
def test_what_is_refused(value: str) -> None:
    """What no key or token can hold is told by the variable's name, never by the value."""
    with pytest.raises(CampaignMonitorError, match="NAME is not accepted: there is a") as caught:
        checked_secret(value, "NAME")
    assert "s3c" not in str(caught.value)
