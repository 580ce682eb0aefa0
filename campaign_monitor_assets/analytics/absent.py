"""Which views there can't be with the personal data that is stored, and why."""

from campaign_monitor_assets.analytics.model import View
from campaign_monitor_assets.warehouse.privacy import EMAIL_DOMAIN, Action, Privacy


def why_absent(view: View, privacy: Privacy) -> str | None:
    """Why a view's figures would be wrong, or tell nothing; None where they don't.

    Args:
        view: The view.
        privacy: What becomes of personal data in the tables.
    """
    columns = [each.split(".") for each in view.relies_on]
    for table, column in columns:
        if column == EMAIL_DOMAIN.name:
            if privacy.action(table, "EmailAddress") is Action.HASH and not privacy.email_domain:
                return (
                    f"{view.name} needs the domains of {table}'s addresses, which are hashed:"
                    " `privacy: {email_domain: true}` keeps them."
                )
        elif privacy.action(table, column) is Action.DROP:
            return f"{view.name} needs {table}.{column}, which the setting privacy leaves out."
    addressed = [table for table, column in columns if column == "EmailAddress"]
    hashed = [table for table in addressed if privacy.action(table, "EmailAddress") is Action.HASH]
    if hashed and len(hashed) < len(addressed):
        clear = ", ".join(table for table in addressed if table not in hashed)
        return (
            f"{view.name} compares addresses, and the setting privacy hashes those of"
            f" {', '.join(hashed)}, but not those of {clear}: hash them all, or none."
        )
    return None
