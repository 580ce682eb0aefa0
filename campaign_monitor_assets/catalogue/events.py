"""Columns that the reports of campaigns and those of journeys have in common."""

from campaign_monitor_assets.catalogue.model import number, text, time

EMAIL_ADDRESS = text("EmailAddress", "The subscriber's address.")
IP_ADDRESS = text("IPAddress", "The IP address that the request came from.")

PLACE = (
    IP_ADDRESS,
    number("Latitude", "The latitude estimated from the IP address, in degrees, north positive."),
    number("Longitude", "The longitude estimated from the IP address, in degrees, east positive."),
    text("City", "The city estimated from the IP address; empty where it isn't known."),
    text("Region", "The region or state estimated from the IP address."),
    text("CountryCode", "The two-letter code of the country estimated from the IP address."),
    text("CountryName", "The name of the country estimated from the IP address."),
)

OPENED = time("Date", "When the e-mail was opened, in the client's time zone.")
CLICKED = time("Date", "When the link was clicked, in the client's time zone.")
URL = text("URL", "The link that was clicked.")
LEFT = time("Date", "When the subscriber unsubscribed, in the client's time zone.")

BOUNCE = (
    text("BounceType", "`Hard` where the address is no good, `Soft` where it may be later."),
    time("Date", "When the bounce came, in the client's time zone."),
    text("Reason", "Why it bounced, in the vendor's words."),
)
