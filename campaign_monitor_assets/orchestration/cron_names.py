"""Names that people can read, for cron strings: `daily_at_05_30`."""

import re
from typing import Final

from cron_descriptor import Options, get_description
from cron_descriptor.Exception import FormatError, MissingFieldError, WrongArgumentError

_NAMED: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


def cron_name(cron: str) -> str:
    """What a schedule of this cron string is named for: letters, digits and _."""
    options = Options()
    options.use_24hour_time_format = True
    options.locale_code = "en_US"
    try:
        told = get_description(_NAMED.get(cron.lower(), cron.upper()), options)
    except (FormatError, MissingFieldError, WrongArgumentError):
        # What croniter takes and this library doesn't know: the string as it is.
        told = f"cron {cron}"
    name = re.sub(r"\W+", "_", told.lower()).strip("_")
    return f"daily_{name}" if re.fullmatch(r"at_\d\d_\d\d", name) else name
