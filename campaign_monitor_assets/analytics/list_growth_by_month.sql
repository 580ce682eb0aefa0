-- Everybody joined once; those who are no longer active also left or bounced once.
with changes as (
    select ListID, ListJoinedDate as Moment, 'joined' as Change from {active_subscribers}
    union all
    select ListID, ListJoinedDate, 'joined' from {unsubscribed_subscribers}
    union all
    select ListID, ListJoinedDate, 'joined' from {bounced_subscribers}
    union all
    select ListID, Date, 'left' from {unsubscribed_subscribers}
    union all
    select ListID, Date, 'bounced' from {bounced_subscribers}
),
months as (
    select
        ListID,
        date_trunc('month', Moment) as Month,
        count(*) filter (Change = 'joined') as Joined,
        count(*) filter (Change = 'left') as "Left",
        count(*) filter (Change = 'bounced') as Bounced,
        Joined - "Left" - Bounced as Net
    from changes
    group by all
)
select
    list.ClientID,
    client.Name as ClientName,
    months.*,
    list.Name as ListName,
    sum(Net) over (partition by months.ListID order by Month nulls first) as Subscribers
from months
left join {lists} list on list.ListID = months.ListID
left join {clients} client on client.ClientID = list.ClientID
