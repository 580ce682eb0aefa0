"""The rates of campaigns that charts show, each in the same colour everywhere."""

from typing import Final, NamedTuple

from campaign_monitor_assets.report.charts import BLUE, GREEN, ORANGE, RED
from campaign_monitor_assets.report.facts import Results


class Rate(NamedTuple):
    """A rate, the field of Results that holds it, its looks, and its panel, from 1 on."""

    name: str
    field: str
    colour: str
    panel: int
    dashed: bool = False
    """Of two lines that cross one is, for who can't tell their colours."""


RATES: Final = (
    Rate("Opened", "opened", BLUE, 1),
    Rate("Clicks", "clicks", GREEN, 1, dashed=True),
    Rate("Unsubscribed", "unsubscribed", ORANGE, 2),
    Rate("Bounced", "bounced", RED, 2, dashed=True),
)

PANELS: Final = tuple(
    ", ".join(
        rate.name if at == 0 else rate.name.lower()
        for at, rate in enumerate(rate for rate in RATES if rate.panel == panel)
    )
    for panel in (1, 2)
)
"""What each panel is of: what is wanted, and what is not, which is far less."""


def percent(results: Results, rate: Rate) -> float | None:
    """A rate in percent."""
    found: float | None = getattr(results, rate.field)
    return found
