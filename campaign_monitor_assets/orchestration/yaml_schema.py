"""The JSON schema of the component's YAML, which `dg check yaml`, editors and Dagster's UI read.

Dagster lets any string stand for any value, since it may be a template, so that its own schema
lets nearly everything pass. Here a string that is no template has to be what is asked for.
Alternatives are written with if and else rather than with anyOf, so that an error is told at its
own line and says what is allowed.
"""

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from zoneinfo import available_timezones

from pydantic import BaseModel

from campaign_monitor_assets.catalogue import CATALOGUE, Group
from campaign_monitor_assets.orchestration.schedules import FREQUENCIES, MANUAL
from campaign_monitor_assets.staging.records import SyncMethod

Schema = dict[str, Any]

STRINGS: Final = "strings"
"""In a field's `json_schema_extra`: what a string that is no template has to be."""
OF_DAGSTER: Final = "of_dagster"
"""In a field's `json_schema_extra`: it holds attributes of Dagster's own, with its own schema."""
WORDS: Final = "errorMessage"
"""The keyword by which editors, and our own errors, say in words what is allowed."""

_TEMPLATE: Final = r"\{\{"
_QUOTED: Final = {
    "number": r"^\s*[-+]?[0-9.]+\s*$",
    "integer": r"^\s*[-+]?[0-9]+\s*$",
    "boolean": r"^([Tt]rue|TRUE|[Ff]alse|FALSE|[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF|0|1)$",
}
"""A number or a boolean in quotation marks is taken for one."""
EXAMPLE: Final[Schema] = {
    "tables": {"preset": "default", "add": ["campaign_opens", "campaign_clicks"]},
    "frequencies": {"active_subscribers": "every 6 hours", "templates": "weekly"},
    "timezone": "Europe/Berlin",
    "schedules_running": True,
    "report_windows": {"campaign_opens": 30, "campaign_clicks": 30},
    "api": {"api_key_variable": "CAMPAIGN_MONITOR_API_KEY"},
    "warehouse": {"database": "data/account.duckdb", "refuse_drop_percent": 33},
}
"""A configuration as Dagster's UI shows one."""


def word(allowed: Iterable[str], **more: Any) -> Schema:
    """One of some words, or a template."""
    return _or_template({"enum": list(allowed)}, **more)


def text(pattern: str, words: str) -> Schema:
    """A text of a form that is told in words, or a template."""
    return _or_template({"pattern": pattern, WORDS: words})


def _or_template(wanted: Schema, pattern: str = _TEMPLATE) -> Schema:
    return {"type": "string", "if": {"pattern": pattern}, "else": wanted}


def by_table(value: Schema, tables: Iterable[str] = tuple(CATALOGUE)) -> Schema:
    """Values by the names of tables."""
    return {"propertyNames": {"enum": list(tables)}, "additionalProperties": value}


def tables() -> Schema:
    """A list of tables, a preset, or a preset with more tables and fewer."""
    names = {"type": "array", "items": word(CATALOGUE)}
    words = "default, all, a list of tables, or `{preset: default, add: […], without: […]}`"
    return {
        "items": word(CATALOGUE),
        "minItems": 1,
        WORDS: words,
        "properties": {"preset": word(PRESETS), "add": names, "without": names},
        "additionalProperties": False,
        STRINGS: {"enum": list(PRESETS), WORDS: words},
    }


PRESETS: Final = ("default", "all")
"""The tables that are read by default, and all of them."""


def frequencies() -> Schema:
    """A frequency of all tables, or some by the names of tables."""
    said = frequency()
    words = "a frequency, or one for each of some tables, by their names"
    return {**by_table(said), WORDS: words, STRINGS: {key: said[key] for key in ("if", "else")}}


def frequency() -> Schema:
    """A frequency in plain words, in whatever letters, or a cron string."""
    words = [*FREQUENCIES, MANUAL]
    spelled = "|".join(
        "".join(f"[{each.upper()}{each}]" if each.isalpha() else each for each in word)
        for word in words
    ).replace(" ", r"\s+")
    return {
        "type": "string",
        "if": {"pattern": rf"{_TEMPLATE}|^\s*({spelled})\s*$|{CRON}"},
        "else": {"enum": [*words, "15 4 * * 1-5"], WORDS: _FREQUENCIES},
    }


_FREQUENCIES: Final = (
    ", ".join([*FREQUENCIES, MANUAL]) + ", or a cron string such as 15 4 * * 1-5, whose day is in"
    " its month"
)


