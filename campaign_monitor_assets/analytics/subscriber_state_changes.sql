with changes as (
    select
        ClientID,
        ListID,
        EmailAddress,
        unnest([
            case when UntilBefore is not null or not SinceBefore then struct_pack(
                ChangedAt := Since,
                FromState := case when UntilBefore = Since then StateBefore end,
                ToState := State
            ) end,
            case when Until is not null and SinceAfter is distinct from Until then struct_pack(
                ChangedAt := Until,
                FromState := State,
                ToState := null
            ) end
        ]) as Change
    from {subscriber_state_periods}
)
select
    change.ClientID,
    change.ListID,
    change.EmailAddress,
    Change.ChangedAt,
    Change.FromState,
    Change.ToState,
    client.Name as ClientName,
    list.Name as ListName
from changes change
left join {lists} list on list.ListID = change.ListID
left join {clients} client on client.ClientID = change.ClientID
where Change is not null
