"""Words from which the sandbox makes its account: names, places, zones and mail programs."""

from typing import Final

# A display name, and how its owner would write it in an address.
FIRST_NAMES: Final = (
    ("Anna", "anna"), ("Zoë", "zoe"), ("José", "jose"), ("Siobhán", "siobhan"),
    ("Łukasz", "lukasz"), ("Noah", "noah"), ("美咲", "misaki"), ("伟", "wei"),
    ("Олена", "olena"), ("Émile", "emile"), ("Ngọc", "ngoc"), ("سارة", "sara"),
    ("Mia", "mia"), ("Øyvind", "oyvind"), ("Priya", "priya"), ("D'Angelo", "d'angelo"),
)  # fmt: skip
LAST_NAMES: Final = (
    ("Smith", "smith"), ("Müller", "mueller"), ("O'Brien", "o'brien"), ("García López", "garcia"),
    ("田中", "tanaka"), ("Nguyễn", "nguyen"), ("Kowalski-Żak", "kowalski"), ("Şahin", "sahin"),
    ("van der Berg", "vdberg"), ("Ångström", "angstrom"), ("Dupont", "dupont"), ("陈", "chen"),
    ("Шевченко", "shevchenko"), ("Patel", "patel"), ('"Ace" Jones', "jones"), ("Silva 🌻", "silva"),
)  # fmt: skip

# City, region, country code, country, latitude, longitude.
PLACES: Final = (
    ("Zürich", "Zürich", "CH", "Switzerland", 47.3769, 8.5417),
    ("São Paulo", "São Paulo", "BR", "Brazil", -23.5505, -46.6333),
    ("東京", "Tokyo", "JP", "Japan", 35.6762, 139.6503),
    ("Melbourne", "Victoria", "AU", "Australia", -37.8136, 144.9631),
    ("L'Aquila", "Abruzzo", "IT", "Italy", 42.3498, 13.3995),
    ("Köln", "Nordrhein-Westfalen", "DE", "Germany", 50.9375, 6.9603),
    ("Austin", "Texas", "US", "United States of America", 30.2672, -97.7431),
    ("", "", "", "", 0.0, 0.0),
)

