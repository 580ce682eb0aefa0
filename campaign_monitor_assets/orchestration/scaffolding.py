"""What `dg scaffold defs campaign_monitor_assets.CampaignMonitorComponent` writes."""

import sys
import textwrap
from collections.abc import Sequence
from typing import Any, Final

import click
from dagster.components import Scaffolder, ScaffoldRequest, scaffold_component
from pydantic import BaseModel, Field, ValidationError

from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.orchestration.account import DEFAULT_PREFIX
from campaign_monitor_assets.orchestration.account_attributes import AccountAttributes
from campaign_monitor_assets.orchestration.schedules import FREQUENCIES, MANUAL
from campaign_monitor_assets.orchestration.yaml_values import PRESETS

_LINE: Final = 96
_FREQUENCIES: Final = ", ".join([*FREQUENCIES, MANUAL])

_HOW_OFTEN: Final = (
    f"How often tables are read: {_FREQUENCIES}, or a cron string. One frequency for all tables, or"
    " for some tables one of their own:"
)
_DEFS: Final = """\
# A Campaign Monitor account in DuckDB. All attributes, each with an example: in Dagster's UI under
# Deployment, this code location, Components.
type: {type_name}

# Put it where Dagster runs, or into a file .env beside pyproject.toml, which dg reads. Never here.
requirements:
  env:
    - {key_variable}

attributes:
{prefix}  # default (fourteen tables), all, a list of tables, or a preset with more and fewer:
  # {{preset: default, add: [campaign_opens, campaign_clicks], without: [templates]}}
  tables: {tables}

{frequencies}
  # {{active_subscribers: every 6 hours, templates: weekly, suppression_list: "15 4 * * 1-5"}}
{schedule}
  timezone: UTC

  # Schedules are switched on in the UI, under Automation; true has them on at once.
  schedules_running: false

  api:
    # The name of the variable with the API key (Account settings -> API keys), not the key.
    api_key_variable: {key_variable}

  warehouse:
    # Relative to the folder in which Dagster runs; made where it is missing.
    database: {database}

  # Read only some clients, by ClientID or name:
  # clients: [42bcf84d1942d1900b576899bb751d18]

  # Be told of failed runs and checks, here by Slack; the URL stands in the variable:
  # notify: {{slack_webhook_variable: SLACK_WEBHOOK_URL}}

  # Hash addresses, and leave out names, IP addresses, places and the like:
  # privacy: pseudonymous
"""


class ScaffoldingParams(BaseModel):
    """What may be said to the command: `--tables`, `--schedule`, `--prefix`."""

    tables: str | None = Field(
        default=None, description="default, all, or names of tables with commas between them."
    )
    schedule: str | None = Field(
        default=None, description=f"How often all tables are read: {_FREQUENCIES}, or cron."
    )
    prefix: str | None = Field(
        default=None, description="The prefix of the assets, for a second account: northwind."
    )

    def attributes(self) -> dict[str, Any]:
        """The component's attributes.

        Raises:
            ClickException: One of them is not accepted.
        """
        said: dict[str, Any] = {"tables": _tables(self.tables or PRESETS[0])}
        said |= {"frequencies": self.schedule} if self.schedule else {}
        said |= {"key_prefix": self.prefix} if self.prefix else {}
        try:
            AccountAttributes.resolve_from_dict(said)
        except ValidationError as error:
            problems = [each["msg"].removeprefix("Value error, ") for each in error.errors()]
            raise click.ClickException("\n".join(problems)) from None
        except ConfigurationError as error:
            raise click.ClickException(str(error)) from None
        return said


class AccountScaffolder(Scaffolder[ScaffoldingParams]):
    """Writes a commented `defs.yaml` for an account."""

    @classmethod
    def get_scaffold_params(cls) -> type[ScaffoldingParams]:
        """What may be said to the command."""
        return _CheckedParams

    def scaffold(self, request: ScaffoldRequest[ScaffoldingParams]) -> None:
        """Writes the file, or Dagster's own where Python is wanted.

        Raises:
            ClickException: What was said is not accepted.
        """
        if request.scaffold_format != "yaml":
            scaffold_component(request)
            return
        text = _text(request.type_name, request.params)
        if request.append:
            with request.target_path.open("a", encoding="utf-8") as file:
                file.write(f"---\n{text}")
            return
        path = request.target_path / "defs.yaml"
        path.write_text(text, encoding="utf-8")
        variable = _key_variable(request.params.prefix)
        click.echo(f"Wrote {path}. Set {variable}, and look with: dg check defs; dg dev.")


class _CheckedParams(ScaffoldingParams):
    """Those, asked for where somebody sits at a terminal and said none, and checked.

    Before Dagster makes a folder, which would be in the way the next time.
    """

    def model_post_init(self, context: object) -> None:
        """Asks, and checks."""
        super().model_post_init(context)
        if not self.model_fields_set and sys.stdin.isatty():
            self.tables = click.prompt("Tables (default, all, or names with commas)", PRESETS[0])
            words = f"How often are they read ({_FREQUENCIES}, cron; empty: each as it suits)"
            self.schedule = click.prompt(words, "", show_default=False) or None
        self.attributes()


def _tables(said: str) -> str | list[str]:
    names = [name.strip() for name in said.split(",") if name.strip()]
    if len(names) == 1 and names[0] in PRESETS:
        return names[0]
    wanted = set(names)
    for table in reversed(list(CATALOGUE.values())):
        if table.name in wanted and table.parent:
            wanted.add(table.parent)
    known = [name for name in CATALOGUE if name in wanted]
    return known + [name for name in names if name not in CATALOGUE]


def _key_variable(prefix: str | None) -> str:
    return f"{(prefix or DEFAULT_PREFIX).replace('/', '_').upper()}_API_KEY"


def _text(type_name: str, params: ScaffoldingParams) -> str:
    said = params.attributes()
    tables = said["tables"]
    prefix = f"  key_prefix: {params.prefix}\n\n" if params.prefix else ""
    schedule = (
        f'  frequencies: "{params.schedule}"'
        if params.schedule
        else "  # By default light tables hourly; subscribers, reports, the suppression list daily."
    )
    return _DEFS.format(
        type_name=type_name,
        prefix=prefix,
        tables=tables if isinstance(tables, str) else _listed(tables),
        frequencies="\n".join(_wrapped(_HOW_OFTEN, "  # ")),
        schedule=schedule,
        key_variable=_key_variable(params.prefix),
        database=f"data/{(params.prefix or 'account').replace('/', '_')}.duckdb",
    )


def _listed(names: Sequence[str]) -> str:
    listed = f"[{', '.join(names)}]"
    if len(listed) + len("  tables: ") <= _LINE:
        return listed
    return "\n" + "\n".join(_wrapped(listed, "    "))


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, _LINE, initial_indent=indent, subsequent_indent=indent)
