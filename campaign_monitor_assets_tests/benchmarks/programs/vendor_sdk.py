"""The vendor's own SDK in a loop, pandas and DuckDB at the end; without Dagster."""

import os
from http.client import HTTPConnection

import createsend
import createsend.createsend
import duckdb
import pandas as pd

# The SDK speaks HTTPS only; the sandbox speaks HTTP, which spares the SDK its TLS handshakes.
createsend.createsend.VerifiedHTTPSConnection = HTTPConnection
createsend.CreateSend.base_uri = os.environ["CAMPAIGN_MONITOR_BASE_URL"]
AUTH = {"api_key": os.environ["CAMPAIGN_MONITOR_API_KEY"]}


def as_row(subscriber: object, identifier: str) -> dict[str, object]:
    row = {name: value for name, value in vars(subscriber).items() if not name.startswith("__")}
    fields = [{"Key": field.Key, "Value": field.Value} for field in row["CustomFields"]]
    return row | {"CustomFields": fields, "ListID": identifier}


def run() -> None:
    clients = [vars(client) for client in createsend.CreateSend(AUTH).clients()]
    lists = [
        {"ListID": each.ListID, "Name": each.Name, "ClientID": client["ClientID"]}
        for client in clients
        for each in createsend.Client(AUTH, client["ClientID"]).lists()
    ]
    rows = []
    for each in lists:
        page, pages = 1, 1
        while page <= pages:
            answer = createsend.List(AUTH, each["ListID"]).active(page=page, page_size=1000)
            rows += [as_row(subscriber, each["ListID"]) for subscriber in answer.Results]
            page, pages = page + 1, answer.NumberOfPages
    clients = [{"ClientID": client["ClientID"], "Name": client["Name"]} for client in clients]
    with duckdb.connect(os.environ["BENCHMARK_DATABASE"]) as connection:
        connection.execute("create schema campaign_monitor")
        for name, content in (("clients", clients), ("lists", lists), ("active_subscribers", rows)):
            frame = pd.DataFrame(content)  # noqa: F841 - DuckDB reads it by its name
            connection.execute(f"create table campaign_monitor.{name} as select * from frame")


if __name__ == "__main__":
    run()
