"""What a response means: only the API's own error body is an error code."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import msgspec
import pytest

from campaign_monitor_assets.api.auth import Credentials
from campaign_monitor_assets.api.client import ApiClient
from campaign_monitor_assets.api.settings import ApiSettings
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.errors import (
    ApiError,
    CampaignMonitorError,
    RedirectedError,
    UnexpectedStatusError,
)
from campaign_monitor_assets.extract.account import ClientRow
from campaign_monitor_assets.sandbox import Sandbox
from campaign_monitor_assets_tests.project import Project, failures

HTML = "<html><body>Something on the way responds</body></html>"
NO_ERRORS_OF_THE_API = {
    "HTML": HTML,
    "empty": "",
    "JSON without a code": '{"error": "forbidden"}',
    "a code without a message": '{"Code": %d}',
    "a code as text": '{"Code": "%d", "Message": "no"}',
    "an array": '[{"Code": %d, "Message": "no"}]',
}
DECIDING = sorted({code for table in CATALOGUE.values() for code in table.deleted_codes})
"""Codes that say: deleted. Some of them are HTTP statuses as well."""
STATUSES = sorted({*HTTPStatus, 271, 278, 287, 299, 399, 499, 599, *DECIDING} - {100, 3000, 3002})


@pytest.fixture
def client(box: Sandbox) -> Iterator[ApiClient]:
    settings = ApiSettings(base_url=box.url, max_attempts=1, backoff=0.01, read_timeout=2)
    client = ApiClient(settings, Credentials(api_key=box.key))
    yield client
    client.close()


def body(status: int, text: str, **more: Any) -> dict[str, Any]:
    return {"what": "body", "status": status, "text": text, "times": None, **more}


def get(client: ApiClient) -> object:
    return client.get("/clients", msgspec.json.Decoder(list[ClientRow]).decode).value


@pytest.mark.parametrize("kind", NO_ERRORS_OF_THE_API)
def test_a_status_is_no_code(client: ApiClient, box: Sandbox, kind: str) -> None:
    """Whatever its status, a response without the API's error body holds no error code."""
    for status in STATUSES:
        text = NO_ERRORS_OF_THE_API[kind].replace("%d", str(status))
        box.faults([body(status, text)])
        with pytest.raises(CampaignMonitorError) as caught:
            pytest.fail(f"HTTP {status} was read as {get(client)}")
        assert not isinstance(caught.value, ApiError), status


@pytest.mark.parametrize("status", [200, 204, 301, 304, 500, 503])
def test_an_error_body_counts_for_client_errors_only(
    client: ApiClient, box: Sandbox, status: int
) -> None:
    """A redirect or a server error with an error body is still no refusal of the API's."""
    box.faults([body(status, '{"Code": 101, "Message": "Invalid ListID"}')])
    with pytest.raises(CampaignMonitorError) as caught:
        get(client)
    assert not isinstance(caught.value, ApiError)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_an_error_body_of_the_api(client: ApiClient, box: Sandbox, status: int) -> None:
    """The API's own error body is an error with its code."""
    box.faults([body(status, '\ufeff{"Code": 101, "Message": "Invalid ListID"}')])
    with pytest.raises(ApiError, match=f"HTTP {status}, code 101, 'Invalid ListID'"):
        get(client)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "text"),
    [(101, ""), (271, HTML), (301, HTML), (301, '{"Code": 301, "Message": "Invalid CampaignID"}')],
)
def test_no_status_deletes_a_parent(with_parents: Project, status: int, text: str) -> None:
    """A redirect, or another status that is a code by chance, doesn't empty a table."""
    with_parents.box.faults([body(status, text, path="/summary")])
    result = with_parents.materialize("campaign_summary", max_attempts=1)
    assert "campaign_summary" in failures(result)


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://elsewhere.example/login?token=secret-1", "elsewhere.example/login."),
        ("https://secret-1:secret-2@elsewhere.example:8443/", "elsewhere.example/."),
        ("/api/v3.4/clients.json?apikey=secret-1", "the same host/api/v3.4/clients.json."),
        ("//elsewhere.example", "elsewhere.example."),
        ("https://[half", "a place that is not a URL."),
        ("", "the same host."),
        ("/red\x1b[31m", "/red\\x1b[31m."),
        ("https://elsewhere.example/%s" % ("long" * 1000), "elsewhere.example/long"),
    ],
)
def test_a_redirect_names_where_it_leads(
    client: ApiClient, box: Sandbox, location: str, told: str
) -> None:
    """A redirect is an error that names host and path, and nothing is sent there."""
    for number, status in enumerate((301, 302, 303, 307, 308), 1):
        box.faults([body(status, HTML, headers={"Location": location})])
        with pytest.raises(RedirectedError) as caught:
            get(client)
        assert told in str(caught.value)
        assert "secret" not in str(caught.value)
        assert len(str(caught.value)) < 1000
        assert len(box.requests()["requests"]) == number


@pytest.mark.parametrize("status", [401, 403, 404, 407, 418])
def test_a_refusal_of_a_proxy(client: ApiClient, box: Sandbox, status: int) -> None:
    """A proxy's refusal is not read as the API's, and is not retried."""
    box.faults([body(status, HTML, content_type="text/html")])
    with pytest.raises(UnexpectedStatusError) as caught:
        get(client)
    assert "127.0.0.1" in str(caught.value)
    assert f"HTTP {status} (text/html, {len(HTML)} bytes)" in str(caught.value)
    assert "agency" not in str(caught.value)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_a_proxy_makes_no_client_key(project: Project, status: int) -> None:
    """Where a proxy refuses `/clients`, the key is not taken for a client's own."""
    [client_id, *_] = project.box.account("client_details")["client_details"]
    project.box.faults([body(status, HTML, path="clients.json")])
    [text] = failures(project.materialize("clients", clients=[client_id])).values()
    assert "UnexpectedStatusError" in text
    assert len(project.box.requests()["requests"]) == 1


HEADERS = [
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "Retry-After",
    "Content-Type",
    "Content-Encoding",
    "Location",
]
MALFORMED = ["", " ", "x", "-1", "nan", "inf", "1e999", "99999999999", "0x10", "1, 1", "\xff", "🙂"]


@pytest.mark.slow
@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("status", [200, 400, 429, 503])
def test_malformed_headers(client: ApiClient, box: Sandbox, header: str, status: int) -> None:
    """A header that says nothing sensible changes nothing and delays nothing."""
    text = "[]" if status == 200 else json.dumps({"Code": 404, "Message": "no"})
    for value in MALFORMED:
        box.faults([body(status, text, headers={header: value})])
        if status == 200:
            assert get(client) == []
            continue
        with pytest.raises(CampaignMonitorError) as caught:
            get(client)
        assert isinstance(caught.value, ApiError) == (status == 400), value
