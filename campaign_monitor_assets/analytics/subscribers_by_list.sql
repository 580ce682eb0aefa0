with everyone as (
    select ClientID, ListID, EmailAddress, 'Active' as State from {active_subscribers}
    union all
    select ClientID, ListID, EmailAddress, 'Unsubscribed' from {unsubscribed_subscribers}
    union all
    select ClientID, ListID, EmailAddress, 'Bounced' from {bounced_subscribers}
),
suppressed as (
    select distinct ClientID, lower(EmailAddress) as EmailAddress from {suppression_list}
),
counted as (
    select
        everyone.ListID,
        count(*) filter (State = 'Active') as Active,
        count(*) filter (State = 'Unsubscribed') as Unsubscribed,
        count(*) filter (State = 'Bounced') as Bounced,
        count(*) filter (State = 'Active' and suppressed.EmailAddress is not null) as Suppressed
    from everyone
    left join suppressed
        on suppressed.ClientID = everyone.ClientID
        and suppressed.EmailAddress = lower(everyone.EmailAddress)
    group by everyone.ListID
)
select
    list.ClientID,
    client.Name as ClientName,
    list.ListID,
    list.Name as ListName,
    coalesce(Active, 0) as Active,
    coalesce(Unsubscribed, 0) as Unsubscribed,
    coalesce(Bounced, 0) as Bounced,
    coalesce(Suppressed, 0) as Suppressed,
    coalesce(Active - Suppressed, 0) as MayBeMailed
from {lists} list
left join {clients} client on client.ClientID = list.ClientID
left join counted on counted.ListID = list.ListID
