with as_of as (
    select coalesce(max(synced_at), {utc_now}) as Moment
    from {sync_log}
    where table_name = 'campaign_summary'
),
sent as (
    select
        ClientID,
        ClientName,
        isodow(SentDate) as Weekday,
        hour(SentDate) as Hour,
        Recipients,
        Delivered,
        UniqueOpened,
        Clicks,
        Bounced,
        Unsubscribed,
        SpamComplaints
    from {campaign_performance}
    where Delivered > 0
        and SentDate >= timestamp '2000-01-01'
        and SentDate < (select Moment from as_of) - {settled_days}
),
slots as (
    select
        ClientID,
        any_value(ClientName) as ClientName,
        Weekday,
        Hour,
        count(*) as Campaigns,
        sum(Recipients) as Recipients,
        sum(Delivered) as Delivered,
        sum(UniqueOpened) as UniqueOpened,
        sum(Clicks) as Clicks,
        sum(Bounced) as Bounced,
        sum(Unsubscribed) as Unsubscribed,
        sum(SpamComplaints) as SpamComplaints
    from sent
    group by grouping sets ((ClientID, Weekday), (ClientID, Hour), (ClientID, Weekday, Hour))
)
select
    *,
    case when Hour is null then 'weekday' when Weekday is null then 'hour' else 'weekday and hour' end as Slot,
    ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'][Weekday] as WeekdayName,
    {rates},
    {is_enough_sent} as IsEnough
from slots
