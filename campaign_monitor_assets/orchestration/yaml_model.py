"""The model of the component's YAML: the attributes of earlier versions, and clear errors."""

import difflib
import functools
from collections.abc import Mapping
from typing import Any, Self

import dagster as dg
from pydantic import BaseModel, Field, ModelWrapValidatorHandler, ValidationError, create_model
from pydantic import model_validator as validates
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails

from campaign_monitor_assets.errors import AttributeRefusedError
from campaign_monitor_assets.orchestration.attributes import (
    BLOCKS,
    NESTED,
    RENAMED,
    place_of,
    shown_name,
)
from campaign_monitor_assets.orchestration.mistakes import Place, mistakes
from campaign_monitor_assets.orchestration.yaml_schema import OF_DAGSTER, described, finished
from campaign_monitor_assets.orchestration.yaml_values import EXAMPLE


@functools.cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


class _Explained(BaseModel):
    """Says of each mistake what is allowed, at its own line."""

    @validates(mode="wrap")
    @classmethod
    def _explain(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(data, Mapping):
            # A block of which every line is commented out.
            data = {key: value for key, value in data.items() if value or key not in BLOCKS}
        wrong = [
            _refusal(mistake.place, mistake.sentence) for mistake in mistakes(data, _schema(cls))
        ]
        try:
            parsed = handler(data)
        except ValidationError as error:
            # What is wrong with a value is told by the schema, and pydantic tells of an unknown
            # attribute also that it is no template.
            wrong += [
                _unknown(each["loc"], cls)
                for each in error.errors()
                if each["type"] == "extra_forbidden"
            ]
            if not wrong:
                raise
            raise ValidationError.from_exception_data(error.title, wrong) from None
        if wrong:
            raise ValidationError.from_exception_data(cls.__name__, wrong)
        return parsed


def _refusal(place: Place, sentence: str) -> InitErrorDetails:
    # A key that was written here by mistake must not be repeated.
    problem = ValueError(sentence)
    return {"type": "value_error", "loc": place, "input": "…", "ctx": {"error": problem}}


def _unknown(place: Place, model: type[BaseModel]) -> InitErrorDetails:
    # Pydantic names the alternatives of a union among the keys.
    first, *rest = map(str, place)
    name, inner = (rest or [first])[-1], NESTED.get(first)
    nested = {
        key: [shown_name(block, each) for each in block.model_fields]
        for key, block in NESTED.items()
    }
    top = [each for each in model.model_fields if each not in RENAMED]
    allowed = nested[first] if inner and rest else top
    candidates = {old: place_of(old) for old in RENAMED}
    candidates |= {each: f"`{key}: {{{each}: …}}`" for key, all_ in nested.items() for each in all_}
    candidates |= {each: f"`{each}`" for each in allowed}
    close = difflib.get_close_matches(name, candidates, n=1)
    hint = f" Did you mean {candidates[close[0]]}?" if close else ""
    return _refusal(
        (first, name) if rest else (first,),
        f"this attribute is not known here.{hint} Allowed: {', '.join(allowed)}.",
    )


def require_rendered(context: dg.ResolutionContext, model: BaseModel) -> None:
    """Looks at what templates have become, which the YAML itself doesn't tell.

    Raises:
        AttributeRefusedError: It is not what is allowed there.
    """
    given = model.model_dump(exclude_unset=True, by_alias=True)
    fields = type(model).model_fields
    templates = {
        key: value
        for key, value in given.items()
        # What is Dagster's own is rendered for each asset.
        if "{{" in str(value) and OF_DAGSTER not in _extra(fields[key])
    }
    rendered = {key: context.at_path(key).resolve_value(value) for key, value in templates.items()}
    # A template may bring an object of Python's, which is what it is.
    plain = {key: value for key, value in rendered.items() if _is_plain(value)}
    for mistake in mistakes(plain, _schema(type(model))):
        place = ".".join(map(str, mistake.place))
        raise located(AttributeRefusedError(place, mistake.sentence), context)


def _is_plain(value: object) -> bool:
    if isinstance(value, list | dict):
        return all(map(_is_plain, value.values() if isinstance(value, dict) else value))
    return value is None or isinstance(value, str | int | float)


def located(error: AttributeRefusedError, context: dg.ResolutionContext) -> AttributeRefusedError:
    """The error with the file and the line of its attribute, where they are known."""
    tree = context.source_position_tree
    if tree is None:
        return error
    keys = [int(key) if key.isdigit() else key for key in error.place.split(".")]
    position, _ = tree.lookup_closest_and_path([*context.path, *keys], None)
    return error if position.filename == "<string>" else error.at(str(position))


@functools.cache
def accepting_renamed(derived: type[BaseModel], component: type[BaseModel]) -> type[BaseModel]:
    """Dagster's model of the component's YAML, with the attributes of earlier versions.

    Args:
        derived: The model that Dagster derives from the component.
        component: The component.
    """
    renamed: dict[str, Any] = {}
    for old, (block, name) in RENAMED.items():
        field = BLOCKS[block].model().model_fields[name]
        renamed[old] = (
            field.rebuild_annotation(),
            Field(
                default=None,
                description=f"Deprecated: write it as {place_of(old)}.",
                json_schema_extra={**_extra(field), "deprecated": True},
            ),
        )
    base = described(derived, component)
    model = create_model(derived.__name__, __base__=(_Explained, base), **renamed)
    return finished(model, deprecated=list(RENAMED), examples=[EXAMPLE])


def _extra(field: FieldInfo) -> Mapping[str, Any]:
    extra = field.json_schema_extra
    return extra if isinstance(extra, Mapping) else {}
