"""What a user chose of the catalogue: tables, frequencies, groups and windows, each checked."""

import re
from collections.abc import Iterable, Mapping, Sequence
from zoneinfo import available_timezones

from pydantic.fields import FieldInfo

from campaign_monitor_assets.alerts.settings import NotifySettings
from campaign_monitor_assets.api.settings import ApiSettings
from campaign_monitor_assets.catalogue import CATALOGUE, Group, Table
from campaign_monitor_assets.errors import AttributeRefusedError, ConfigurationError
from campaign_monitor_assets.orchestration.mistakes import did_you_mean
from campaign_monitor_assets.orchestration.schedules import Frequency, parse_frequency
from campaign_monitor_assets.staging.records import SyncMethod
from campaign_monitor_assets.warehouse.lake_settings import is_lake
from campaign_monitor_assets.warehouse.privacy import Action, Privacy
from campaign_monitor_assets.warehouse.privacy_settings import PrivacySettings
from campaign_monitor_assets.warehouse.settings import WarehouseSettings
from campaign_monitor_assets.wording import looks_secret, shown


def require_variable_names(
    block: str,
    settings: ApiSettings | PrivacySettings | NotifySettings | WarehouseSettings,
) -> None:
    """Refuses what can't be the name of an environment variable, as a key written there by mistake.

    Raises:
        AttributeRefusedError: A name is none, or looks like a key, which isn't repeated.
    """
    for field in type(settings).model_fields:
        if not field.endswith("_variable"):
            continue
        name = getattr(settings, field)
        if name is None or (
            re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) and not looks_secret(name)
        ):
            continue
        raise AttributeRefusedError(
            f"{block}.{field}",
            f"what is written there ({len(name)} characters) is not the name of an environment"
            " variable. Allowed: letters, digits and _, such as"
            f" {_example(type(settings).model_fields[field])}. A key or token itself belongs into"
            " that variable, not into the configuration; if it was written here, replace it.",
        )


def _example(field: FieldInfo) -> object:
    return field.default or (field.examples or [""])[0]


def check_notify(settings: NotifySettings) -> None:
    """Raises AttributeRefusedError where what e-mails go to, or come from, is no address."""
    sender = [] if settings.email_from is None else [settings.email_from]
    for name, given in (("email_to", settings.email_to), ("email_from", sender)):
        if not all(re.fullmatch(r"[^\s@,]+@[^\s@,]+", each, re.ASCII) for each in given):
            raise AttributeRefusedError(
                f"notify.{name}",
                "what is written there is no e-mail address. Allowed: addresses such as"
                " crm-team@example.com, without a name beside them.",
            )


def checked_prefix(given: str) -> tuple[str, ...]:
    """The parts of an asset key's prefix.

    Raises:
        AttributeRefusedError: A part has other characters than letters, digits and _.
    """
    parts = tuple(given.split("/"))
    if not all(re.fullmatch(r"\w+", part, re.ASCII) for part in parts):
        raise AttributeRefusedError(
            "key_prefix",
            f"{shown(given)} is not accepted. Allowed: letters, digits and _, in parts that are"
            " separated by /.",
        )
    return parts


def checked_time_zone(given: str) -> str:
    """The time zone.

    Raises:
        AttributeRefusedError: There is none of this name.
    """
    if given not in available_timezones():
        raise AttributeRefusedError(
            "timezone",
            f"{shown(given)} is not a time zone.{did_you_mean(given, available_timezones())}"
            " Allowed: the IANA names, such as 'Europe/Berlin' or 'Australia/Sydney'.",
        )
    return given


def named_tables(preset: str, add: Sequence[str], without: Sequence[str]) -> list[str]:
    """The names of a preset's tables, with more of them and fewer, in the catalogue's order.

    Args:
        preset: `all`, or `default` for those that are read by default.
        add: Names of tables that are read as well.
        without: Names of tables that are not read.
    """
    _require_known("tables.add", add, CATALOGUE)
    _require_known("tables.without", without, CATALOGUE)
    return [
        name
        for name, table in CATALOGUE.items()
        if (preset == "all" or table.default or name in add) and name not in without
    ]


def chosen_tables(wanted: Sequence[str] | None) -> list[Table]:
    """The tables that are read, in the catalogue's order; those of the default for None.

    Raises:
        AttributeRefusedError: None is named, one is not known, or one comes without its parent.
    """
    if wanted is None:
        return [table for table in CATALOGUE.values() if table.default]
    if not wanted:
        raise AttributeRefusedError(
            "tables",
            f"none are named. Allowed: {', '.join(CATALOGUE)}; leave the key out for the default"
            " ones.",
        )
    _require_known("tables", wanted, CATALOGUE)
    for name in wanted:
        parent = CATALOGUE[name].parent
        if parent is not None and parent not in wanted:
            raise AttributeRefusedError(
                "tables",
                f"{name!r} needs its parent {parent!r}, which is not among them. Add {parent!r};"
                f" given: {', '.join(wanted)}.",
            )
    return [table for table in CATALOGUE.values() if table.name in wanted]


