"""What the attributes of the component's YAML have to be, as JSON schemas."""

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from zoneinfo import available_timezones

from campaign_monitor_assets.catalogue import CATALOGUE, Group
from campaign_monitor_assets.orchestration.schedules import FREQUENCIES, MANUAL
from campaign_monitor_assets.orchestration.yaml_schema import STRINGS, TEMPLATE, WORDS, Schema
from campaign_monitor_assets.staging.records import SyncMethod

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


def _or_template(wanted: Schema, pattern: str = TEMPLATE) -> Schema:
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
        "if": {"pattern": rf"{TEMPLATE}|^\s*({spelled})\s*$|{CRON}"},
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
