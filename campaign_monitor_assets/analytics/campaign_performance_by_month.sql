with months as (
    select
        ClientID,
        ClientName,
        {month} as Month,
        count(*) as Campaigns,
        sum(Recipients) filter (Delivered is not null) as Recipients,
        sum(Delivered) as Delivered,
        sum(TotalOpened) as TotalOpened,
        sum(UniqueOpened) as UniqueOpened,
        sum(Clicks) as Clicks,
        sum(Bounced) as Bounced,
        sum(Unsubscribed) as Unsubscribed,
        sum(SpamComplaints) as SpamComplaints
    from (select *, SentDate as Moment from {campaign_performance})
    group by all
)
select
    *,
    {rates}
from months
