-- Days are whole ones in every time zone: half a day before the sync the last has ended everywhere.
with as_of as (
    select date_trunc('day', coalesce(min(Last), {utc_now}) - interval 12 hour) as Ending
    from (
        select table_name, max(synced_at) as Last
        from {sync_log}
        where table_name in ('active_subscribers', 'bounced_subscribers', 'unsubscribed_subscribers')
        group by table_name
    )
),
periods as (
    {periods}
),
changes as (
    select
        any_value(ClientID) as ClientID,
        ListID,
        date_trunc('day', Moment) as Day,
        count(*) filter (Change = 'Joined') as Joined,
        count(*) filter (Change = 'Unsubscribed') as "Left",
        count(*) filter (Change = 'Bounced') as Bounced
    from (
        select
            ClientID,
            ListID,
            {moments}
        from {subscribers}
    )
    where Moment >= (select min(BeginningBefore) from periods)
    group by ListID, date_trunc('day', Moment)
),
sums as (
    select
        any_value(ClientID) as ClientID,
        ListID,
        Days,
        any_value(Beginning) as Beginning,
        any_value(Ending) as Ending,
        coalesce(sum(Joined) filter (Day >= Beginning), 0) as Joined,
        coalesce(sum(Joined) filter (Day < Beginning), 0) as JoinedBefore,
        coalesce(sum("Left") filter (Day >= Beginning), 0) as "Left",
        coalesce(sum("Left") filter (Day < Beginning), 0) as LeftBefore,
        coalesce(sum(Bounced) filter (Day >= Beginning), 0) as Bounced,
        coalesce(sum(Bounced) filter (Day < Beginning), 0) as BouncedBefore
    from changes
    cross join periods
    where Day >= BeginningBefore and Day < Ending
    group by ListID, Days
)
select
    sums.*,
    client.Name as ClientName,
    list.Name as ListName,
    Beginning as FirstDay,
    Ending - interval 1 day as LastDay,
    Joined - "Left" - Bounced as Net,
    JoinedBefore - LeftBefore - BouncedBefore as NetBefore
from sums
left join {lists} list on list.ListID = sums.ListID
left join {clients} client on client.ClientID = sums.ClientID