TIMEZONES: Final = (
    "(GMT-10:00) Hawaii",
    "(GMT-08:00) Pacific Time (US & Canada)",
    "(GMT-05:00) Eastern Time (US & Canada)",
    "(GMT-03:30) Newfoundland",
    "(GMT) Greenwich Mean Time : Dublin, Edinburgh, Lisbon, London",
    "(GMT+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
    "(GMT+02:00) Helsinki, Kyiv, Riga, Sofia, Tallinn, Vilnius",
    "(GMT+05:30) Chennai, Kolkata, Mumbai, New Delhi",
    "(GMT+05:45) Kathmandu",
    "(GMT+09:00) Osaka, Sapporo, Tokyo",
    "(GMT+10:00) Canberra, Melbourne, Sydney",
    "(GMT+12:00) Auckland, Wellington",
    # No generated client has one of these.
    "(GMT) Casablanca",
    "(GMT) Coordinated Universal Time",
    "(GMT) Monrovia, Reykjavik",
    "(GMT+01:00) Belgrade, Bratislava, Budapest, Ljubljana, Prague",
    "(GMT+01:00) Brussels, Copenhagen, Madrid, Paris",
    "(GMT+01:00) Sarajevo, Skopje, Warsaw, Zagreb",
    "(GMT+01:00) West Central Africa",
    "(GMT+02:00) Amman",
    "(GMT+02:00) Athens, Bucharest, Istanbul",
    "(GMT+02:00) Beirut",
    "(GMT+02:00) Cairo",
    "(GMT+02:00) Damascus",
    "(GMT+02:00) Harare, Pretoria",
    "(GMT+02:00) Jerusalem",
    "(GMT+02:00) Minsk",
    "(GMT+02:00) Windhoek",
    "(GMT+03:00) Baghdad",
    "(GMT+03:00) Kuwait, Riyadh",
    "(GMT+03:00) Moscow, St. Petersburg, Volgograd",
    "(GMT+03:00) Nairobi",
    "(GMT+03:30) Tehran",
    "(GMT+04:00) Abu Dhabi, Muscat",
    "(GMT+04:00) Baku",
    "(GMT+04:00) Port Louis",
    "(GMT+04:00) Tbilisi",
    "(GMT+04:00) Yerevan",
    "(GMT+04:30) Kabul",
    "(GMT+05:00) Ekaterinburg",
    "(GMT+05:00) Islamabad, Karachi",
    "(GMT+05:00) Tashkent",
    "(GMT+05:30) Sri Jayawardenepura",
    "(GMT+06:00) Astana",
    "(GMT+06:00) Dhaka",
    "(GMT+06:00) Novosibirsk",
    "(GMT+06:30) Yangon (Rangoon)",
    "(GMT+07:00) Bangkok, Hanoi, Jakarta",
    "(GMT+07:00) Krasnoyarsk",
    "(GMT+08:00) Beijing, Chongqing, Hong Kong, Urumqi",
    "(GMT+08:00) Irkutsk",
    "(GMT+08:00) Kuala Lumpur, Singapore",
    "(GMT+08:00) Perth",
    "(GMT+08:00) Taipei",
    "(GMT+08:00) Ulaanbaatar",
    "(GMT+09:00) Seoul",
    "(GMT+09:00) Yakutsk",
    "(GMT+09:30) Adelaide",
    "(GMT+09:30) Darwin",
    "(GMT+10:00) Brisbane",
    "(GMT+10:00) Guam, Port Moresby",
    "(GMT+10:00) Hobart",
    "(GMT+10:00) Vladivostok",
    "(GMT+11:00) Magadan, Solomon Is., New Caledonia",
    "(GMT+12:00) Coordinated Universal Time+12",
    "(GMT+12:00) Fiji",
    "(GMT+12:00) Petropavlovsk-Kamchatsky - Old",
    "(GMT+13:00) Nuku'alofa",
    "(GMT-01:00) Azores",
    "(GMT-01:00) Cape Verde Is.",
    "(GMT-02:00) Coordinated Universal Time-02",
    "(GMT-02:00) Mid-Atlantic",
    "(GMT-03:00) Brasilia",
    "(GMT-03:00) Buenos Aires",
    "(GMT-03:00) Cayenne, Fortaleza",
    "(GMT-03:00) Greenland",
    "(GMT-03:00) Montevideo",
    "(GMT-04:00) Asuncion",
    "(GMT-04:00) Atlantic Time (Canada)",
    "(GMT-04:00) Cuiaba",
    "(GMT-04:00) Georgetown, La Paz, Manaus, San Juan",
    "(GMT-04:00) Santiago",
    "(GMT-04:30) Caracas",
    "(GMT-05:00) Bogota, Lima, Quito",
    "(GMT-05:00) Indiana (East)",
    "(GMT-06:00) Central America",
    "(GMT-06:00) Central Time (US & Canada)",
    "(GMT-06:00) Guadalajara, Mexico City, Monterrey",
    "(GMT-06:00) Saskatchewan",
    "(GMT-07:00) Arizona",
    "(GMT-07:00) Chihuahua, La Paz, Mazatlan",
    "(GMT-07:00) Mountain Time (US & Canada)",
    "(GMT-08:00) Baja California",
    "(GMT-09:00) Alaska",
    "(GMT-11:00) Coordinated Universal Time-11",
    "(GMT-11:00) Samoa",
    "(GMT-12:00) International Date Line West",
)
COUNTRIES: Final = (
    "Australia", "Brazil", "Germany", "Ireland", "Italy", "Japan", "Switzerland",
    "United States of America",
)  # fmt: skip

# Company, contact, country, time zone: one line for each client, repeated with a number.
COMPANIES: Final = (
    ("Café Münchner Freiheit", "Jürgen Groß", "Germany", TIMEZONES[5]),
    ("O'Brien & Sons Gardening", "Siobhán O'Brien", "Australia", TIMEZONES[10]),
    ("東京 Books 📚", "田中 美咲", "Japan", TIMEZONES[9]),
)
LISTS: Final = (
    "Newsletter", "Kunden & Gäste", "VIP ☕", "Event guests", "Prospects, 2026",
    "Trial users", "Press · Presse", "Members' circle", "お知らせ", "Winter campaign",
)  # fmt: skip
SUBJECTS: Final = (
    "Spring menu 🌱", "Don't miss it: 50% off", "Grüße aus der Küche", "What's new this month",
    "Your invitation", "新刊のお知らせ", "Last chance, [firstname]", "We're moving →",
)  # fmt: skip
TAGS: Final = ("promo", "monthly", "événement", "vip, only", "2026")
MAIL_PROGRAMS: Final = (
    ("Apple Mail", "Apple Mail 16"), ("Gmail", "Gmail"), ("Outlook", "Outlook 2021"),
    ("Outlook", "Outlook 2016"), ("iPhone", "iOS Devices"),
)  # fmt: skip
PLANS: Final = ("Free", "Silver", "Gold")
INTERESTS: Final = ("Coffee", "Books", "Garden", "Musique", "Travel")
NOTES: Final = (
    "Likes tea,\nno sugar.\r\nCalls on Mondays",
    'Said "maybe" \\ twice',
    "=SUM(A1:A2)",
    "naïve · façade · 雨",
    "  two blanks before and after  ",
)
