-- As `subscribers`, on which each address of a list is one row, but in one step: most addresses are
-- in one row in all, and need no grouping. The others are found by their hashes, in little memory;
-- two addresses of one hash do no harm. Only those on several lists are grouped, since what DuckDB
-- collects in lists can't go to disk.
with rows as not materialized (
    select
        ClientID, ListID, {address} as EmailAddress, 'Active' as State, Date,
        null as SuppressionReason, null as SuppressedDate, hash(ClientID, {address}) as Person
    from {active_subscribers}
    union all
    select ClientID, ListID, {address}, 'Bounced', Date, null, null, hash(ClientID, {address})
    from {bounced_subscribers}
    union all
    select ClientID, ListID, {address}, 'Unsubscribed', Date, null, null, hash(ClientID, {address})
    from {unsubscribed_subscribers}
    union all
    select
        ClientID, null, EmailAddress, 'Suppressed', null, SuppressionReason, SuppressedDate,
        hash(ClientID, EmailAddress)
    from {suppressed_addresses}
),
several as (
    select Person from rows group by Person having count(*) > 1
),
states as (
    select
        row.ClientID, row.ListID, EmailAddress, State, Date, list.Name,
        max(SuppressionReason) over person as SuppressionReason,
        max(SuppressedDate) over person as SuppressedDate,
        bool_or(State = 'Suppressed') over person as IsSuppressed,
        count(row.ListID) over person as OnLists
    from (
        select * from rows semi join several using (Person)
        qualify row_number() over (partition by ClientID, ListID, EmailAddress order by {latest} desc) = 1
    ) row
    left join {lists} list on list.ListID = row.ListID
    window person as (partition by row.ClientID, EmailAddress)
),
people as (
    select
        row.ClientID,
        EmailAddress,
        (State = 'Active')::bigint as Active,
        (State = 'Unsubscribed')::bigint as Unsubscribed,
        (State = 'Bounced')::bigint as Bounced,
        State = 'Suppressed' as IsSuppressed,
        case when IsSuppressed then [] else
            [struct_pack(ListID := row.ListID, Name := list.Name, State := State, Date := Date)]
        end as Lists,
        SuppressionReason,
        SuppressedDate
    from rows row
    anti join several using (Person)
    left join {lists} list on list.ListID = row.ListID
    union all
    select
        ClientID,
        EmailAddress,
        (State = 'Active')::bigint,
        (State = 'Unsubscribed')::bigint,
        (State = 'Bounced')::bigint,
        IsSuppressed,
        case when OnLists = 0 then [] else
            [struct_pack(ListID := ListID, Name := Name, State := State, Date := Date)]
        end,
        SuppressionReason,
        SuppressedDate
    from states
    where OnLists = 0 or OnLists = 1 and State <> 'Suppressed'
    union all
    select
        ClientID,
        EmailAddress,
        count(*) filter (State = 'Active'),
        count(*) filter (State = 'Unsubscribed'),
        count(*) filter (State = 'Bounced'),
        bool_or(IsSuppressed),
        list(
            struct_pack(ListID := ListID, Name := Name, State := State, Date := Date)
            order by Name, ListID
        ),
        max(SuppressionReason),
        max(SuppressedDate)
    from states
    where OnLists > 1 and State <> 'Suppressed'
    group by ClientID, EmailAddress
)
select
    people.*,
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
from people
left join {clients} client on client.ClientID = people.ClientID
