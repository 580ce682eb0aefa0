"""Campaigns: sent, scheduled and in draft."""

from campaign_monitor_assets.catalogue.model import (
    REFERENCE,
    Group,
    Shape,
    Table,
    address,
    count,
    text,
    texts,
    time,
)

_ENVELOPE = (
    text("CampaignID", "The campaign's identifier.", personal=False),
    text("Name", "The campaign's name, which its recipients don't see.", personal=False),
    text("Subject", "The subject line.", personal=False),
    text("FromName", "The sender's name.", personal=True),
    address("FromEmail", "The sender's address."),
    address("ReplyTo", "The address that replies go to."),
)
_TAGS = texts("Tags", "The campaign's tags; NULL where it has none.", personal=False)
_PREVIEW = (
    text("PreviewURL", "Where the campaign can be seen before it is sent.", personal=False),
    text("PreviewTextURL", "Where its plain-text version can be seen.", personal=False),
    time("DateCreated", "When the campaign was created, in the client's time zone."),
)

CAMPAIGNS = Table(
    name="campaigns",
    description="The campaigns that were sent, one row each, with the number of recipients.",
    path="/clients/{ClientID}/campaigns",
    shape=Shape.PAGE,
    query=(("orderdirection", "asc"),),
    parent="clients",
    inherits=("ClientID",),
    key=("CampaignID",),
    docs=f"{REFERENCE}/clients/#getting-sent-campaigns",
    group=Group.CAMPAIGNS,
    cost="1 per client and 1,000 campaigns",
    columns=(
        *_ENVELOPE,
        text("WebVersionURL", "The public web version.", personal=False),
        text("WebVersionTextURL", "The public web version in plain text.", personal=False),
        time("SentDate", "When the campaign was sent, in the client's time zone."),
        count("TotalRecipients", "How many subscribers it was sent to."),
        _TAGS,
    ),
)

SCHEDULED_CAMPAIGNS = Table(
    name="scheduled_campaigns",
    description="The campaigns that wait for their time of sending.",
    path="/clients/{ClientID}/scheduled",
    shape=Shape.ARRAY,
    parent="clients",
    inherits=("ClientID",),
    key=("CampaignID",),
    docs=f"{REFERENCE}/clients/#getting-scheduled-campaigns",
    group=Group.CAMPAIGNS,
    cost="1 per client",
    columns=(
        *_ENVELOPE,
        *_PREVIEW,
        time("DateScheduled", "When it will be sent, in the time zone of ScheduledTimeZone."),
        text(
            "ScheduledTimeZone",
            "The display name of the time zone of DateScheduled.",
            personal=False,
        ),
        _TAGS,
    ),
)

DRAFT_CAMPAIGNS = Table(
    name="draft_campaigns",
    description="The campaigns that are neither sent nor scheduled.",
    path="/clients/{ClientID}/drafts",
    shape=Shape.ARRAY,
    parent="clients",
    inherits=("ClientID",),
    key=("CampaignID",),
    docs=f"{REFERENCE}/clients/#getting-draft-campaigns",
    group=Group.CAMPAIGNS,
    cost="1 per client",
    columns=(*_ENVELOPE, *_PREVIEW, _TAGS),
)

TABLES = (CAMPAIGNS, SCHEDULED_CAMPAIGNS, DRAFT_CAMPAIGNS)
