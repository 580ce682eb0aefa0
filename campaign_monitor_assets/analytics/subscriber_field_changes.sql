-- A consent that was not asked for at one of the two times has not changed. Most subscribers are in
-- one version, in which nothing changed: the others are found by their hashes, in little memory.
with all_versions as not materialized (
    select ClientID, ListID, {address} as EmailAddress, _valid_from, Name, MobileNumber, ReadsEmailWith,
        ConsentToTrack, ConsentToSendSms, CustomFields, hash(ListID, {address}) as Person
    from {active_subscribers_history}
    union all
    select ClientID, ListID, {address} as EmailAddress, _valid_from, Name, MobileNumber, ReadsEmailWith,
        ConsentToTrack, ConsentToSendSms, CustomFields, hash(ListID, {address}) as Person
    from {bounced_subscribers_history}
    union all
    select ClientID, ListID, {address} as EmailAddress, _valid_from, Name, MobileNumber, ReadsEmailWith,
        ConsentToTrack, ConsentToSendSms, CustomFields, hash(ListID, {address}) as Person
    from {deleted_subscribers_history}
    union all
    select ClientID, ListID, {address} as EmailAddress, _valid_from, Name, MobileNumber, ReadsEmailWith,
        ConsentToTrack, ConsentToSendSms, CustomFields, hash(ListID, {address}) as Person
    from {unconfirmed_subscribers_history}
    union all
    select ClientID, ListID, {address} as EmailAddress, _valid_from, Name, MobileNumber, ReadsEmailWith,
        ConsentToTrack, ConsentToSendSms, CustomFields, hash(ListID, {address}) as Person
    from {unsubscribed_subscribers_history}
),
several as (
    select Person from all_versions group by Person having count(*) > 1
),
versions as (
    select * from all_versions semi join several using (Person)
),
pairs as (
    select
        *,
        lag(Name) over life as OldName,
        lag(MobileNumber) over life as OldMobileNumber,
        lag(ReadsEmailWith) over life as OldReadsEmailWith,
        lag(ConsentToTrack) over life as OldConsentToTrack,
        lag(ConsentToSendSms) over life as OldConsentToSendSms,
        lag(CustomFields) over life as OldCustomFields
    from versions
    window life as (partition by ListID, EmailAddress order by _valid_from)
    qualify lag(_valid_from) over life is not null
),
plain as (
    select
        ClientID, ListID, EmailAddress, _valid_from,
        unnest([
            struct_pack(Field := 'Name', OldValue := nullif(OldName, ''), NewValue := nullif(Name, '')),
            struct_pack(Field := 'MobileNumber', OldValue := nullif(OldMobileNumber, ''), NewValue := nullif(MobileNumber, '')),
            struct_pack(Field := 'ReadsEmailWith', OldValue := nullif(OldReadsEmailWith, ''), NewValue := nullif(ReadsEmailWith, '')),
            struct_pack(Field := 'ConsentToTrack', OldValue := coalesce(OldConsentToTrack, ConsentToTrack), NewValue := coalesce(ConsentToTrack, OldConsentToTrack)),
            struct_pack(Field := 'ConsentToSendSms', OldValue := coalesce(OldConsentToSendSms, ConsentToSendSms), NewValue := coalesce(ConsentToSendSms, OldConsentToSendSms))
        ], recursive := true)
    from pairs
),
old_fields as (
    select
        ClientID, ListID, EmailAddress, _valid_from, field.Key as Field,
        array_to_string(list_sort(list(field.Value)), ', ') as OldValue
    from (
        select *, unnest(OldCustomFields) as field
        from pairs where CustomFields is distinct from OldCustomFields
    )
    group by all
),
new_fields as (
    select
        ClientID, ListID, EmailAddress, _valid_from, field.Key as Field,
        array_to_string(list_sort(list(field.Value)), ', ') as NewValue
    from (
        select *, unnest(CustomFields) as field
        from pairs where CustomFields is distinct from OldCustomFields
    )
    group by all
),
changes as (
    select ClientID, ListID, EmailAddress, _valid_from, Field, OldValue, NewValue from plain
    union all by name
    select ClientID, ListID, EmailAddress, _valid_from, Field, OldValue, NewValue
    from old_fields
    full join new_fields using (ClientID, ListID, EmailAddress, _valid_from, Field)
)
select
    change.ClientID,
    change.ListID,
    list.Name as ListName,
    change.EmailAddress,
    change._valid_from as ChangedAt,
    change.Field,
    change.OldValue,
    change.NewValue
from changes change
left join {lists} list on list.ListID = change.ListID
where change.OldValue is distinct from change.NewValue
