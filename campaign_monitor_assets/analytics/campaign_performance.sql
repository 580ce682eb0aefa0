with reported as (
    select
        campaign.ClientID,
        client.Name as ClientName,
        campaign.CampaignID,
        campaign.Name,
        campaign.Subject,
        campaign.SentDate,
        coalesce(summary.Recipients, campaign.TotalRecipients) as Recipients,
        if(summary.Bounced > summary.Recipients, 0, summary.Recipients - summary.Bounced) as Delivered,
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
