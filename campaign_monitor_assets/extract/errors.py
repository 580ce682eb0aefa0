"""What can be wrong with the whole of a table, though each of its responses is right."""

from campaign_monitor_assets.errors import CampaignMonitorError


class ContradictoryPagesError(CampaignMonitorError):
    """The pages of a collection contradict what they say of it, so rows may be missing."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(
            f"The pages of GET {path} contradict themselves: {problem}. Rows may be missing, so"
            " nothing was published; the snapshot in DuckDB is unchanged.",
            "run it again later; if it stays so, look whether a proxy stands in between"
            " (HTTPS_PROXY, CAMPAIGN_MONITOR_BASE_URL), try another `page_size`, and report these"
            " figures.",
            request=f"GET {path}",
        )


class AllParentsMissingError(CampaignMonitorError):
    """Every parent of a table seems to be deleted or forbidden.

    Args:
        table: The table that was read.
        parent: The table that its parents are rows of.
        deleted: Parents that the API no longer knows.
        forbidden: Parents that are not of this account.
    """

    def __init__(self, table: str, parent: str, *, deleted: int, forbidden: int) -> None:
        causes = [
            f"{count} {what}"
            for count, what in ((deleted, "deleted"), (forbidden, "not of this account (code 102)"))
            if count
        ]
        super().__init__(
            f"Nothing of {table} can be read: all the {parent} that were asked for are deleted or"
            f" refused ({' and '.join(causes)}). The snapshot in DuckDB is unchanged.",
            f"materialize {parent} again, and then {table}: where they were deleted, {parent} will"
            " no longer hold them. If that doesn't help, look whether the credentials are of the"
            " account that this DuckDB schema holds.",
            parents_deleted=deleted,
            parents_refused=forbidden,
        )
