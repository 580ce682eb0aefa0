-- In two steps, since counting distinct addresses in one would keep them all in memory.
with by_person as (
    select
        any_value(ClientID) as ClientID,
        CampaignID,
        trim(URL) as URL,
        count(*) as Clicks,
        min(Date) as FirstClick,
        max(Date) as LastClick
    from {campaign_clicks}
    where trim(URL) <> ''
    group by CampaignID, trim(URL), {address}
),
links as (
    select
        any_value(ClientID) as ClientID,
        CampaignID,
        URL,
        sum(Clicks) as Clicks,
        count(*) as Clickers,
        min(FirstClick) as FirstClick,
        max(LastClick) as LastClick
    from by_person
    group by CampaignID, URL
)
select
    link.ClientID,
    campaign.ClientName,
    link.CampaignID,
    campaign.Name,
    campaign.Subject,
    campaign.SentDate,
    link.URL,
    link.Clicks,
    link.Clickers,
    link.Clickers / nullif(campaign.Delivered, 0) as ClickerRate,
    link.FirstClick,
    link.LastClick
from links link
left join {campaign_performance} campaign on campaign.CampaignID = link.CampaignID
