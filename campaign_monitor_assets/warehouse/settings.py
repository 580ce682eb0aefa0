"""Where rows go: the one declaration of the warehouse's settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.warehouse.lake_settings import Lake, S3Settings, lake_of
from campaign_monitor_assets.warehouse.privacy import KEEP_ALL, Privacy


class Strategy(StrEnum):
    """How a snapshot gets into its table."""

    MERGE = "merge"
    """Insert, update and delete the rows that differ."""

    REPLACE = "replace"
    """Write the whole table anew."""


_STRATEGY = f"^({'|'.join(Strategy)})$"
_STRATEGIES: dict[str, Any] = {"enum": [str(each) for each in Strategy]}
_TABLES: dict[str, Any] = {"enum": list(CATALOGUE)}
_MEMORY = (
    r"^\s*([0-9]+\.?[0-9]*|\.[0-9]+)\s*"
    r"([KMGTkmgt]([Ii]?[Bb])?|[Bb]|([Kk]ilo|[Mm]ega|[Gg]iga|[Tt]era)?[Bb]ytes?|%)\s*$|^(-1|none)$"
)


@dataclass(frozen=True, kw_only=True)
class PublishSettings:
    """How a table's snapshots are published.

    Attributes:
        strategy: How rows get into the table.
        history: Whether every version of a row is kept.
        history_days: How many days ended versions are kept; None: for ever.
        refuse_drop_percent: The deepest fall of rows that is published, in percent; None: any.
        privacy: What becomes of personal data.
    """

    strategy: Strategy = Strategy.MERGE
    history: bool = False
    history_days: int | None = None
    refuse_drop_percent: float | None = None
    privacy: Privacy = KEEP_ALL


class WarehouseSettings(BaseModel):
    """The DuckDB file or the DuckLake, its schemas and how much DuckDB may use.

    A field that is added here is an attribute of the component and of the resource, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    database: str = Field(
        default="data/account.duckdb",
        examples=["data/account.duckdb"],
        json_schema_extra={
            "strings": {
                "if": {
                    "pattern": r"^\s*[Dd][Uu][Cc][Kk][Ll][Aa][Kk][Ee]:(postgres:|(?!\s*$|[A-Za-z]"
                    r"[A-Za-z0-9+.-]+:))|^(?!\s*$|:|[A-Za-z][A-Za-z0-9+.-]+:)[^?]*$"
                },
                "else": {
                    "enum": ["data/account.duckdb"],
                    "errorMessage": "the path of a file, such as data/account.duckdb, or a"
                    " DuckLake, such as ducklake:postgres:dbname=lake host=db; no database in"
                    " memory, no other address",
                },
            }
        },
        description="Path of the DuckDB file; or a DuckLake, for more than one machine:"
        " ducklake:postgres:dbname=… host=… user=…, or ducklake:some.ducklake for an embedded"
        " catalogue.",
    )
    data_path: str | None = Field(
        default=None,
        min_length=1,
        examples=["s3://bucket/prefix/"],
        description="For a DuckLake where its Parquet files go: a folder, or s3://bucket/prefix/.",
    )
    database_password_variable: str | None = Field(
        default=None,
        examples=["LAKE_PASSWORD"],
        description="For a DuckLake with its catalogue in PostgreSQL: name of the environment"
        " variable with the password; by default PostgreSQL's own PGPASSWORD, or none.",
    )
    s3: dict[str, Any] = Field(
        default={},
        examples=[{"endpoint": "minio:9000", "url_style": "path", "use_ssl": False}],
        json_schema_extra={
            "properties": S3Settings.model_json_schema()["properties"],
            "additionalProperties": False,
        },
        description="For a data_path on S3-compatible storage: endpoint, region, url_style (vhost"
        " or path), use_ssl, and the names of the environment variables with the key:"
        " key_id_variable, secret_variable, session_token_variable.",
    )
    keep_snapshots_days: float = Field(
        default=7,
        ge=0,
        examples=[30],
        description="For a DuckLake how many days it can be read as it was, by at (timestamp =>"
        " …); the maintenance removes what is older.",
    )
    maintenance: str = Field(
        default="30 3 * * *",
        examples=["30 3 * * 0"],
        description="For a DuckLake when files that nothing needs any more are deleted and small"
        " ones put together: a cron string, or manual. The schedule runs where schedules_running"
        " says so, as the others.",
    )
    schema_: str | None = Field(
        default=None,
        alias="schema",
        min_length=1,
        examples=["crm"],
        description="Schema of the tables; by default the key prefix, its parts joined by _.",
    )
    analytics_schema: str | None = Field(
        default=None,
        min_length=1,
        examples=["crm_views"],
        description="Schema of the views; by default the tables' schema with _analytics.",
    )
    memory_limit: str = Field(
        default="192MB",
        examples=["1GB"],
        # DuckDB says itself whether it takes one; the form is for YAML, where a slip is likely.
        json_schema_extra={
            "strings": {
                "if": {"pattern": _MEMORY},
                "else": {
                    "enum": ["192MB", "1.5GB", "2GiB", "50%"],
                    "errorMessage": "a number and a unit, such as 192MB, 1.5GB or 2GiB, or 50%",
                },
            }
        },
        description="How much memory DuckDB may use; beyond it, it works on disk.",
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        examples=[2],
        description="How many threads DuckDB uses; by default one per core, as many as"
        " memory_limit suffices for.",
    )
    storage_version: str = Field(
        default="v1.0.0",
        pattern=r"^(v\d+\.\d+\.\d+|latest)$",
        examples=["v1.4.0"],
        json_schema_extra={
            "strings": {"errorMessage": "a version of DuckDB, such as v1.0.0 or v1.4.0, or latest"}
        },
        description="Oldest DuckDB version that can read a file made anew: v1.0.0, v1.4.0, … or"
        " latest. An existing file stays as it is.",
    )
    connection_config: dict[str, Any] = Field(
        default={},
        examples=[{"preserve_insertion_order": False}],
        description="Further DuckDB configuration options, by their names.",
    )
    publish_copy: str | None = Field(
        default=None,
        min_length=1,
        examples=["data/readers.duckdb"],
        description="Path of a read-only copy of the DuckDB file that is swapped in after each run,"
        " for readers that neither wait for a sync nor keep one waiting.",
    )
    lock_timeout: float = Field(
        default=600,
        ge=0,
        examples=[120],
        description="Maximum seconds to wait for the DuckDB file while it is in use.",
    )
    staging_directory: str | None = Field(
        default=None,
        min_length=1,
        examples=["data/staging"],
        description="Folder in which rows are staged; by default one beside the DuckDB file.",
    )
    warn_drop_percent: float = Field(
        default=50,
        ge=0,
        le=100,
        examples=[25],
        description="A check warns of a snapshot whose rows fall by more than this.",
    )
    write_strategy: str = Field(
        default="merge",
        pattern=_STRATEGY,
        examples=["replace"],
        json_schema_extra={"strings": _STRATEGIES},
        description="How snapshots get into their tables: merge writes the rows that differ,"
        " replace writes them all.",
    )
    write_strategies: dict[str, Annotated[str, Field(pattern=_STRATEGY)]] = Field(
        default={},
        examples=[{"campaign_opens": "replace"}],
        json_schema_extra={"propertyNames": _TABLES, "additionalProperties": _STRATEGIES},
        description="For a table another write_strategy.",
    )
    history: list[str] = Field(
        default=[],
        examples=[["lists", "active_subscribers"]],
        json_schema_extra={"items": {"type": "string", **_TABLES}},
        description="The tables of which every version of a row is kept, in a schema beside theirs"
        " with _history; true: all tables.",
    )
    history_days: int | None = Field(
        default=None,
        ge=1,
        examples=[90],
        description="Days after which ended versions leave the history; by default they stay.",
    )
    refuse_drop_percent: float | None = Field(
        default=None,
        ge=0,
        le=100,
        examples=[33],
        description="Refuse a snapshot whose rows fall by more than this; unset: publish it.",
    )

    @field_validator("history", mode="before")
    @classmethod
    def _all_tables(cls, given: object) -> object:
        return list(CATALOGUE) if given is True else [] if given is False else given

    def lake(self, environment: Mapping[str, str] | None) -> Lake:
        """Where the DuckLake is that `database` names.

        Args:
            environment: Where the secrets are; None: they are not looked up.

        Raises:
            ConfigurationError: A setting is not accepted, or a secret is missing.
        """
        return lake_of(
            self.database,
            self.data_path,
            password_variable=self.database_password_variable,
            s3=self.s3,
            environment=environment,
        )

    def publish_settings(self, table: str) -> PublishSettings:
        """How the snapshots of a table are published."""
        return PublishSettings(
            strategy=Strategy(self.write_strategies.get(table, self.write_strategy)),
            history=table in self.history,
            history_days=self.history_days,
            refuse_drop_percent=self.refuse_drop_percent,
        )
