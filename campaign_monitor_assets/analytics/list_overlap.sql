-- Most addresses are on one list. The others are found by their hashes, in little memory; two
-- addresses of one hash do no harm.
with active as not materialized (
    select ClientID, ListID, EmailAddress, hash(ClientID, EmailAddress) as Person
    from {subscribers}
    where State = 'Active'
),
sizes as (
    select ListID, count(*) as Active from active group by ListID
),
several as (
    select Person from active group by Person having count(*) > 1
),
shared as (
    select any_value(ClientID) as ClientID, list(ListID) as Lists
    from active semi join several using (Person)
    group by ClientID, EmailAddress
),
pairs as (
    select any_value(ClientID) as ClientID, ListID, OtherListID, count(*) as OnBoth
    from (
        select ClientID, ListID, unnest(Lists) as OtherListID
        from (select ClientID, Lists, unnest(Lists) as ListID from shared where len(Lists) > 1)
    )
    where ListID <> OtherListID
    group by ListID, OtherListID
)
select
    pairs.ClientID,
    client.Name as ClientName,
    pairs.ListID,
    list.Name as ListName,
    pairs.OtherListID,
    other.Name as OtherListName,
    size.Active,
    other_size.Active as OtherActive,
    OnBoth,
    OnBoth / size.Active as Share
from pairs
join sizes size on size.ListID = pairs.ListID
join sizes other_size on other_size.ListID = pairs.OtherListID
left join {lists} list on list.ListID = pairs.ListID
left join {lists} other on other.ListID = pairs.OtherListID
left join {clients} client on client.ClientID = pairs.ClientID
