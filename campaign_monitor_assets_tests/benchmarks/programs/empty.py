"""A Dagster run of one asset that does nothing: what every run in Dagster costs."""

import dagster as dg


@dg.asset
def nothing() -> None:
    pass


if __name__ == "__main__":
    defs = dg.Definitions(
        assets=[nothing],
        jobs=[dg.define_asset_job("everything", dg.AssetSelection.all())],
        executor=dg.in_process_executor,
    )
    with dg.DagsterInstance.get() as instance:
        defs.resolve_job_def("everything").execute_in_process(instance=instance)
