select
    ClientID,
    CampaignID,
    Name,
    DateScheduled,
    timezone('UTC', timezone(Zone, DateScheduled)) as DateScheduledUTC,
    ScheduledTimeZone,
    Zone
from {scheduled_campaigns}
left join {time_zones}
    on Places = regexp_replace(ScheduledTimeZone, '^\([^)]*\)\s*', '')
