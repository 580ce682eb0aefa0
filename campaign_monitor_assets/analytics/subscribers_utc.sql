with everyone as (
    select ClientID, ListID, EmailAddress, State, Date, ListJoinedDate
    from {active_subscribers}
    union all
    select ClientID, ListID, EmailAddress, State, Date, ListJoinedDate
    from {unsubscribed_subscribers}
    union all
    select ClientID, ListID, EmailAddress, State, Date, ListJoinedDate
    from {bounced_subscribers}
)
select
    everyone.*,
    timezone('UTC', timezone(Zone, Date)) as DateUTC,
    timezone('UTC', timezone(Zone, ListJoinedDate)) as ListJoinedDateUTC,
    TimeZone,
    Zone
from everyone
left join {client_time_zones} client using (ClientID)
