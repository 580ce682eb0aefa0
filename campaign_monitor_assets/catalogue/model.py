"""The form of a catalogue entry: what one table is, where it is read and what its columns mean.

An entry holds no behaviour. The extraction reads the path, shape and order from it, the warehouse
the columns and the key, the asset factories the descriptions, the parent and the cadence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from string import Formatter

REFERENCE = "https://www.campaignmonitor.com/api/v3-3"


class Shape(StrEnum):
    """How an endpoint answers."""

    ARRAY = "array"
    OBJECT = "object"
    PAGE = "page"


class Option(StrEnum):
    """A preference that an endpoint shows only when asked for; the value is the query's field."""

    TRACKING = "includetrackingpreference"
    SMS = "includesmspreference"


class Cadence(StrEnum):
    """How often a table is worth reading where the user chose nothing."""

    HOURLY = "hourly"
    DAILY = "daily"


class Group(StrEnum):
    """The groups in which the tables stand in Dagster's asset graph."""

    ACCOUNT = "account"
    CAMPAIGNS = "campaigns"
    LISTS = "lists"
    SUBSCRIBERS = "subscribers"
    CAMPAIGN_REPORTS = "campaign_reports"
    JOURNEYS = "journeys"


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: The API's own field name.
        type: A DuckDB type.
        description: What it means.
        personal: Whether a value may name, reach or locate a person, be what a person entered, or
            hold a secret. Only a column for which this is False is shown in Dagster's event log.
        address: Whether a value is an e-mail address, and nothing else.
    """

    name: str
    type: str
    description: str
    personal: bool
    address: bool = False


@dataclass(frozen=True, kw_only=True)
class Increments:
    """How a collection tells what it gained since a time.

    Attributes:
        column: The column with the time at which a record came.
        filtered: Whether the endpoint takes `date`, which brings the records from a time on;
            otherwise the collection is read newest first.
        departures: The endpoints at which records turn up that left the collection; none: records
            are only added, or leave without a trace.
    """

    column: str = "Date"
    filtered: bool = True
    departures: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of the account.

    Attributes:
        name: The table's name in DuckDB and the last part of the asset's key.
        description: What a row is, in a sentence or two.
        path: The endpoint below the base URL without `.json`; a `{Field}` is filled from the
            parent's row.
        shape: How the endpoint answers.
        columns: The fields of a row, without the inherited ones.
        key: The columns that tell rows apart; empty for events, which have no natural key.
        docs: The vendor's page on the endpoint.
        group: The group in Dagster's asset graph.
        cadence: How often to read it where the user chose nothing.
        parent: The table whose rows say what to ask for; None where one request tells all.
        inherits: The parent's columns that every row carries, its foreign keys. The endpoint is
            asked once for each distinct combination of them.
        order_field: What pages are ordered by. `date` where the endpoint knows it, since records
            that are added then come last and shift nothing. None: the endpoint takes no field.
        retry_order_field: What every other retry is ordered by when a collection changed. Many
            records may share a date, as after an import, and the vendor doesn't say whether their
            order then holds from page to page; that of addresses does.
        query: Further fields of the query, as they are sent.
        options: The preferences that the endpoint shows when asked to.
        rows_at: For an object: the field that holds the rows. None: the object is the row.
        enclosing: For an object with `rows_at`: the object's own fields that its rows carry,
            by the name of the column.
        never_stored: Fields that must not reach a file, such as another key.
        deleted_codes: The API's codes for a parent that was deleted since it was listed.
        never_empty: An empty response can't be right.
        stat: The field of `list_stats` that counts this table's rows of one list.
        increments: How what was added since the last snapshot is asked for; None: it can't be.
        default: Whether it is read where the user chose nothing.
        cost: What a full refresh costs in requests, in words.
    """

    name: str
    description: str
    path: str
    shape: Shape
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    docs: str
    group: Group
    cadence: Cadence = Cadence.HOURLY
    parent: str | None = None
    inherits: tuple[str, ...] = ()
    order_field: str | None = None
    retry_order_field: str | None = None
    query: tuple[tuple[str, str], ...] = ()
    options: tuple[Option, ...] = ()
    rows_at: str | None = None
    enclosing: Mapping[str, str] = field(default_factory=dict)
    never_stored: tuple[str, ...] = ()
    deleted_codes: tuple[int, ...] = ()
    never_empty: bool = False
    stat: str | None = None
    increments: Increments | None = None
    default: bool = True
    cost: str = "1"

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The parent's columns that fill the path."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.path) if name)

    @property
    def parent_key(self) -> str | None:
        """The inherited column that names a row's own parent; None where rows have none."""
        return self.inherits[-1] if self.inherits else None

    @property
    def has_window(self) -> bool:
        """Whether it reports on sent campaigns, which hardly change after some weeks."""
        return self.parent == "campaigns"

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the row's own fields as the API gives them."""
        return tuple(column.name for column in self.columns if column.name not in self.enclosing)


def text(name: str, description: str, *, personal: bool) -> Column:
    """A column of text."""
    return Column(name, "VARCHAR", description, personal)


def address(name: str, description: str) -> Column:
    """A column of e-mail addresses, which are always personal."""
    return Column(name, "VARCHAR", description, personal=True, address=True)


def texts(name: str, description: str, *, personal: bool) -> Column:
    """A column of lists of text."""
    return Column(name, "VARCHAR[]", description, personal)


def nested(name: str, type_: str, description: str, *, personal: bool) -> Column:
    """A column of structs or of lists of them, of the given DuckDB type."""
    return Column(name, type_, description, personal)


def number(name: str, description: str, *, personal: bool) -> Column:
    """A column of decimal numbers."""
    return Column(name, "DOUBLE", description, personal)


def time(name: str, description: str) -> Column:
    """A column of local times: the API gives them in the client's own time zone."""
    return Column(name, "TIMESTAMP", description, personal=False)


def count(name: str, description: str) -> Column:
    """A column of whole numbers, none of which tells who somebody is."""
    return Column(name, "BIGINT", description, personal=False)


def flag(name: str, description: str) -> Column:
    """A column of yes or no."""
    return Column(name, "BOOLEAN", description, personal=False)


CLIENT_ID = text("ClientID", "The client that the row belongs to.", personal=False)
LIST_ID = text("ListID", "The subscriber list that the row belongs to.", personal=False)
CAMPAIGN_ID = text("CampaignID", "The sent campaign that the row reports on.", personal=False)
SEGMENT_ID = text("SegmentID", "The segment that the row belongs to.", personal=False)
JOURNEY_ID = text("JourneyID", "The journey that the row belongs to.", personal=False)
EMAIL_ID = text("EmailID", "The e-mail of a journey that the row reports on.", personal=False)

INHERITED: Mapping[str, Column] = {
    column.name: column
    for column in (CLIENT_ID, LIST_ID, CAMPAIGN_ID, SEGMENT_ID, JOURNEY_ID, EMAIL_ID)
}
"""The parents' keys that rows carry, by name."""

SYNCED_AT = Column(
    "_synced_at",
    "TIMESTAMP",
    "The UTC time of the snapshot that last wrote the row. `merge` writes the rows that are new or"
    " have changed, `replace` all of them; when the table was last read stands in `sync_log`.",
    personal=False,
)
