select
    ClientID,
    {address} as EmailAddress,
    coalesce(arg_max(SuppressionReason, Date), any_value(SuppressionReason)) as SuppressionReason,
    max(Date) as SuppressedDate
from {suppression_list}
group by ClientID, {address}
