-- Two spellings of an address are one subscriber. Of two states the one that began later counts:
-- who moves from one to the other between the readings of their tables stands in both.
with everyone as (
    select ClientID, ListID, EmailAddress, 'Active' as State, Date, ListJoinedDate, ReadsEmailWith
    from {active_subscribers}
    union all
    select ClientID, ListID, EmailAddress, 'Bounced', Date, ListJoinedDate, ReadsEmailWith
    from {bounced_subscribers}
    union all
    select ClientID, ListID, EmailAddress, 'Unsubscribed', Date, ListJoinedDate, ReadsEmailWith
    from {unsubscribed_subscribers}
),
ranked as (
    select
        *,
        coalesce(epoch_ms(Date), -4e12::bigint) * 4
            + case State when 'Unsubscribed' then 2 when 'Bounced' then 1 else 0 end as Latest
    from everyone
)
select
    any_value(ClientID) as ClientID,
    ListID,
    {address} as EmailAddress,
    arg_max(State, Latest) as State,
    arg_max(Date, Latest) as Date,
    arg_max(ListJoinedDate, Latest) as ListJoinedDate,
    arg_max(ReadsEmailWith, Latest) as ReadsEmailWith
from ranked
group by ListID, {address}
