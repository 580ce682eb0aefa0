-- All that is known of an address is gathered in one pass.
with as_of as (
    select coalesce(min(Last), {utc_now}) as KnownUntil
    from (
        select table_name, max(synced_at) as Last
        from {sync_log}
        where table_name in ('campaign_recipients', 'campaign_opens', 'campaign_clicks')
        group by table_name
    )
),
sent as (
    select
        CampaignID,
        ClientID,
        SentDate,
        RecipientsReadAt is not null as IsKnown,
        -- Who did not open a campaign is known once its opens were read some days later.
        coalesce(
            IsKnown
            and OpensReadAt >= SentDate + interval 7 day
            and ClicksReadAt >= SentDate + interval 7 day,
            false
        ) as IsFollowed
    from {campaign_reports_read}
),
reach as (
    select
        ClientID,
        min(SentDate) filter (IsFollowed) as KnownSince,
        max(SentDate) filter (not IsKnown and SentDate < KnownUntil - interval 1 day) as UnknownUntil
    from sent cross join as_of
    group by ClientID
),
facts as (
    select ClientID, EmailAddress, 'list' as Fact, ListJoinedDate as Moment
    from {subscribers}
    where State = 'Active'
    union all
    select ClientID, EmailAddress, 'suppressed', null
    from {suppressed_addresses}
    union all
    select ClientID, {address}, 'not tracked', null
    from {active_subscribers}
    where lower(ConsentToTrack) = 'no'
    union all
    select
        recipient.ClientID,
        lower(trim(recipient.EmailAddress)),
        case when sent.IsFollowed then 'followed' else 'sent' end,
        sent.SentDate
    from {campaign_recipients} recipient
    left join sent on sent.CampaignID = recipient.CampaignID
    union all
    select ClientID, {address}, 'sent by journey', SentDate from {journey_email_recipients}
    union all
    select ClientID, {address}, 'open', coalesce(Date, KnownUntil) from {campaign_opens} cross join as_of
    union all
    select ClientID, {address}, 'click', coalesce(Date, KnownUntil) from {campaign_clicks} cross join as_of
    union all
    select ClientID, {address}, 'open', coalesce(Date, KnownUntil) from {journey_email_opens} cross join as_of
    union all
    select ClientID, {address}, 'click', coalesce(Date, KnownUntil) from {journey_email_clicks} cross join as_of
),
people as (
    select
        ClientID,
        EmailAddress,
        count(*) filter (Fact = 'list') as ActiveOn,
        min(Moment) filter (Fact = 'list') as Joined,
        bool_or(Fact in ('suppressed', 'not tracked')) as IsLeftOut,
        count(*) filter (Fact in ('sent', 'followed')) as CampaignsReceived,
        bool_or(Fact in ('sent', 'followed', 'sent by journey')) as IsMailed,
        max(Moment) filter (Fact in ('sent', 'followed', 'sent by journey')) as LastReceived,
        min(Moment) filter (Fact = 'followed') as FirstFollowed,
        max(Moment) filter (Fact = 'followed') as LastFollowed,
        max(Moment) filter (Fact = 'open') as LastOpen,
        max(Moment) filter (Fact = 'click') as LastClick
    from facts
    group by ClientID, EmailAddress
    having ActiveOn > 0 and not IsLeftOut
),
judged as (
    select
        people.*,
        reach.KnownSince,
        KnownUntil,
        greatest(LastOpen, LastClick) as LastActive,
        case
            when LastActive >= KnownUntil - interval 6 month then null
            when FirstFollowed <= KnownUntil - interval 12 month
                and LastFollowed >= KnownUntil - interval 12 month
                and coalesce(LastActive < KnownUntil - interval 12 month, true)
                then 'no open for 12 months'
            when FirstFollowed <= KnownUntil - interval 6 month
                and LastFollowed >= KnownUntil - interval 6 month
                then 'no open for 6 months'
            when LastReceived < KnownUntil - interval 6 month then 'not mailed for 6 months'
            when not IsMailed and LastActive is null and coalesce(Joined > UnknownUntil, UnknownUntil is null)
                then 'never mailed'
        end as Inactivity
    from people
    cross join as_of
    left join reach on reach.ClientID = people.ClientID
)
select judged.*, client.Name as ClientName
from judged
left join {clients} client on client.ClientID = judged.ClientID
where Inactivity is not null
