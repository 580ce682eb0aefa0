with everyone as (
    select ClientID, ListID, EmailAddress, Date, 'Active' as State from {active_subscribers}
    union all
    select ClientID, ListID, EmailAddress, Date, 'Unsubscribed' from {unsubscribed_subscribers}
    union all
    select ClientID, ListID, EmailAddress, Date, 'Bounced' from {bounced_subscribers}
),
known as (
    select
        everyone.ClientID,
        lower(EmailAddress) as EmailAddress,
        count(*) filter (State = 'Active') as Active,
        count(*) filter (State = 'Unsubscribed') as Unsubscribed,
        count(*) filter (State = 'Bounced') as Bounced,
        list(
            struct_pack(ListID := everyone.ListID, Name := list.Name, State := State, Date := Date)
            order by list.Name, everyone.ListID
        ) as Lists
    from everyone
    left join {lists} list on list.ListID = everyone.ListID
    group by everyone.ClientID, lower(EmailAddress)
),
suppressed as (
    select
        ClientID,
        lower(EmailAddress) as EmailAddress,
        coalesce(arg_max(SuppressionReason, Date), any_value(SuppressionReason)) as SuppressionReason,
        max(Date) as SuppressedDate
    from {suppression_list}
    group by all
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
    full join suppressed
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
