from typing import Final

from campaign_monitor_assets.analytics.model import LEAST_ADDRESSES
from campaign_monitor_assets.report.facts import MINE, Facts
from campaign_monitor_assets.report.grids import without_lone_client
from campaign_monitor_assets.report.model import Grid, Section

_TOP: Final = 15


def _make(facts: Facts) -> Grid | None:
    """The domains at which the most e-mails bounced or were complained of."""
    found = facts.ask(
        "select Domain, clients.name, Addresses, Recipients, 100 * BounceRate,"
        " 100 * HardBounceRate, 100 * ComplaintRate from temp.domains"
        f" join temp.clients using (ClientID) where {MINE}"
        " order by HardBounces + SoftBounces + SpamComplaints desc, Domain, ClientID"
        f" limit {_TOP}"
    )
    heads = ["Domain", "Client", "Addresses", "E-mails sent", "Bounced", "Bounced for good"]
    return without_lone_client([*heads, "Marked as spam"], found)


SECTION: Final = Section(
    title="Domains that bounce or complain",
    note=f"The {_TOP} at which the most e-mails bounced or were marked as spam, of those with"
    f" {LEAST_ADDRESSES} addresses or more. Bounced is a share of all e-mails that were sent,"
    " marked as spam one of those that did not bounce.",
    tables=(
        "campaigns",
        "campaign_recipients",
        "campaign_bounces",
        "campaign_spam_complaints",
    ),
    make=_make,
    empty=f"at no domain with {LEAST_ADDRESSES} addresses anything bounced or was marked as spam",
    views=("campaign_reports_read", "domain_performance"),
    summaries={
        "domains": """
            select * replace (shown(Domain) as Domain) from {domain_performance}
            where IsEnough and Domain is not null
                and HardBounces + SoftBounces + SpamComplaints > 0""",
    },
)
