with periods as (
    select
        *,
        lag(State) over (partition by ListID, EmailAddress order by Since) as StateBefore,
        lag(Until) over (partition by ListID, EmailAddress order by Since) as UntilBefore,
        lead(Since) over (partition by ListID, EmailAddress order by Since) as NextSince
    from {subscriber_state_periods}
),
changes as (
    select
        ClientID, ListID, EmailAddress, Since as ChangedAt,
        case when UntilBefore = Since then StateBefore end as FromState, State as ToState
    from periods
    where UntilBefore is not null or not SinceBefore
    union all
    select ClientID, ListID, EmailAddress, Until, State, null
    from periods
    where Until is not null and NextSince is distinct from Until
)
select
    change.*,
    client.Name as ClientName,
    list.Name as ListName
from changes change
left join {lists} list on list.ListID = change.ListID
left join {clients} client on client.ClientID = change.ClientID
