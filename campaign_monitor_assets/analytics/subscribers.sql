-- Two spellings of an address are one subscriber. Of two states the one that began later counts:
-- who moves from one to the other between the readings of their tables stands in both. Most stand
-- in one row: those who may not are found by their hashes, in little memory, and only these are
-- compared.
with everyone as not materialized (
    select
        ClientID, ListID, {address} as EmailAddress, 'Active' as State, Date, ListJoinedDate,
        ReadsEmailWith, hash(ListID, {address}) as Person
    from {active_subscribers}
    union all
    select
        ClientID, ListID, {address}, 'Bounced', Date, ListJoinedDate, ReadsEmailWith,
        hash(ListID, {address})
    from {bounced_subscribers}
    union all
    select
        ClientID, ListID, {address}, 'Unsubscribed', Date, ListJoinedDate, ReadsEmailWith,
        hash(ListID, {address})
    from {unsubscribed_subscribers}
),
repeated as (
    select Person from everyone group by Person having count(*) > 1
),
ranked as (
    select
        *,
        {latest} as Latest
    from everyone
    semi join repeated using (Person)
)
select ClientID, ListID, EmailAddress, State, Date, ListJoinedDate, ReadsEmailWith
from everyone
anti join repeated using (Person)
union all
select
    any_value(ClientID) as ClientID,
    ListID,
    EmailAddress,
    arg_max(State, Latest) as State,
    arg_max(Date, Latest) as Date,
    arg_max(ListJoinedDate, Latest) as ListJoinedDate,
    arg_max(ReadsEmailWith, Latest) as ReadsEmailWith
from ranked
group by ListID, EmailAddress
