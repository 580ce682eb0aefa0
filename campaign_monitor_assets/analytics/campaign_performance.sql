with reported as (
    select
        campaign.ClientID,
        client.Name as ClientName,
        campaign.CampaignID,
        campaign.Name,
        campaign.Subject,
        campaign.SentDate,
        coalesce(summary.Recipients, campaign.TotalRecipients) as Recipients,
        case
            when summary.Bounced > summary.Recipients then 0
            else summary.Recipients - summary.Bounced
        end as Delivered,
        summary.TotalOpened,
        summary.UniqueOpened,
        summary.Clicks,
        summary.Bounced,
        summary.Unsubscribed,
        summary.SpamComplaints
    from {campaigns} campaign
    left join {campaign_summary} summary using (CampaignID)
    left join {clients} client on client.ClientID = campaign.ClientID
)
select
    *,
    {rates}
from reported
