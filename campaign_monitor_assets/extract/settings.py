"""How tables are read: the one declaration of the extraction's settings."""

from pydantic import BaseModel, ConfigDict, Field

from campaign_monitor_assets.catalogue import Option


class ExtractSettings(BaseModel):
    """How tables are read.

    A field that is added here is an attribute of the component and of the resource, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    page_size: int = Field(
        default=1000, ge=10, le=1000, examples=[500], description="Rows per page."
    )
    consistency_retries: int = Field(
        default=3,
        ge=0,
        examples=[5],
        description="Retries when a collection changes during pagination.",
    )
    overlap_hours: float = Field(
        default=24,
        ge=1,
        examples=[48],
        description="For tables that are read incrementally: hours before the newest record of the"
        " last snapshot from which on records are requested again. Times are local, a clock can go"
        " back by an hour, and an import takes a while.",
    )
    include_tracking_preference: bool = Field(
        default=False,
        examples=[True],
        description="Request each subscriber's consent to tracking.",
    )
    include_sms_preference: bool = Field(
        default=False, examples=[True], description="Request each subscriber's consent to SMS."
    )

    @property
    def options(self) -> frozenset[Option]:
        """The preferences to request."""
        wanted = {
            Option.TRACKING: self.include_tracking_preference,
            Option.SMS: self.include_sms_preference,
        }
        return frozenset(option for option, is_wanted in wanted.items() if is_wanted)
