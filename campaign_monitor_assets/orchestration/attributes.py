"""What the component accepts in YAML: nested settings, names of earlier versions, clear errors."""

import difflib
import functools
import warnings
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Self, cast

import dagster as dg
from pydantic import BaseModel, Field, ModelWrapValidatorHandler, ValidationError, create_model
from pydantic import model_validator as validates
from pydantic_core import InitErrorDetails

from campaign_monitor_assets.api.settings import ApiSettings
from campaign_monitor_assets.errors import ConfigurationError, shown
from campaign_monitor_assets.extract.settings import ExtractSettings
from campaign_monitor_assets.warehouse.privacy_settings import PrivacySettings
from campaign_monitor_assets.warehouse.settings import WarehouseSettings


class _Described(dg.Resolvable):
    """Keeps the fields' descriptions, which Dagster loses on the way to its schema."""

    @classmethod
    def model(cls) -> type[BaseModel]:
        """The schema of the YAML."""
        return _described(super().model(), cast("type[BaseModel]", cls))


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


def resolved_privacy(context: dg.ResolutionContext, given: Any) -> PrivacyAttributes:
    """The attributes below `privacy`, in whose place may stand the name of a preset."""
    if isinstance(given, BaseModel):
        resolved: PrivacyAttributes = PrivacyAttributes.resolve_from_model(context, given)
        return resolved
    preset = context.resolve_value(given, as_type=str)
    try:
        return PrivacyAttributes(preset=preset)
    except ValidationError:
        raise ConfigurationError(
            f"privacy: {shown(preset)} is not accepted. Allowed: keep, pseudonymous, or attributes:"
            f" {', '.join(PrivacyAttributes.model_fields)}."
        ) from None


BLOCKS: Final[
    Mapping[str, type[ApiAttributes | ExtractAttributes | WarehouseAttributes | PrivacyAttributes]]
] = {
    "api": ApiAttributes,
    "extract": ExtractAttributes,
    "warehouse": WarehouseAttributes,
    "privacy": PrivacyAttributes,
}
"""The attributes that hold attributes of their own."""

_RENAMED: Final[Mapping[str, tuple[str, str]]] = {
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


@functools.cache
def accepting_renamed(derived: type[BaseModel], component: type[BaseModel]) -> type[BaseModel]:
    """Dagster's model of the component's YAML, with the attributes of earlier versions.

    Args:
        derived: The model that Dagster derives from the component.
        component: The component.
    """
    renamed: dict[str, Any] = {}
    for old, (block, name) in _RENAMED.items():
        field = BLOCKS[block].model().model_fields[name]
        renamed[old] = (
            field.rebuild_annotation(),
            Field(
                default=None,
                description=f"Deprecated: write it as {_place(old)}.",
                json_schema_extra={"deprecated": True},
            ),
        )
    return create_model(
        derived.__name__, __base__=(_Explained, _described(derived, component)), **renamed
    )


def in_their_place(model: BaseModel) -> BaseModel:
    """The attributes with those of earlier versions where they belong now, and a warning of each.

    Raises:
        ConfigurationError: An attribute is given twice, by its old name and by its new one.
    """
    blocks: dict[str, BaseModel] = {}
    for old, (block, name) in _RENAMED.items():
        if old not in model.model_fields_set:
            continue
        present = blocks.get(block, getattr(model, block))
        if not isinstance(present, BaseModel):
            present = BLOCKS[block].model()()
        if name in present.model_fields_set:
            raise ConfigurationError(
                f"{old}: it is given as {_place(old)} too. Remove {old}, which is its old name."
            )
        # For end users, who don't see a DeprecationWarning.
        warnings.warn(
            f"The attribute {old} is deprecated: write it as {_place(old)}.",
            FutureWarning,
            stacklevel=2,
        )
        blocks[block] = present.model_copy(update={name: getattr(model, old)})
    return model.model_copy(update=blocks)


@functools.cache
def _described(derived: type[BaseModel], source: type[BaseModel]) -> type[BaseModel]:
    for name, field in derived.model_fields.items():
        field.description = source.model_fields[name].description
    derived.model_rebuild(force=True)
    return derived


def shown_name(block: type[BaseModel], name: str) -> str:
    """A field's name as it is written in YAML."""
    return block.model_fields[name].alias or name


def _place(old: str) -> str:
    block, name = _RENAMED[old]
    return f"`{block}: {{{shown_name(BLOCKS[block], name)}: …}}`"


class _Explained(BaseModel):
    """Says of an attribute that is not known what is allowed, at the attribute's own line."""

    @validates(mode="wrap")
    @classmethod
    def _explain(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(data, Mapping):
            # A block of which every line is commented out.
            data = {key: value for key, value in data.items() if value or key not in BLOCKS}
        try:
            return handler(data)
        except ValidationError as error:
            found = [_error(cast("Any", each), cls) for each in error.errors()]
            # Any value may also be a template, so pydantic tells too that it is not a string; and
            # a block may also be a word.
            told = [each for each in found if not _is_told_better(each["loc"], each["type"], found)]
            raise ValidationError.from_exception_data(error.title, told) from None


def _is_told_better(
    place: tuple[int | str, ...], type_: object, errors: Sequence[InitErrorDetails]
) -> bool:
    others = [each for each in errors if (each["loc"], each["type"]) != (place, type_)]
    return type_ in {"string_type", "literal_error"} and any(
        each["loc"][: len(place)] == place for each in others if "loc" in each
    )


def _error(error: InitErrorDetails, model: type[BaseModel]) -> InitErrorDetails:
    # Pydantic names the alternatives of a union among the keys.
    first, *rest = error["loc"]
    inner = BLOCKS[str(first)] if first in BLOCKS else None
    keys = [] if inner is None else [shown_name(inner, each) for each in inner.model_fields]
    place: tuple[int | str, ...] = (first, *[part for part in rest if part in keys][:1])
    if error["type"] != "extra_forbidden":
        return {**error, "loc": place}
    if inner is not None:
        place = (first, rest[-1])
    problem = ValueError(_unknown(str(place[-1]), str(first) if inner else None, model))
    # A key that was written here by mistake must not be repeated.
    return {"type": "value_error", "loc": place, "input": "…", "ctx": {"error": problem}}


def _unknown(name: str, block: str | None, model: type[BaseModel]) -> str:
    nested = {
        key: [shown_name(inner, each) for each in inner.model_fields]
        for key, inner in BLOCKS.items()
    }
    top = [each for each in model.model_fields if each not in _RENAMED]
    allowed = top if block is None else nested[block]
    candidates = {old: _place(old) for old in _RENAMED}
    candidates |= {each: f"`{key}: {{{each}: …}}`" for key, all_ in nested.items() for each in all_}
    candidates |= {each: f"`{each}`" for each in allowed}
    close = difflib.get_close_matches(name, candidates, n=1)
    hint = f" Did you mean {candidates[close[0]]}?" if close else ""
    return f"this attribute is not known here.{hint} Allowed: {', '.join(allowed)}."
