-- Everybody joined once; those who are no longer active also left or bounced once.
with changes as (
    select
        ClientID,
        ListID,
        unnest(case State when 'Active' then [ListJoinedDate] else [ListJoinedDate, Date] end) as Moment,
        unnest(case State when 'Active' then ['Joined'] else ['Joined', State] end) as Change
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
