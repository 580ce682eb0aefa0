"""What one writes first: requests, pandas and the stock DuckDB IO manager, as Dagster assets."""

import os
from typing import Any

import dagster as dg
import pandas as pd
import requests
from dagster_duckdb_pandas import DuckDBPandasIOManager

BASE = os.environ["CAMPAIGN_MONITOR_BASE_URL"]
AUTH = (os.environ["CAMPAIGN_MONITOR_API_KEY"], "x")


def get(path: str, **query: str | int) -> Any:
    response = requests.get(f"{BASE}/{path}.json", params=query, auth=AUTH, timeout=60)
    response.raise_for_status()
    return response.json()


@dg.asset(key_prefix="campaign_monitor")
def clients() -> pd.DataFrame:
    return pd.DataFrame(get("clients"))


@dg.asset(key_prefix="campaign_monitor")
def lists(clients: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame(get(f"clients/{client}/lists")).assign(ClientID=client)
            for client in clients["ClientID"]
        ]
    )


@dg.asset(key_prefix="campaign_monitor")
def active_subscribers(lists: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for identifier in lists["ListID"]:
        page, pages = 1, 1
        while page <= pages:
            answer = get(f"lists/{identifier}/active", page=page, pagesize=1000)
            rows += [row | {"ListID": identifier} for row in answer["Results"]]
            page, pages = page + 1, answer["NumberOfPages"]
    return pd.DataFrame(rows)


if __name__ == "__main__":
    defs = dg.Definitions(
        assets=[clients, lists, active_subscribers],
        jobs=[dg.define_asset_job("everything", dg.AssetSelection.all())],
        resources={"io_manager": DuckDBPandasIOManager(database=os.environ["BENCHMARK_DATABASE"])},
        executor=dg.in_process_executor,
    )
    with dg.DagsterInstance.get() as instance:
        defs.resolve_job_def("everything").execute_in_process(instance=instance)
