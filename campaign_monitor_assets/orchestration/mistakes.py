"""What is wrong with the component's YAML, each mistake in a sentence at its own place."""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import available_timezones

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from campaign_monitor_assets.orchestration.yaml_schema import WORDS, Schema
from campaign_monitor_assets.wording import looks_secret, shown

Place = tuple[str | int, ...]

_KINDS: Final = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "attributes of its own",
    "null": "nothing",
}
_LONGEST: Final = 200
"""Characters of a wrong value that a sentence repeats."""


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Attributes:
        place: The keys that lead to it.
        sentence: What is wrong, what was got, what is allowed, and what was perhaps meant.
    """

    place: Place
    sentence: str


def mistakes(data: object, schema: Schema) -> list[Mistake]:
    """All mistakes of some YAML, in the order of their places, but for unknown attributes.

    Args:
        data: What the YAML holds.
        schema: The component's JSON schema.
    """
    found = Draft202012Validator(schema).iter_errors(data)
    return [Mistake(_place(error), _sentence(error)) for error in found if not _is_unknown(error)]


def _is_unknown(error: ValidationError) -> bool:
    return error.validator == "additionalProperties"


def _place(error: ValidationError) -> Place:
    place, key = tuple(error.absolute_path), str(error.instance)
    return (*place, key) if "propertyNames" in error.absolute_schema_path else place


def _sentence(error: ValidationError) -> str:
    given, schema = error.instance, error.schema
    allowed = _allowed(schema if isinstance(schema, Mapping) else {})
    if error.validator in {"minItems", "minLength"}:
        return f"{_given(given)} is empty. Allowed: {allowed}."
    return f"{_given(given)} is not accepted.{_meant(error)} Allowed: {allowed}."


def _given(value: Any) -> str:
    if isinstance(value, str):
        return shown(value[:_LONGEST])
    told = json.dumps(value, default=str, ensure_ascii=False)
    return "what is written there" if looks_secret(told) else told[:_LONGEST]


def _meant(error: ValidationError) -> str:
    given, words = error.instance, error.validator_value
    if error.validator != "enum" or not isinstance(given, str) or not isinstance(words, list):
        return ""
    is_zone = error.absolute_path and error.absolute_path[-1] == "timezone"
    return did_you_mean(given, available_timezones() if is_zone else map(str, words))


def did_you_mean(given: str, allowed: Iterable[str]) -> str:
    """A question, after a blank, that names the word that is closest; nothing where none is."""
    words = {each.lower(): each for each in allowed}
    # A part of a name is told, too: subscribers, Berlin.
    parts = {word: each for word, each in words.items() if given.lower() in word.split("/")}
    close = [*parts, *difflib.get_close_matches(given.lower(), words, n=1)]
    return f" Did you mean {words[close[0]]!r}?" if close and not looks_secret(given) else ""


def _allowed(schema: Mapping[str, Any]) -> str:
    if WORDS in schema:
        return str(schema[WORDS])
    if "minLength" in schema:
        return "a text that is not empty"
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    kinds = schema.get("type", "string")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    # A template may stand for everything, which nobody needs to be told who wrote none.
    kinds = [kind for kind in kinds if kind != "string"] or ["string"]
    bounds = "".join(_bounds(schema))
    return " or ".join(
        _KINDS[kind] + (bounds if kind in {"integer", "number"} else "") for kind in kinds
    )


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        yield f" from {least:g} to {most:g}"
    elif least is not None:
        yield f", {least:g} or more"
    if "exclusiveMinimum" in schema:
        yield f" above {schema['exclusiveMinimum']:g}"
