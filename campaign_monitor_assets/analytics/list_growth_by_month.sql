-- Everybody joined once; those who are no longer active also left or bounced once.
with changes as (
    select ClientID, ListID, ListJoinedDate as Moment, 'joined' as Change from {subscribers}
    union all
    select ClientID, ListID, Date, 'left' from {subscribers} where State = 'Unsubscribed'
    union all
    select ClientID, ListID, Date, 'bounced' from {subscribers} where State = 'Bounced'
),
months as (
    select
        any_value(ClientID) as ClientID,
        ListID,
        {month} as Month,
        count(*) filter (Change = 'joined') as Joined,
        count(*) filter (Change = 'left') as "Left",
        count(*) filter (Change = 'bounced') as Bounced,
        Joined - "Left" - Bounced as Net
    from changes
    group by ListID, Month
)
select
    months.*,
    client.Name as ClientName,
    list.Name as ListName,
    sum(Net) over (partition by months.ListID order by Month nulls first) as Subscribers
from months
left join {lists} list on list.ListID = months.ListID
left join {clients} client on client.ClientID = months.ClientID
