"""What a user says of personal data, checked against the catalogue."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from campaign_monitor_assets.catalogue import CATALOGUE, INHERITED, Column, Table
from campaign_monitor_assets.errors import AttributeRefusedError, ConfigurationError
from campaign_monitor_assets.warehouse.privacy import CLEANABLE, Action, Privacy, field_name
from campaign_monitor_assets.wording import shown

LEAST_KEY: Final = 32
"""Characters of a hash key."""

_COLUMN_NAMES: Final[Any] = sorted(
    {column.name for table in CATALOGUE.values() for column in table.columns} | {*INHERITED}
)
_NEEDED: Final[Mapping[tuple[str, str], str]] = {
    ("clients", "Name"): "clients can be chosen by it",
    ("campaigns", "SentDate"): "report_windows go by it",
}
"""Columns that later steps of a run read, besides keys, and why."""


class PrivacySettings(BaseModel):
    """What becomes of personal data.

    A field that is added here is an attribute of the component, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: str = Field(
        default="keep",
        pattern="^(keep|pseudonymous)$",
        examples=["pseudonymous"],
        json_schema_extra={"strings": {"enum": ["keep", "pseudonymous"]}},
        description="keep: everything is stored; pseudonymous: addresses are hashed, and names,"
        " numbers, IP addresses, places and whatever else is personal is left out. `privacy:"
        " pseudonymous` is the same as `privacy: {preset: pseudonymous}`.",
    )
    columns: dict[str, Annotated[str, Field(pattern="^(keep|hash|drop)$")]] = Field(
        default={},
        examples=[{"CountryCode": "keep", "campaigns.FromName": "keep"}],
        json_schema_extra={
            "propertyNames": {"if": {"pattern": r"\."}, "else": {"enum": _COLUMN_NAMES}},
            "additionalProperties": {"type": "string", "enum": ["keep", "hash", "drop"]},
        },
        description="For a column keep, hash or drop, whatever the preset: by its name, which means"
        " the personal columns of that name in every table, or by table.column.",
    )
    keep_custom_fields: list[str] = Field(
        default=[],
        examples=[["Plan"]],
        description="The custom fields that pseudonymous keeps, by their names or keys.",
    )
    email_domain: bool = Field(
        default=False,
        examples=[True],
        description="Whether the domain of a hashed EmailAddress is kept beside it, as EmailDomain."
        " A domain of one's own names a person.",
    )
    hash_key_variable: str = Field(
        default="CAMPAIGN_MONITOR_HASH_KEY",
        examples=["NORTHWIND_HASH_KEY"],
        description="Name of the environment variable with the key of the hashes.",
    )

    def resolve(self, environment: Mapping[str, str]) -> Privacy:
        """What becomes of each column.

        Args:
            environment: Where the hash key is.

        Raises:
            ConfigurationError: A column is not known, an action isn't possible for it, settings
                contradict each other, or columns are hashed and there is no key that is long
                enough.
        """
        rules = self.rules()
        hashes = not {Action.HASH, Action.CLEAN}.isdisjoint(rules.actions.values())
        return replace(rules, key=_key(self.hash_key_variable, environment)) if hashes else rules

    def rules(self) -> Privacy:
        """What becomes of each column, without the key that hashing needs.

        Raises:
            AttributeRefusedError: A column is not known, an action isn't possible for it, or
                settings contradict each other.
        """
        if self.keep_custom_fields and self.preset == "keep":
            raise AttributeRefusedError(
                "privacy.keep_custom_fields",
                "it goes with `preset: pseudonymous`, which leaves out the others; the preset keep"
                " keeps all of them.",
            )
        return Privacy(
            actions=_actions(self),
            custom_fields=frozenset(map(field_name, self.keep_custom_fields)),
            keeps_unknown=self.preset == "keep",
            email_domain=self.email_domain,
        )


