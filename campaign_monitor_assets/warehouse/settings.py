"""Where rows go: the one declaration of the warehouse's settings."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class WarehouseSettings(BaseModel):
    """The DuckDB file, its schemas and how much DuckDB may use.

    A field that is added here is an attribute of the component and of the resource, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    database: str = Field(default="data/account.duckdb", description="Path of the DuckDB file.")
    schema_: str | None = Field(
        default=None,
        alias="schema",
        description="Schema of the tables; by default the key prefix, its parts joined by _.",
    )
    analytics_schema: str | None = Field(
        default=None,
        description="Schema of the views; by default the tables' schema with _analytics.",
    )
    memory_limit: str = Field(
        default="192MB", description="How much memory DuckDB may use; beyond it, it works on disk."
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        description="How many threads DuckDB uses; by default one per core, as many as"
        " memory_limit suffices for.",
    )
    storage_version: str = Field(
        default="v1.0.0",
        pattern=r"^(v\d+\.\d+\.\d+|latest)$",
        description="Oldest DuckDB version that can read a file made anew: v1.0.0, v1.4.0, … or"
        " latest. An existing file stays as it is.",
    )
    connection_config: dict[str, Any] = Field(
        default={}, description="Further DuckDB configuration options, by their names."
    )
    lock_timeout: float = Field(
        default=600,
        ge=0,
        description="Maximum seconds to wait for the DuckDB file while it is in use.",
    )
    staging_directory: str | None = Field(
        default=None,
        description="Folder in which rows are staged; by default one beside the DuckDB file.",
    )
    warn_drop_percent: float = Field(
        default=50,
        ge=0,
        le=100,
        description="A check warns of a snapshot whose rows fall by more than this.",
    )
    refuse_drop_percent: float | None = Field(
        default=None,
        ge=0,
        le=100,
        description="Refuse a snapshot whose rows fall by more than this; unset: publish it.",
    )
