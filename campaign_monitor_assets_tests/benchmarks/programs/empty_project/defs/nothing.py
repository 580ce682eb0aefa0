import dagster as dg


@dg.asset
def nothing() -> None:
    pass


everything = dg.define_asset_job("everything", dg.AssetSelection.all())
