with known as (
    select
        subscriber.ClientID,
        EmailAddress,
        count(*) filter (State = 'Active') as Active,
        count(*) filter (State = 'Unsubscribed') as Unsubscribed,
        count(*) filter (State = 'Bounced') as Bounced,
        list(
            struct_pack(ListID := subscriber.ListID, Name := list.Name, State := State, Date := Date)
            order by list.Name, subscriber.ListID
        ) as Lists
    from {subscribers} subscriber
    left join {lists} list on list.ListID = subscriber.ListID
    group by subscriber.ClientID, EmailAddress
),
resolved as (
    select
        coalesce(known.ClientID, suppressed.ClientID) as ClientID,
        coalesce(known.EmailAddress, suppressed.EmailAddress) as EmailAddress,
        suppressed.ClientID is not null as IsSuppressed,
        coalesce(Active, 0) as Active,
        coalesce(Unsubscribed, 0) as Unsubscribed,
        coalesce(Bounced, 0) as Bounced,
        coalesce(Lists, []) as Lists,
        SuppressionReason,
        SuppressedDate
    from known
    full join {suppressed_addresses} suppressed
        on suppressed.ClientID = known.ClientID and suppressed.EmailAddress = known.EmailAddress
)
select
    resolved.*,
    client.Name as ClientName,
    not IsSuppressed and Active > 0 as MayBeMailed,
    case
        when IsSuppressed then 'suppressed: ' || coalesce(SuppressionReason, 'no reason given')
        when Active = 1 then 'active on 1 list'
        when Active > 1 then 'active on ' || Active || ' lists'
        when Bounced = 0 then 'unsubscribed from every list'
        when Unsubscribed = 0 then 'bounced on every list'
        else 'unsubscribed or bounced on every list'
    end as Reason
from resolved
left join {clients} client on client.ClientID = resolved.ClientID
