with changes as (
    select
        ClientID,
        ListID,
        {moments}
    from {subscribers}
),
months as (
    select
        any_value(ClientID) as ClientID,
        ListID,
        {month} as Month,
        count(*) filter (Change = 'Joined') as Joined,
        count(*) filter (Change = 'Unsubscribed') as "Left",
        count(*) filter (Change = 'Bounced') as Bounced,
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