def _actions(settings: PrivacySettings) -> dict[tuple[str, str], Action]:
    found = dict(_pseudonymous()) if settings.preset == "pseudonymous" else {}
    # What is said of one table's column counts more than what is said of the name.
    for name in sorted(settings.columns, key=lambda each: "." in each):
        action = Action(settings.columns[name])
        for table, column in _named(name):
            _require_possible(f"privacy.columns.{name}", table, column, action)
            found[table.name, column.name] = action
    return {place: action for place, action in found.items() if action is not Action.KEEP}


def _pseudonymous() -> Iterator[tuple[tuple[str, str], Action]]:
    for table in CATALOGUE.values():
        for column in table.columns:
            if not column.personal:
                continue
            action = Action.HASH if column.address else Action.DROP
            if column.name in CLEANABLE:
                action = Action.CLEAN
            yield (table.name, column.name), action


def _named(name: str) -> list[tuple[Table, Column]]:
    """The columns that a name means.

    Raises:
        AttributeRefusedError: There is none.
    """
    named, _, column = name.rpartition(".")
    found = [
        (table, each)
        for table in CATALOGUE.values()
        for each in (*(INHERITED[key] for key in table.inherits), *table.columns)
        if each.name == column and named in {"", table.name}
    ]
    if not named:
        found = [each for each in found if each[1].personal] or found
    if not found:
        raise _unknown(name, named)
    return found


def _unknown(name: str, table: str) -> AttributeRefusedError:
    if table in CATALOGUE:
        allowed = [f"{table}.{column.name}" for column in CATALOGUE[table].columns]
    else:
        personal = (
            column.name for each in CATALOGUE.values() for column in each.columns if column.personal
        )
        allowed = list(dict.fromkeys(personal))
    spelled = {each.lower(): each for each in allowed}
    close = difflib.get_close_matches(name.lower(), spelled, n=1)
    hint = f" Did you mean {spelled[close[0]]}?" if close else ""
    return AttributeRefusedError(
        "privacy.columns",
        f"{shown(name)} is no column of the catalogue.{hint} Allowed: the name of a column, or"
        f" table.column; here {', '.join(allowed)}.",
    )


def _require_possible(where: str, table: Table, column: Column, action: Action) -> None:
    """Raises AttributeRefusedError where a column can't be hashed or left out."""
    if action is Action.KEEP:
        return
    place = f"{table.name}.{column.name}"
    why = None
    if column.name in INHERITED or column.name in table.placeholders:
        why, allowed = "it is a key by which other tables are read", "keep"
    elif (table.name, column.name) in _NEEDED:
        why, allowed = _NEEDED[table.name, column.name], "keep"
    elif action is Action.DROP and column.name in table.key:
        why = f"it is part of the key ({', '.join(table.key)})"
        allowed = "keep or hash" if column.type == "VARCHAR" else "keep"
    elif action is Action.DROP and table.name == "list_stats":
        why, allowed = "checks and the report compare with it; it tells of nobody", "keep"
    elif action is Action.HASH and column.type != "VARCHAR":
        why, allowed = f"it holds no text but {column.type.partition('(')[0]}", "keep or drop"
    if why is not None:
        raise AttributeRefusedError(
            where, f"{place} can't be {_DONE[action]}, since {why}. Allowed for it: {allowed}."
        )


_DONE: Final = {Action.HASH: "hashed", Action.DROP: "dropped"}


def _key(variable: str, environment: Mapping[str, str]) -> bytes:
    key = environment.get(variable, "").strip()
    if len(key) >= LEAST_KEY:
        return key.encode()
    got = f"has {len(key)} characters" if key else "is not set"
    raise ConfigurationError(
        f"privacy: addresses are hashed with a key, but the environment variable {variable} {got}."
        f" Allowed: {LEAST_KEY} characters or more, as `openssl rand -hex 32` makes them. Keep the"
        " key: with another one the same address has another hash."
    )
