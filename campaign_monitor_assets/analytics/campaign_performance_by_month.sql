with months as (
    select
        ClientID,
        ClientName,
        date_trunc('month', SentDate) as Month,
        count(*) as Campaigns,
        sum(Recipients) filter (Delivered is not null) as Recipients,
        sum(Delivered) as Delivered,
        sum(TotalOpened) as TotalOpened,
        sum(UniqueOpened) as UniqueOpened,
        sum(Clicks) as Clicks,
        sum(Bounced) as Bounced,
        sum(Unsubscribed) as Unsubscribed,
        sum(SpamComplaints) as SpamComplaints
    from {campaign_performance}
    group by all
)
select
    *,
    UniqueOpened / nullif(Delivered, 0) as OpenRate,
    Clicks / nullif(Delivered, 0) as ClickRate,
    Clicks / nullif(UniqueOpened, 0) as ClickToOpenRate,
    Bounced / nullif(Recipients, 0) as BounceRate,
    Unsubscribed / nullif(Delivered, 0) as UnsubscribeRate,
    SpamComplaints / nullif(Delivered, 0) as ComplaintRate
from months
