select
    subscriber.*,
    timezone('UTC', timezone(Zone, Date)) as DateUTC,
    timezone('UTC', timezone(Zone, ListJoinedDate)) as ListJoinedDateUTC,
    TimeZone,
    Zone
from {subscribers} subscriber
left join {client_time_zones} client using (ClientID)
