"""The attributes of the component, each declared once, and what is asked of all of them."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

import dagster as dg
from dagster.components.utils.translation import TranslationFn, TranslationFnResolver
from pydantic import BaseModel, Field, field_validator

from campaign_monitor_assets.errors import AttributeRefusedError
from campaign_monitor_assets.extract.incremental import FULL_REFRESH_DAYS
from campaign_monitor_assets.orchestration import yaml_values
from campaign_monitor_assets.orchestration.account import DEFAULT_PREFIX
from campaign_monitor_assets.orchestration.attributes import (
    ApiAttributes,
    ExtractAttributes,
    NotifyAttributes,
    PrivacyAttributes,
    TablesAttributes,
    WarehouseAttributes,
    in_their_place,
    resolved_privacy,
    resolved_tables,
)
from campaign_monitor_assets.orchestration.choices import (
    check_lake,
    check_notify,
    check_tables_of_warehouse,
    checked_group_names,
    checked_prefix,
    checked_sync_methods,
    checked_time_zone,
    checked_windows,
    chosen_frequencies,
    chosen_tables,
    require_variable_names,
)
from campaign_monitor_assets.orchestration.yaml_model import (
    accepting_renamed,
    located,
    require_rendered,
)
from campaign_monitor_assets.orchestration.yaml_schema import OF_DAGSTER, STRINGS, WORDS
from campaign_monitor_assets.paths import absolute
from campaign_monitor_assets.warehouse.lake_settings import is_lake


@dataclass(frozen=True)
class Described:
    """What the templates of `translation` know of an asset.

    Attributes:
        name: The name of the table or the view.
        group: The catalogue's group of the table; analytics for views.
    """

    name: str
    group: str


class AccountAttributes(dg.Model, dg.Resolvable):
    """The attributes of one account, as they are said in YAML or in Python."""

    key_prefix: str = Field(
        default=DEFAULT_PREFIX,
        examples=["northwind"],
        json_schema_extra={
            STRINGS: {
                "pattern": r"^[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*$",
                WORDS: "letters, digits and _, in parts that are separated by /",
            }
        },
        description="Asset key prefix; separate parts with /. Two accounts in one code location"
        " need two prefixes.",
    )
    tables: Annotated[
        list[str] | None,
        dg.Resolver(resolved_tables, model_field_type=list[str] | TablesAttributes.model() | None),
    ] = Field(
        default=None,
        examples=[{"preset": "default", "add": ["campaign_opens", "campaign_clicks"]}],
        json_schema_extra=yaml_values.tables(),
        description="The tables to read, each with its parents: a list, or default, which is"
        " fourteen of them, or all, or one of these presets with more tables and fewer.",
    )
    frequencies: dict[str, str] | str = Field(
        default={},
        examples=[{"active_subscribers": "every 6 hours", "templates": "manual"}],
        json_schema_extra=yaml_values.frequencies(),
        description="How often all tables are read, or for some tables how often each is: every 5"
        " minutes, every 30 minutes, hourly, every 6 hours, every 12 hours, daily, weekly, monthly,"
        " manual, or a cron string. By default light tables hourly, subscribers, reports and the"
        " suppression list daily.",
    )
    timezone: str = Field(
        default="UTC",
        examples=["Europe/Berlin"],
        json_schema_extra={STRINGS: yaml_values.time_zone()},
        description="The schedules' time zone, an IANA name.",
    )
    schedules_running: bool = Field(
        default=False,
        examples=[True],
        description="Whether schedules are on at once; otherwise they are switched on in the UI.",
    )
    clients: list[str] = Field(
        default=[],
        examples=[["42bcf84d1942d1900b576899bb751d18"]],
        description="Read only these clients, by ClientID or name; empty: all.",
    )
    report_windows: dict[str, int] = Field(
        default={},
        examples=[{"campaign_opens": 30}],
        json_schema_extra=yaml_values.report_windows(),
        description="For a campaign report: read again only the campaigns sent in so many days;"
        " the rows of the others stay. By default every campaign is read each time.",
    )
    sync_methods: dict[str, Literal["full_refresh", "incremental"]] = Field(
        default={},
        examples=[{"active_subscribers": "incremental"}],
        json_schema_extra=yaml_values.sync_methods(),
        description="For a table how it is read: full_refresh, which is the default, or"
        " incremental: only what was added since the last snapshot, proved by the API's count, and"
        " in full where that fails.",
    )
    full_refresh_days: float = Field(
        default=FULL_REFRESH_DAYS,
        ge=1,
        examples=[14],
        description="Within how many days each list, campaign, … of an incrementally read table is"
        " read in full, spread over the runs.",
    )
    blocking_checks: bool = Field(
        default=False,
        examples=[True],
        description="Whether a check that fails at ERROR fails its step, and so the run: what is"
        " downstream of it in the run is not made. The table is stored all the same.",
    )
    analytics: bool = Field(
        default=True,
        examples=[True],
        description="Whether there are views beside the tables: those whose tables are all read.",
    )
    group_names: dict[str, str] = Field(
        default={},
        examples=[{"subscribers": "audience"}],
        json_schema_extra=yaml_values.group_names(),
        description="Other names for the groups account, campaigns, lists, subscribers,"
        " campaign_reports and journeys.",
    )
    owners: list[str] = Field(
        default=[],
        examples=[["team:crm"]],
        json_schema_extra={"items": yaml_values.owner()},
        description="The assets' owners: e-mail addresses, or teams as team:name.",
    )
    tags: dict[str, str] = Field(
        default={},
        examples=[{"domain": "crm"}],
        json_schema_extra=yaml_values.tags(),
        description="Tags of the assets and of the runs.",
    )
    translation: (
        Annotated[TranslationFn[Described], TranslationFnResolver[Described](asdict)] | None
    ) = Field(
        default=None,
        examples=[{"group_name": "crm_{{ group }}", "tags": {"table": "{{ name }}"}}],
        json_schema_extra={OF_DAGSTER: True},
        description="What is said of each asset, but for its key: group_name, description, owners,"
        " tags, kinds, metadata, automation_condition. Templates know `name`, `group`, and `spec`,"
        " the asset as it would be.",
    )
    pool: str | None = Field(
        default=None,
        examples=["crm"],
        json_schema_extra={STRINGS: yaml_values.POOL},
        description="The pool that keeps the tables of this account from being read at once; by"
        " default the key prefix.",
    )
    executor: Literal["in_process", "project"] = Field(
        default="in_process",
        examples=["project"],
        description="What executes jobs and schedules: in_process, all tables of a run in one"
        " process (threads do the waiting, a process for each table costs seconds); or project, the"
        " executor of your project's definitions.",
    )
    api: ApiAttributes = Field(
        default=ApiAttributes(),
        examples=[{"api_key_variable": "NORTHWIND_API_KEY", "requests_per_second": 2}],
        description="How requests are authorized and sent.",
    )
    extract: ExtractAttributes = Field(
        default=ExtractAttributes(),
        examples=[{"include_tracking_preference": True}],
        description="How tables are read.",
    )
    warehouse: WarehouseAttributes = Field(
        default=WarehouseAttributes(),
        examples=[{"database": "data/account.duckdb", "memory_limit": "1GB"}],
        description="Where rows go, and how DuckDB works.",
    )
    privacy: Annotated[
        PrivacyAttributes,
        dg.Resolver(
            resolved_privacy,
            model_field_type=Literal["keep", "pseudonymous"] | PrivacyAttributes.model(),
        ),
    ] = Field(
        default=PrivacyAttributes(),
        examples=["pseudonymous"],
        description="What becomes of personal data.",
    )
    notify: NotifyAttributes = Field(
        default=NotifyAttributes(),
        examples=[{"slack_webhook_variable": "SLACK_WEBHOOK_URL"}],
        description="Whom to tell of failed runs and checks.",
    )

    @field_validator("clients")
    @classmethod
    def _without_blanks(cls, given: list[str]) -> list[str]:
        # A template that splits an environment variable, set or not, leaves some.
        return [client.strip() for client in given if client.strip()]

    @classmethod
    def model(cls) -> type[BaseModel]:
        """The YAML's schema, which Dagster derives, and the attributes of earlier versions."""
        return accepting_renamed(super().model(), cls)

    @classmethod
    def resolve_from_model(cls, context: dg.ResolutionContext, model: BaseModel) -> Self:
        """The component as its YAML says.

        Raises:
            ConfigurationError: An attribute is given twice, by its old name and by its new one, or
                what a template became, or what is said together, is not accepted.
        """
        require_rendered(context, model)
        resolved: Self = super().resolve_from_model(context, in_their_place(model))
        try:
            resolved.require_possible()
        except AttributeRefusedError as error:
            raise located(error, context) from None
        return resolved

    def require_possible(self) -> None:
        """Looks at the attributes together.

        Raises:
            AttributeRefusedError: One of them is not possible, whatever the environment holds.
        """
        require_variable_names("api", self.api)
        require_variable_names("privacy", self.privacy)
        require_variable_names("notify", self.notify)
        require_variable_names("warehouse", self.warehouse)
        check_notify(self.notify)
        checked_prefix(self.key_prefix)
        checked_time_zone(self.timezone)
        check_tables_of_warehouse(self.warehouse)
        check_lake(self.warehouse)
        checked_group_names(self.group_names)
        checked_windows(self.report_windows)
        tables = chosen_tables(self.tables)
        chosen_frequencies(self.frequencies, tables)
        checked_sync_methods(self.sync_methods, tables, self.privacy.rules())

    @property
    def name(self) -> str:
        """The key prefix as one word, which the names of jobs and schedules begin with."""
        return "_".join(checked_prefix(self.key_prefix))

    @property
    def schema_of_tables(self) -> str:
        """The schema of the tables in DuckDB."""
        return self.warehouse.schema_ or self.name

    @property
    def schema_of_views(self) -> str:
        """The schema of the views in DuckDB."""
        return self.warehouse.analytics_schema or f"{self.schema_of_tables}_analytics"

    @property
    def places(self) -> set[tuple[Path, str]]:
        """The warehouse with each of the schemas that are written, in small letters."""
        database = self.warehouse.database
        path = Path(database.strip())
        if not is_lake(database):
            path = absolute(database, "database").resolve()
        return {(path, schema.lower()) for schema in (self.schema_of_tables, self.schema_of_views)}
