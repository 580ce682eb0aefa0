"""Columns that the reports of campaigns and those of journeys have in common."""

from campaign_monitor_assets.catalogue.model import address, number, text, time

EMAIL_ADDRESS = address("EmailAddress", "The subscriber's address.")
IP_ADDRESS = text("IPAddress", "The IP address that the request came from.", personal=True)

PLACE = (
    IP_ADDRESS,
    number(
        "Latitude",
        "The latitude estimated from the IP address, in degrees, north positive.",
        personal=True,
    ),
    number(
        "Longitude",
        "The longitude estimated from the IP address, in degrees, east positive.",
        personal=True,
    ),
    text(
        "City", "The city estimated from the IP address; empty where it isn't known.", personal=True
    ),
    text("Region", "The region or state estimated from the IP address.", personal=True),
    text(
        "CountryCode",
        "The two-letter code of the country estimated from the IP address.",
        personal=True,
    ),
    text("CountryName", "The name of the country estimated from the IP address.", personal=True),
)

OPENED = time("Date", "When the e-mail was opened, in the client's time zone.")
CLICKED = time("Date", "When the link was clicked, in the client's time zone.")
URL = text("URL", "The link that was clicked.", personal=True)
LEFT = time("Date", "When the subscriber unsubscribed, in the client's time zone.")

BOUNCE = (
    text(
        "BounceType",
        "`Hard` where the address is no good, `Soft` where it may be later.",
        personal=False,
    ),
    time("Date", "When the bounce came, in the client's time zone."),
    text("Reason", "Why it bounced, in the vendor's words.", personal=True),
)
