"""The JSON schema of the component's YAML, which `dg check yaml`, editors and Dagster's UI read.

Dagster lets any string stand for any value, since it may be a template, so that its own schema
lets nearly everything pass. Here a string that is no template has to be what is asked for.
Alternatives are written with if and else rather than with anyOf, so that an error is told at its
own line and says what is allowed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel

Schema = dict[str, Any]

STRINGS: Final = "strings"
"""In a field's `json_schema_extra`: what a string that is no template has to be."""
OF_DAGSTER: Final = "of_dagster"
"""In a field's `json_schema_extra`: it holds attributes of Dagster's own, with its own schema."""
WORDS: Final = "errorMessage"
"""The keyword by which editors, and our own errors, say in words what is allowed."""

TEMPLATE: Final = r"\{\{"
"""What a template holds."""
_QUOTED: Final = {
    "number": r"^\s*[-+]?[0-9.]+\s*$",
    "integer": r"^\s*[-+]?[0-9]+\s*$",
    "boolean": r"^([Tt]rue|TRUE|[Ff]alse|FALSE|[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF|0|1)$",
}
"""A number or a boolean in quotation marks is taken for one."""


def described(derived: type[BaseModel], source: type[BaseModel]) -> type[BaseModel]:
    """The model that Dagster derives from a class, with what the class says of its fields."""
    for name, field in derived.model_fields.items():
        said = source.model_fields[name]
        field.description, field.examples = said.description, said.examples
        # They stand in the annotation, too; here they would be asked of a template.
        field.metadata = []
        field.json_schema_extra = said.json_schema_extra
    return derived


def finished(
    model: type[BaseModel],
    *,
    kinds: Sequence[str] = ("object",),
    deprecated: Iterable[str] = (),
    **more: Any,
) -> type[BaseModel]:
    """The model with its JSON schema as the YAML really is.

    Args:
        model: What Dagster derives from a class.
        kinds: What may stand in its place; a block may be empty.
        deprecated: Attributes that are checked, but that Dagster's page of the component, which
            shows what stands below `properties`, needn't list any more.
        more: Further keywords.
    """
    before = model.model_config.get("json_schema_extra")
    said = before if isinstance(before, Mapping) else {}

    def finish(schema: dict[str, Any]) -> None:
        schema.update(said | more)
        schema["type"] = kinds[0] if len(kinds) == 1 else [*kinds, "string"]
        found = {name: in_yaml(node) for name, node in schema["properties"].items()}
        schema["properties"] = found | dict.fromkeys(deprecated, True)
        if deprecated:
            schema["allOf"] = [{"properties": {name: found[name] for name in deprecated}}]

    model.model_config["json_schema_extra"] = finish
    model.model_rebuild(force=True)
    return model


def in_yaml(node: Schema) -> Schema:
    """An attribute as it stands in YAML: what it is, or a template that becomes it.

    Args:
        node: Its schema as pydantic derives it from Dagster's model.
    """
    if node.get(OF_DAGSTER):
        return _of_dagster(node)
    outer = {key: value for key, value in node.items() if key not in {"anyOf", STRINGS}}
    variants = node.get("anyOf")
    if variants is None:
        variants = [{"type": outer.pop("type")}]
    elif variants[-1] == {"type": "string"}:
        # That is Dagster's, for templates.
        variants = variants[:-1]
    kinds: list[str] = []
    strings: Schema | None = None
    constraints: Schema = {}
    for variant in variants:
        rest = dict(variant)
        kind = rest.pop("type", None)
        if kind == "string":
            strings = rest
        else:
            constraints |= rest
        kinds += [kind] if kind else []
    if STRINGS in node:
        said = node[STRINGS]
        strings = said if {"enum", "if"} & said.keys() else {**(strings or {}), **said}
    constraints |= {key: outer.pop(key) for key in ("propertyNames", "properties") if key in outer}
    if "properties" in constraints:
        # The attributes below it are told here, with what they have to be.
        constraints.pop("$ref", None)
        kinds = list(dict.fromkeys([*kinds, "object"]))
    accepted = _strings(kinds, strings, constraints)
    if "$ref" not in constraints:
        outer["type"] = list(dict.fromkeys([*kinds, "string"])) if kinds != ["string"] else "string"
    return {**constraints, **outer, **accepted}


def _of_dagster(node: Schema) -> Schema:
    outer = {key: value for key, value in node.items() if key not in {"anyOf", OF_DAGSTER}}
    [model] = (variant for variant in node["anyOf"] if "$ref" in variant)
    kinds = ["object", "string", "null"]
    return {**outer, "type": kinds, "if": {"type": "object"}, "then": model}


def _strings(kinds: list[str], wanted: Schema | None, constraints: Schema) -> Schema:
    """What a string has to be, as keywords of the attribute."""
    if wanted == {}:
        return {}
    passing = [TEMPLATE, *(_QUOTED[kind] for kind in kinds if kind in _QUOTED)]
    if wanted is None:
        bounds = {"minimum", "maximum", "exclusiveMinimum"}
        said = {key: value for key, value in constraints.items() if key in bounds}
        wanted = {"type": kinds or ["object", "null"], **said}
    return {
        "if": {"type": "string"},
        "then": {"if": {"pattern": "|".join(passing)}, "else": wanted},
    }