def _cron() -> str:
    months = "[Jj][Aa][Nn]|[Ff][Ee][Bb]|[Mm][Aa][Rr]|[Aa][Pp][Rr]|[Mm][Aa][Yy]|[Jj][Uu][Nn]"
    months += "|[Jj][Uu][Ll]|[Aa][Uu][Gg]|[Ss][Ee][Pp]|[Oo][Cc][Tt]|[Nn][Oo][Vv]|[Dd][Ee][Cc]"
    days = "[Mm][Oo][Nn]|[Tt][Uu][Ee]|[Ww][Ee][Dd]|[Tt][Hh][Uu]|[Ff][Rr][Ii]|[Ss][Aa][Tt]"
    days += "|[Ss][Uu][Nn]"
    fields = (
        "[0-5]?[0-9]",
        "[01]?[0-9]|2[0-3]",
        "(0?[1-9]|[12][0-9]|3[01])[Ww]?|[Ll]",
        f"0?[1-9]|1[0-2]|{months}",
        f"([0-7]|{days})(#[1-5])?|[Ll][0-7]",
    )
    items = [rf"([*?]|({value})(-({value}))?)(/0*[1-9][0-9]*)?" for value in fields]
    named = "|".join(
        f"@{name}" for name in ("hourly", "daily", "midnight", "weekly", "monthly", "yearly")
    )
    # A day that none of its months has never comes, unless a weekday is named, too.
    never = r"(?!\S+\s+\S+\s+(3[01]\s+0?2|31\s+(0?[469]|11))\s+\*\s*$)"
    said = r"\s+".join(f"{item}(,{item})*" for item in items)
    return rf"^\s*{never}({said}|{named}|@annually)\s*$"


CRON: Final = _cron()


@functools.cache
def _zones() -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for zone in sorted(available_timezones()):
        region, slash, _ = zone.partition("/")
        found.setdefault(region if slash else "", []).append(zone)
    return found


def time_zone() -> Schema:
    """A time zone's IANA name; an error tells those of the region that was named."""
    words = "the IANA names, such as 'Europe/Berlin' or 'Australia/Sydney'"
    regions = {region: zones for region, zones in _zones().items() if region}
    some = [*_zones().get("", ()), *(zones[0] for zones in regions.values()), "Europe/Berlin"]
    wanted: Schema = {"enum": list(dict.fromkeys(some)), WORDS: words}
    for region, zones in regions.items():
        wanted = {
            "if": {"pattern": f"^{re.escape(region)}/"},
            "then": {"enum": zones, WORDS: words},
            "else": wanted,
        }
    return wanted


def group_names() -> Schema:
    """Other names of the groups; those of the views are their own."""
    named = text(
        r"^(?!analytics$)[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*$",
        "letters, digits and _; analytics is the group of the views",
    )
    return {
        "propertyNames": {"enum": [str(group) for group in Group]},
        "additionalProperties": named,
    }


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


def report_windows() -> Schema:
    """Days by the names of campaign reports."""
    reports = [name for name, table in CATALOGUE.items() if table.has_window]
    return by_table({"type": "integer", "minimum": 1}, reports)


def sync_methods() -> Schema:
    """How tables are read, which is incremental only where the API tells what was added."""
    methods = [str(each) for each in SyncMethod]
    in_full = [name for name, table in CATALOGUE.items() if table.increments is None]
    return {
        **by_table(word(methods)),
        "properties": dict.fromkeys(in_full, word([str(SyncMethod.FULL_REFRESH)])),
    }


def owner() -> Schema:
    """Whom Dagster takes for an owner."""
    return text(r"^\s*(team:.+|[^\s@]+@[^\s@]+\.[^\s@]+)\s*$", "an e-mail address, or team:name")


def tags() -> Schema:
    """Tags as Dagster takes them."""
    return {
        "propertyNames": {
            "pattern": r"^([A-Za-z0-9_.-]{1,63}/)?[A-Za-z0-9_.-]{1,63}$",
            WORDS: "up to 63 letters, digits, _, - and ., perhaps after another such text and /",
        },
        "additionalProperties": text(
            r"^[A-Za-z0-9_.-]{0,63}$", "up to 63 letters, digits, _, - and ."
        ),
    }


POOL: Final[Schema] = {
    "pattern": r"^\S+$",
    WORDS: "a text without blanks",
}


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
    passing = [_TEMPLATE, *(_QUOTED[kind] for kind in kinds if kind in _QUOTED)]
    if wanted is None:
        bounds = {"minimum", "maximum", "exclusiveMinimum"}
        said = {key: value for key, value in constraints.items() if key in bounds}
        wanted = {"type": kinds or ["object", "null"], **said}
    return {
        "if": {"type": "string"},
        "then": {"if": {"pattern": "|".join(passing)}, "else": wanted},
    }
