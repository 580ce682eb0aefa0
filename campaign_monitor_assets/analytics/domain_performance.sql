-- Only campaigns whose three reports are there: otherwise there would be bounces of nobody.
with reported as (
    select CampaignID
    from {campaign_reports_read}
    where RecipientsReadAt is not null
        and BouncesReadAt is not null
        and SpamComplaintsReadAt is not null
),
events as (
    select ClientID, CampaignID, {address} as EmailAddress, {domain} as Domain, 'sent' as Event
    from (select null::varchar as EmailDomain where false union all by name from {campaign_recipients})
    union all
    select ClientID, CampaignID, {address}, {domain}, coalesce(lower(BounceType), 'soft')
    from (select null::varchar as EmailDomain where false union all by name from {campaign_bounces})
    union all
    select ClientID, CampaignID, {address}, {domain}, 'complaint'
    from (select null::varchar as EmailDomain where false union all by name from {campaign_spam_complaints})
),
addresses as (
    select
        ClientID,
        any_value(Domain) as Domain,
        count(*) filter (Event = 'sent') as Recipients,
        count(*) filter (Event = 'hard') as HardBounces,
        count(*) filter (Event not in ('sent', 'hard', 'complaint')) as SoftBounces,
        count(*) filter (Event = 'complaint') as SpamComplaints
    from events
    where CampaignID in (from reported)
    group by ClientID, EmailAddress
),
domains as (
    select
        ClientID,
        Domain,
        count(*) as Addresses,
        sum(Recipients) as Recipients,
        sum(HardBounces) as HardBounces,
        sum(SoftBounces) as SoftBounces,
        sum(SpamComplaints) as SpamComplaints
    from addresses
    group by ClientID, Domain
)
select
    domains.*,
    client.Name as ClientName,
    (HardBounces + SoftBounces) / nullif(Recipients, 0) as BounceRate,
    HardBounces / nullif(Recipients, 0) as HardBounceRate,
    SpamComplaints / nullif(Recipients - HardBounces - SoftBounces, 0) as ComplaintRate,
    {is_enough_addresses} as IsEnough
from domains
left join {clients} client on client.ClientID = domains.ClientID
