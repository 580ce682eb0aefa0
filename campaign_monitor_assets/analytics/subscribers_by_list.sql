with counted as (
    select
        any_value(subscriber.ClientID) as ClientID,
        subscriber.ListID,
        count(*) filter (State = 'Active') as Active,
        count(*) filter (State = 'Unsubscribed') as Unsubscribed,
        count(*) filter (State = 'Bounced') as Bounced,
        count(*) filter (State = 'Active' and suppressed.EmailAddress is not null) as Suppressed
    from {subscribers} subscriber
    left join {suppressed_addresses} suppressed
        on suppressed.ClientID = subscriber.ClientID
        and suppressed.EmailAddress = subscriber.EmailAddress
    group by subscriber.ListID
)
select
    coalesce(list.ClientID, counted.ClientID) as ClientID,
    client.Name as ClientName,
    coalesce(list.ListID, counted.ListID) as ListID,
    list.Name as ListName,
    coalesce(Active, 0) as Active,
    coalesce(Unsubscribed, 0) as Unsubscribed,
    coalesce(Bounced, 0) as Bounced,
    coalesce(Suppressed, 0) as Suppressed,
    coalesce(Active - Suppressed, 0) as MayBeMailed
from {lists} list
full join counted on counted.ListID = list.ListID
left join {clients} client on client.ClientID = coalesce(list.ClientID, counted.ClientID)
