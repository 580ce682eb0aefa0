-- Tables of states are read one after the other. So an address that moves may stand in two of them
-- for a while, or in none. In two: it is in the state that was seen last. In none: it has moved
-- where the other table had not been read in between, and was away where it had been.
--
-- Most addresses of a list are in one version, which is their period. The others are found by their
-- hashes, in little memory; two addresses of one hash do no harm.
with all_versions as not materialized (
    select ClientID, ListID, {address} as EmailAddress, 'Active' as State, _valid_from as Since, coalesce(_valid_to, 'infinity'::timestamp) as Until, hash(ListID, {address}) as Person
    from {active_subscribers_history}
    union all
    select ClientID, ListID, {address} as EmailAddress, 'Bounced' as State, _valid_from as Since, coalesce(_valid_to, 'infinity'::timestamp) as Until, hash(ListID, {address}) as Person
    from {bounced_subscribers_history}
    union all
    select ClientID, ListID, {address} as EmailAddress, 'Deleted' as State, _valid_from as Since, coalesce(_valid_to, 'infinity'::timestamp) as Until, hash(ListID, {address}) as Person
    from {deleted_subscribers_history}
    union all
    select ClientID, ListID, {address} as EmailAddress, 'Unconfirmed' as State, _valid_from as Since, coalesce(_valid_to, 'infinity'::timestamp) as Until, hash(ListID, {address}) as Person
    from {unconfirmed_subscribers_history}
    union all
    select ClientID, ListID, {address} as EmailAddress, 'Unsubscribed' as State, _valid_from as Since, coalesce(_valid_to, 'infinity'::timestamp) as Until, hash(ListID, {address}) as Person
    from {unsubscribed_subscribers_history}
),
several as (
    select Person from all_versions group by Person having count(*) > 1
),
versions as (
    select * from all_versions semi join several using (Person)
),
first_snapshots as (
    select State, min(Since) as FirstSnapshot from all_versions group by State
),
edges as (
    select ListID, EmailAddress, Since as Turned from versions
    union
    select ListID, EmailAddress, Until from versions where Until < 'infinity'::timestamp
),
slices as (
    select
        edge.ListID,
        edge.EmailAddress,
        edge.Turned,
        arg_max(State, epoch_us(Since)) as State
    from edges edge
    left join versions version
        on version.ListID = edge.ListID
        and version.EmailAddress = edge.EmailAddress
        and version.Since <= edge.Turned
        and edge.Turned < version.Until
    group by edge.ListID, edge.EmailAddress, edge.Turned
),
turns as (
    select
        *,
        lag(State) over (partition by ListID, EmailAddress order by Turned) as Before,
        lead(State) over (partition by ListID, EmailAddress order by Turned) as After,
        lead(Turned) over (partition by ListID, EmailAddress order by Turned) as SeenAgain
    from (
        select * from slices
        qualify lag(Turned) over (partition by ListID, EmailAddress order by Turned) is null
            or State is distinct from lag(State) over (partition by ListID, EmailAddress order by Turned)
    )
),
moved as (
    select turn.ListID, turn.EmailAddress, turn.Turned
    from turns turn
    left join {sync_log} log
        on log.table_name = lower(turn.After) || '_subscribers' and log.synced_at < turn.SeenAgain
    where turn.State is null and turn.Before <> turn.After
    group by turn.ListID, turn.EmailAddress, turn.Turned
    having coalesce(max(log.synced_at) < turn.Turned, true)
),
filled as (
    select
        turn.ListID,
        turn.EmailAddress,
        turn.Turned,
        case when moved.Turned is null then turn.State else turn.After end as State
    from turns turn
    left join moved
        on moved.ListID = turn.ListID
        and moved.EmailAddress = turn.EmailAddress
        and moved.Turned = turn.Turned
),
periods as (
    select *, lead(Turned) over (partition by ListID, EmailAddress order by Turned) as Until
    from (
        select * from filled
        qualify lag(Turned) over (partition by ListID, EmailAddress order by Turned) is null
            or State is distinct from lag(State) over (partition by ListID, EmailAddress order by Turned)
    )
),
all_periods as (
    select
        ListID, EmailAddress, State, Since, nullif(Until, 'infinity'::timestamp) as Until,
        null as StateBefore, null as UntilBefore, null as SinceAfter
    from all_versions
    anti join several using (Person)
    union all
    select
        ListID, EmailAddress, State, Turned, Until,
        lag(State) over life, lag(Until) over life, lead(Turned) over life
    from periods
    where State is not null
    window life as (partition by ListID, EmailAddress order by Turned)
),
clients as (
    select ListID, any_value(ClientID) as ClientID from all_versions group by ListID
)
select
    client.ClientID,
    period.*,
    period.Since <= first_snapshot.FirstSnapshot as SinceBefore
from all_periods period
left join clients client on client.ListID = period.ListID
left join first_snapshots first_snapshot on first_snapshot.State = period.State
