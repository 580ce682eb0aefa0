with moves as (
    select any_value(ClientID) as ClientID, ListID, State, Moment::date as Day, sum(Number) as Number
    from (
        select
            ClientID,
            ListID,
            State,
            unnest(case when Until is null then [Since] else [Since, Until] end) as Moment,
            unnest(case when Until is null then [1] else [1, -1] end) as Number
        from {subscriber_state_periods}
    )
    group by ListID, State, Moment::date
),
ends as (
    select greatest(
        max(Day),
        (select max(synced_at)::date from {sync_log} where ends_with(table_name, '_subscribers'))
    ) as LastDay
    from moves
),
days as (
    select
        ListID,
        unnest(generate_series(min(Day), any_value(LastDay), interval 1 day))::date as Day
    from moves cross join ends
    group by ListID
),
sizes as (
    select
        days.ListID,
        days.Day,
        coalesce(sum(Number) filter (State = 'Active'), 0) as Active,
        coalesce(sum(Number) filter (State = 'Bounced'), 0) as Bounced,
        coalesce(sum(Number) filter (State = 'Deleted'), 0) as Deleted,
        coalesce(sum(Number) filter (State = 'Unconfirmed'), 0) as Unconfirmed,
        coalesce(sum(Number) filter (State = 'Unsubscribed'), 0) as Unsubscribed
    from days
    left join moves on moves.ListID = days.ListID and moves.Day = days.Day
    group by days.ListID, days.Day
),
clients_of_lists as (
    select ListID, any_value(ClientID) as ClientID from moves group by ListID
)
select
    owner.ClientID,
    client.Name as ClientName,
    size.ListID,
    list.Name as ListName,
    size.Day,
    sum(Active) over (partition by size.ListID order by size.Day) as Active,
    sum(Bounced) over (partition by size.ListID order by size.Day) as Bounced,
    sum(Deleted) over (partition by size.ListID order by size.Day) as Deleted,
    sum(Unconfirmed) over (partition by size.ListID order by size.Day) as Unconfirmed,
    sum(Unsubscribed) over (partition by size.ListID order by size.Day) as Unsubscribed
from sizes size
left join clients_of_lists owner on owner.ListID = size.ListID
left join {lists} list on list.ListID = size.ListID
left join {clients} client on client.ClientID = owner.ClientID
