with named as (
    select
        ClientID,
        BasicDetails.TimeZone as TimeZone,
        regexp_replace(TimeZone, '^\([^)]*\)\s*', '') as Places
    from {client_details}
)
select ClientID, TimeZone, Zone
from named
left join {time_zones} using (Places)
