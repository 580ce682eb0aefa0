"""What the component accepts in YAML: nested settings, names of earlier versions, clear errors."""

import functools
import warnings
from collections.abc import Mapping
from typing import Annotated, Any, Final, cast

import dagster as dg
from pydantic import BaseModel, Field

from campaign_monitor_assets.alerts.settings import NotifySettings
from campaign_monitor_assets.api.settings import ApiSettings
from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.extract.settings import ExtractSettings
from campaign_monitor_assets.orchestration.choices import named_tables
from campaign_monitor_assets.orchestration.yaml_schema import described, finished
from campaign_monitor_assets.orchestration.yaml_values import PRESETS
from campaign_monitor_assets.warehouse.privacy_settings import PrivacySettings
from campaign_monitor_assets.warehouse.settings import WarehouseSettings


class _Described(dg.Resolvable):
    """Keeps what is said of the fields, which Dagster loses on the way to its schema."""

    @classmethod
    def model(cls) -> type[BaseModel]:
        """The schema of the YAML."""
        return _block(super().model(), cast("type[BaseModel]", cls))


@functools.cache
def _block(derived: type[BaseModel], source: type[BaseModel]) -> type[BaseModel]:
    # It may be empty, where every line of it is commented out.
    return finished(described(derived, source), kinds=("object", "null"))


class ApiAttributes(ApiSettings, _Described):
    """The attributes below `api`."""


class ExtractAttributes(ExtractSettings, _Described):
    """The attributes below `extract`."""


class WarehouseAttributes(WarehouseSettings, _Described):
    """The attributes below `warehouse`."""

    # What Dagster allows in YAML, it doesn't in a resource: a list, or true.
    history: Annotated[
        list[str],
        dg.Resolver(lambda _, given: given, model_field_type=bool | list[str]),
    ] = cast("Any", WarehouseSettings.model_fields["history"])


class PrivacyAttributes(PrivacySettings, _Described):
    """The attributes below `privacy`."""


class NotifyAttributes(NotifySettings, _Described):
    """The attributes below `notify`."""


class TablesAttributes(_Described, dg.Model):
    """The attributes below `tables`, where it is no list."""

    preset: str = "default"
    add: list[str] = Field(default=[])
    without: list[str] = Field(default=[])


def resolved_tables(context: dg.ResolutionContext, given: Any) -> list[str] | None:
    """The tables' names, in whose place may stand a preset, alone or with more tables and fewer."""
    if isinstance(given, BaseModel):
        chosen = TablesAttributes.resolve_from_model(context, given)
        return named_tables(chosen.preset, chosen.add, chosen.without)
    found = context.resolve_value(given)
    return named_tables(found, [], []) if found in PRESETS else found


def resolved_privacy(context: dg.ResolutionContext, given: Any) -> PrivacyAttributes:
    """The attributes below `privacy`, in whose place may stand the name of a preset."""
    if isinstance(given, BaseModel):
        resolved: PrivacyAttributes = PrivacyAttributes.resolve_from_model(context, given)
        return resolved
    return PrivacyAttributes(preset=context.resolve_value(given, as_type=str))


BLOCKS: Final[
    Mapping[
        str,
        type[
            ApiAttributes
            | ExtractAttributes
            | WarehouseAttributes
            | PrivacyAttributes
            | NotifyAttributes
        ],
    ]
] = {
    "api": ApiAttributes,
    "extract": ExtractAttributes,
    "warehouse": WarehouseAttributes,
    "privacy": PrivacyAttributes,
    "notify": NotifyAttributes,
}
"""The attributes that hold attributes of their own."""

NESTED: Final[Mapping[str, type[BaseModel]]] = {
    **BLOCKS,
    "tables": TablesAttributes,
    "translation": dg.AssetAttributesModel,
}
"""Those, and the others that may hold some."""

RENAMED: Final[Mapping[str, tuple[str, str]]] = {
    "api_key_variable": ("api", "api_key_variable"),
    "access_token_variable": ("api", "access_token_variable"),
    "refresh_token_variable": ("api", "refresh_token_variable"),
    "base_url_variable": ("api", "base_url_variable"),
    "connections": ("api", "connections"),
    "requests_per_second": ("api", "requests_per_second"),
    "tries": ("api", "max_attempts"),
    "read_timeout": ("api", "read_timeout"),
    "page_size": ("extract", "page_size"),
    "rereads": ("extract", "consistency_retries"),
    "include_tracking_preference": ("extract", "include_tracking_preference"),
    "include_sms_preference": ("extract", "include_sms_preference"),
    "database": ("warehouse", "database"),
    "database_schema": ("warehouse", "schema_"),
    "analytics_schema": ("warehouse", "analytics_schema"),
    "memory_limit": ("warehouse", "memory_limit"),
    "lock_wait": ("warehouse", "lock_timeout"),
    "staging_directory": ("warehouse", "staging_directory"),
    "warn_drop_percent": ("warehouse", "warn_drop_percent"),
    "refuse_drop_percent": ("warehouse", "refuse_drop_percent"),
}
"""The attributes of earlier versions, which stood beside each other, and where each is now."""


def in_their_place(model: BaseModel) -> BaseModel:
    """The attributes with those of earlier versions where they belong now, and a warning of each.

    Raises:
        ConfigurationError: An attribute is given twice, by its old name and by its new one.
    """
    blocks: dict[str, BaseModel] = {}
    for old, (block, name) in RENAMED.items():
        if old not in model.model_fields_set:
            continue
        present = blocks.get(block, getattr(model, block))
        if not isinstance(present, BaseModel):
            present = BLOCKS[block].model()()
        if name in present.model_fields_set:
            raise ConfigurationError(
                f"{old}: it is given as {place_of(old)} too. Remove {old}, which is its old name."
            )
        # For end users, who don't see a DeprecationWarning.
        warnings.warn(
            f"The attribute {old} is deprecated: write it as {place_of(old)}.",
            FutureWarning,
            stacklevel=2,
        )
        blocks[block] = present.model_copy(update={name: getattr(model, old)})
    return model.model_copy(update=blocks)


def shown_name(block: type[BaseModel], name: str) -> str:
    """A field's name as it is written in YAML."""
    return block.model_fields[name].alias or name


def place_of(old: str) -> str:
    """Where an attribute of earlier versions is written now."""
    block, name = RENAMED[old]
    return f"`{block}: {{{shown_name(BLOCKS[block], name)}: …}}`"
