select
    campaign.ClientID,
    campaign.CampaignID,
    campaign.Name,
    campaign.SentDate,
    timezone('UTC', timezone(Zone, campaign.SentDate)) as SentDateUTC,
    TimeZone,
    Zone
from {campaigns} campaign
left join {client_time_zones} client using (ClientID)
