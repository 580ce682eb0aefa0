"""Times in UTC beside the client's local ones.

The API gives a time zone by its display name, such as `(GMT+10:00) Canberra, Melbourne, Sydney`:
the names of Windows' zones. What stands in brackets moved as Windows followed the laws, the places
did not, so a zone is found by its places alone. Two of the vendor's names stand for no place that
ever kept such a time, `Mid-Atlantic` and `Petropavlovsk-Kamchatsky - Old`; they and unknown ones
have no UTC time, since none is better than a wrong one.

An hour that comes twice at the end of summer time is taken to be the second one, and one that is
left out at its beginning to be as long after it as the clock says: the API tells no more.
"""

from campaign_monitor_assets.analytics.model import View
from campaign_monitor_assets.analytics.subscribers import ADDRESS
from campaign_monitor_assets.catalogue.model import text, time

_DISPLAY_NAME = text(
    "TimeZone", "The time zone's display name, as the API gives it.", personal=False
)
_ZONE = text(
    "Zone", "The time zone's IANA name; NULL where the display name is not known.", personal=False
)

_UNKNOWN = {
    "unknown_time_zones": 'select TimeZone as "time zone", count(*) as "clients"'
    " from {client_time_zones} where Zone is null group by all order by all"
}

TIME_ZONES = View(
    name="time_zones",
    description="The IANA name for each time zone that a client can have. It is found by the places"
    " in the display name, without the offset in brackets, which changes with the law.",
    needs=(),
    columns=(
        text("Places", "The display name without the offset in brackets.", personal=False),
        text("Zone", "The time zone's IANA name.", personal=False),
    ),
)

CLIENT_TIME_ZONES = View(
    name="client_time_zones",
    description="The time zone that each client's times are in.",
    needs=("client_details", "time_zones"),
    columns=(text("ClientID", "The client's identifier.", personal=False), _DISPLAY_NAME, _ZONE),
    shows=_UNKNOWN,
)

CAMPAIGNS_UTC = View(
    name="campaigns_utc",
    description="When each campaign was sent, in the client's time zone and in UTC.",
    needs=("campaigns", "client_time_zones"),
    columns=(
        text("ClientID", "The client's identifier.", personal=False),
        text("CampaignID", "The campaign's identifier.", personal=False),
        text("Name", "The campaign's name.", personal=False),
        time("SentDate", "When the campaign was sent, in the client's time zone."),
        time("SentDateUTC", "The same in UTC; NULL where the time zone is not known."),
        _DISPLAY_NAME,
        _ZONE,
    ),
    shows=_UNKNOWN,
)

SCHEDULED_CAMPAIGNS_UTC = View(
    name="scheduled_campaigns_utc",
    description="When each scheduled campaign will be sent, in its own time zone and in UTC.",
    needs=("scheduled_campaigns", "time_zones"),
    columns=(
        text("ClientID", "The client's identifier.", personal=False),
        text("CampaignID", "The campaign's identifier.", personal=False),
        text("Name", "The campaign's name.", personal=False),
        time("DateScheduled", "When it will be sent, in the time zone of ScheduledTimeZone."),
        time("DateScheduledUTC", "The same in UTC; NULL where the time zone is not known."),
        text(
            "ScheduledTimeZone",
            "The time zone's display name, as the API gives it.",
            personal=False,
        ),
        _ZONE,
    ),
    shows={
        "unknown_time_zones": 'select ScheduledTimeZone as "time zone", count(*) as "campaigns"'
        " from {scheduled_campaigns_utc} where Zone is null group by all order by all"
    },
)

SUBSCRIBERS_UTC = View(
    name="subscribers_utc",
    description="When each subscriber joined and when the present state began, in the client's"
    " time zone and in UTC: the active, the unsubscribed and the bounced ones.",
    needs=("subscribers", "client_time_zones"),
    columns=(
        text("ClientID", "The client's identifier.", personal=False),
        text("ListID", "The list's identifier.", personal=False),
        ADDRESS,
        text("State", "The subscriber's state in the list.", personal=False),
        time("Date", "When the present state began, in the client's time zone."),
        time("DateUTC", "The same in UTC; NULL where the time zone is not known."),
        time("ListJoinedDate", "When the subscriber joined, in the client's time zone."),
        time("ListJoinedDateUTC", "The same in UTC; NULL where the time zone is not known."),
        _DISPLAY_NAME,
        _ZONE,
    ),
    shows=_UNKNOWN,
)

VIEWS = (TIME_ZONES, CLIENT_TIME_ZONES, CAMPAIGNS_UTC, SCHEDULED_CAMPAIGNS_UTC, SUBSCRIBERS_UTC)
