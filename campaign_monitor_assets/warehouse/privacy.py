"""What becomes of personal data: for each column whether it is kept, hashed or left out.

`privacy_settings` makes the rules of what a user wrote; `masking` is what they are in SQL.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from campaign_monitor_assets.catalogue import INHERITED, SYNCED_AT, Column, Table

EMAIL_DOMAIN: Final = Column(
    "EmailDomain",
    "VARCHAR",
    "The domain of EmailAddress, which itself is hashed.",
    personal=True,
)

CLEANABLE: Final = ("CustomFields", "BasicDetails")
"""Columns of which a preset leaves out only a part."""


class Action(StrEnum):
    """What becomes of a column's values."""

    KEEP = "keep"
    HASH = "hash"
    DROP = "drop"
    CLEAN = "clean"
    """Only what is personal in them goes; by a preset, and only where `masking` knows how."""


@dataclass(frozen=True, kw_only=True)
class Privacy:
    """What becomes of each column, as it was declared; everything is kept by default.

    Attributes:
        actions: The columns that aren't kept as they are, by table and name.
        custom_fields: The custom fields that stay where they are cleaned, as `field_name` has them.
        keeps_unknown: Whether fields that the catalogue doesn't know are kept.
        email_domain: Whether the domain of a hashed EmailAddress is kept.
        key: What hashes are keyed with; None: nothing is hashed.
    """

    actions: Mapping[tuple[str, str], Action] = field(default_factory=dict)
    custom_fields: frozenset[str] = frozenset()
    keeps_unknown: bool = True
    email_domain: bool = False
    key: bytes | None = field(default=None, repr=False)

    @classmethod
    def of_rules(cls, rules: str) -> "Privacy":
        """What `rules` were made of, but for the key, by which nothing can be hashed then."""
        found = json.loads(rules)
        return cls(
            actions={
                (table, column): action
                for action in Action
                for table, _, column in (name.partition(".") for name in found.get(action, ()))
            },
            custom_fields=frozenset(found.get("custom_fields", ())),
            keeps_unknown=found.get("unknown_fields", True),
            email_domain=found.get("email_domain", False),
        )

    def action(self, table: str, column: str) -> Action:
        """What becomes of a column."""
        return self.actions.get((table, column), Action.KEEP)

    def has_domain(self, table: str) -> bool:
        """Whether the table has a column with the domains of its hashed addresses."""
        return self.email_domain and self.action(table, "EmailAddress") is Action.HASH

    def columns_of(self, table: Table) -> tuple[Column, ...]:
        """The columns of a table as DuckDB has them, without those of fields that nobody knows."""
        own = []
        for column in table.columns:
            note = _NOTES.get(self.action(table.name, column.name), "")
            own.append(replace(column, description=f"{column.description}{note}"))
            if column.name == "EmailAddress" and self.has_domain(table.name):
                own.append(EMAIL_DOMAIN)
        return (*(INHERITED[name] for name in table.inherits), *own, SYNCED_AT)

    @property
    def rules(self) -> str:
        """The rules as JSON, without the key: what is stored beside the tables they made."""
        by_action: dict[str, list[str]] = {}
        for (table, column), action in sorted(self.actions.items()):
            by_action.setdefault(str(action), []).append(f"{table}.{column}")
        return json.dumps(
            {
                **by_action,
                "custom_fields": sorted(self.custom_fields),
                "unknown_fields": self.keeps_unknown,
                "email_domain": self.email_domain,
            },
            sort_keys=True,
        )

    @property
    def key_check(self) -> str | None:
        """Tells keys apart, and nothing of them."""
        if self.key is None:
            return None
        return hmac.new(self.key, b"campaign_monitor_assets", hashlib.sha256).hexdigest()

    @property
    def keeps_everything(self) -> bool:
        """Whether nothing is hashed or left out."""
        return self.keeps_unknown and not self.actions


KEEP_ALL: Final = Privacy()
"""Everything is stored as the API gives it."""

_NOTES: Final[Mapping[Action, str]] = {
    Action.HASH: " Hashed, by the setting privacy.",
    Action.DROP: " Left out, by the setting privacy: always NULL.",
    Action.CLEAN: " Without what is personal in it, by the setting privacy.",
}


def field_name(given: str) -> str:
    """A custom field's name or key, so that capitals, blanks and square brackets don't matter."""
    return given.strip().removeprefix("[").removesuffix("]").strip().lower()
