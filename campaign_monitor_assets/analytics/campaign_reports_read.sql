-- An older version's log says of no parent when it was read.
with parents as (
    select null::varchar as table_name, null::varchar as parent, null::timestamp as synced_at
    where false
    union all by name
    from {sync_log_parents}
),
snapshots as (
    select table_name, max(synced_at) as synced_at from {sync_log} group by table_name
),
readings as (
    select
        parents.table_name,
        parents.parent as CampaignID,
        coalesce(parents.synced_at, snapshots.synced_at) as ReadAt
    from parents
    left join snapshots on snapshots.table_name = parents.table_name
    where starts_with(parents.table_name, 'campaign_')
)
select
    any_value(campaign.ClientID) as ClientID,
    campaign.CampaignID,
    any_value(campaign.Name) as Name,
    any_value(campaign.SentDate) as SentDate,
    max(ReadAt) filter (table_name = 'campaign_recipients') as RecipientsReadAt,
    max(ReadAt) filter (table_name = 'campaign_opens') as OpensReadAt,
    max(ReadAt) filter (table_name = 'campaign_clicks') as ClicksReadAt,
    max(ReadAt) filter (table_name = 'campaign_bounces') as BouncesReadAt,
    max(ReadAt) filter (table_name = 'campaign_unsubscribes') as UnsubscribesReadAt,
    max(ReadAt) filter (table_name = 'campaign_spam_complaints') as SpamComplaintsReadAt
from {campaigns} campaign
left join readings on readings.CampaignID = campaign.CampaignID
group by campaign.CampaignID