def chosen_frequencies(
    given: Mapping[str, str] | str, tables: Sequence[Table]
) -> dict[str, Frequency | None]:
    """For each table how often it is read; None: by hand.

    Args:
        given: A frequency for some tables by their names, or one for all of them.
        tables: The tables that are read.

    Raises:
        AttributeRefusedError: A table is not among the tables, or a frequency is not accepted.
    """
    if isinstance(given, str):
        frequency = parse_frequency(given, "frequencies")
        return {table.name: frequency for table in tables}
    _require_known("frequencies", given, {table.name: table for table in tables})
    return {
        table.name: parse_frequency(
            given.get(table.name, table.cadence), f"frequencies.{table.name}"
        )
        for table in tables
    }


def checked_group_names(given: Mapping[str, str]) -> Mapping[str, str]:
    """Other names of the catalogue's groups.

    Raises:
        AttributeRefusedError: A group is not known, or a name is taken.
    """
    _require_known("group_names", given, {group.value: group for group in Group})
    if "analytics" in given.values():
        raise AttributeRefusedError(
            "group_names", "'analytics' is the group of the views. Choose another name."
        )
    return given


def checked_windows(given: Mapping[str, int]) -> Mapping[str, int]:
    """For campaign reports how many days after sending they are read again.

    Raises:
        AttributeRefusedError: A table is not a campaign report, or the days are less than one.
    """
    reports = {name: table for name, table in CATALOGUE.items() if table.has_window}
    _require_known("report_windows", given, reports)
    for table, days in given.items():
        if days < 1:
            raise AttributeRefusedError(
                f"report_windows.{table}",
                f"{days} is not accepted. Allowed: days, 1 or more; leave the table out to read"
                " every campaign each time.",
            )
    return given


def checked_sync_methods(
    given: Mapping[str, str], tables: Sequence[Table], privacy: Privacy
) -> Mapping[str, str]:
    """For tables how they are read: in full or incrementally.

    Raises:
        AttributeRefusedError: A table is not read, or can't be read incrementally.
    """
    _require_known("sync_methods", given, {table.name: table for table in tables})
    for name, method in given.items():
        increments = CATALOGUE[name].increments
        if method != SyncMethod.INCREMENTAL:
            continue
        if increments is None:
            able = [table.name for table in CATALOGUE.values() if table.increments]
            raise AttributeRefusedError(
                f"sync_methods.{name}",
                f"{method} is not possible: the API doesn't tell what was added to this table."
                f" Possible for: {', '.join(able)}. Leave {name} out to read it in full each time.",
            )
        if privacy.action(name, increments.column) is not Action.KEEP:
            raise AttributeRefusedError(
                f"sync_methods.{name}",
                f"{method} needs the column {increments.column}, which the setting privacy doesn't"
                " keep. Keep it, or leave the table out to read it in full each time.",
            )
    return given


def check_tables_of_warehouse(settings: WarehouseSettings) -> None:
    """Raises AttributeRefusedError where a setting of the warehouse names a table that is none."""
    _require_known("warehouse.history", settings.history, CATALOGUE)
    _require_known("warehouse.write_strategies", settings.write_strategies, CATALOGUE)


def check_lake(settings: WarehouseSettings) -> None:
    """Raises AttributeRefusedError where settings of a DuckLake are not possible together."""
    if not is_lake(settings.database):
        if settings.data_path is not None:
            raise AttributeRefusedError(
                "warehouse.data_path",
                "it is for a DuckLake, and `database` is a DuckDB file. Remove it, or write"
                " `database: ducklake:postgres:dbname=… host=…`.",
            )
        return
    if settings.publish_copy is not None:
        raise AttributeRefusedError(
            "warehouse.publish_copy",
            "a DuckLake needs no copy: whoever reads it waits for nobody. Remove it.",
        )
    try:
        settings.lake(None)
    except ConfigurationError as error:
        name, _, problem = str(error).partition(": ")
        raise AttributeRefusedError(f"warehouse.{name}", problem) from None


def _require_known(where: str, given: Iterable[str], allowed: Mapping[str, object]) -> None:
    for name in given:
        if name in allowed:
            continue
        if name in CATALOGUE and where in {"frequencies", "sync_methods"}:
            problem = (
                f"{name!r} is not among the tables that are read, which are {', '.join(allowed)}."
                " Add it to `tables`, or remove it here."
            )
        else:
            problem = (
                f"{shown(name)} is not known here.{did_you_mean(name, allowed)}"
                f" Allowed: {', '.join(allowed)}."
            )
        raise AttributeRefusedError(where, problem)
