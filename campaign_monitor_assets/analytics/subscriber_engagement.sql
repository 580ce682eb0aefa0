-- Counting in two steps, since counting distinct campaigns in one would keep them all in memory.
with events as (
    select
        recipient.ClientID,
        recipient.ListID,
        recipient.EmailAddress,
        recipient.CampaignID,
        true as Received,
        campaign.SentDate as ReceivedAt,
        null::timestamp as OpenedAt,
        null::timestamp as ClickedAt
    from {campaign_recipients} recipient
    left join {campaigns} campaign using (CampaignID)
    union all
    select ClientID, ListID, EmailAddress, CampaignID, false, null, Date, null
    from {campaign_opens}
    union all
    select ClientID, ListID, EmailAddress, CampaignID, false, null, null, Date
    from {campaign_clicks}
),
by_campaign as (
    select
        ClientID,
        ListID,
        {address} as EmailAddress,
        CampaignID,
        bool_or(Received) as Received,
        count(OpenedAt) as Opens,
        count(ClickedAt) as Clicks,
        max(ReceivedAt) as LastReceived,
        max(OpenedAt) as LastOpen,
        max(ClickedAt) as LastClick
    from events
    group by all
)
select
    ClientID,
    ListID,
    EmailAddress,
    count(*) filter (Received) as CampaignsReceived,
    count(*) filter (Opens > 0) as CampaignsOpened,
    count(*) filter (Clicks > 0) as CampaignsClicked,
    sum(Opens) as Opens,
    sum(Clicks) as Clicks,
    max(LastReceived) as LastReceived,
    max(LastOpen) as LastOpen,
    max(LastClick) as LastClick
from by_campaign
group by all
