-- Days are whole ones in every time zone: half a day before the sync the last has ended everywhere.
with as_of as (
    select date_trunc('day', coalesce(min(Last), {utc_now}) - interval 12 hour) - {settled_days} as Ending
    from (
        select table_name, max(synced_at) as Last
        from {sync_log}
        where table_name in ('campaigns', 'campaign_summary')
        group by table_name
    )
),
periods as (
    {periods}
),
sums as (
    select
        ClientID,
        any_value(ClientName) as ClientName,
        Days,
        any_value(Beginning) as Beginning,
        any_value(Ending) as Ending,
        count(*) filter (SentDate >= Beginning) as Campaigns,
        count(*) filter (SentDate < Beginning) as CampaignsBefore,
        coalesce(sum(Recipients) filter (SentDate >= Beginning and Delivered is not null), 0) as Recipients,
        coalesce(sum(Recipients) filter (SentDate < Beginning and Delivered is not null), 0) as RecipientsBefore,
        coalesce(sum(Delivered) filter (SentDate >= Beginning), 0) as Delivered,
        coalesce(sum(Delivered) filter (SentDate < Beginning), 0) as DeliveredBefore,
        coalesce(sum(UniqueOpened) filter (SentDate >= Beginning), 0) as UniqueOpened,
        coalesce(sum(UniqueOpened) filter (SentDate < Beginning), 0) as UniqueOpenedBefore,
        coalesce(sum(Clicks) filter (SentDate >= Beginning), 0) as Clicks,
        coalesce(sum(Clicks) filter (SentDate < Beginning), 0) as ClicksBefore,
        coalesce(sum(Bounced) filter (SentDate >= Beginning), 0) as Bounced,
        coalesce(sum(Bounced) filter (SentDate < Beginning), 0) as BouncedBefore,
        coalesce(sum(Unsubscribed) filter (SentDate >= Beginning), 0) as Unsubscribed,
        coalesce(sum(Unsubscribed) filter (SentDate < Beginning), 0) as UnsubscribedBefore,
        coalesce(sum(SpamComplaints) filter (SentDate >= Beginning), 0) as SpamComplaints,
        coalesce(sum(SpamComplaints) filter (SentDate < Beginning), 0) as SpamComplaintsBefore
    from {campaign_performance}
    cross join periods
    where SentDate >= BeginningBefore and SentDate < Ending
    group by ClientID, Days
),
rated as (
    select
        *,
        {rates},
        {rates_before}
    from sums
)
select
    *,
    Beginning as FirstDay,
    Ending - interval 1 day as LastDay,
    {rate_changes}
from rated
