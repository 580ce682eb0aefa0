"""The parts of the documentation that are told by the code itself; `make docs` puts them there.

They stand between comments such as `<!-- tables -->` and `<!-- end of tables -->`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from pydantic.fields import FieldInfo

from campaign_monitor_assets.analytics import ALL_VIEWS
from campaign_monitor_assets.analytics.relations import tables_of
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.cli.__main__ import program
from campaign_monitor_assets.orchestration.attributes import BLOCKS, shown_name
from campaign_monitor_assets.orchestration.component import CampaignMonitorComponent
from campaign_monitor_assets.orchestration.preview import markdown_table


def tables() -> str:
    """Every table with its key, its cost, its cadence and its personal columns."""
    rows = [
        (
            f"[`{table.name}`]({table.docs})",
            ", ".join(table.key) or "none (events)",
            table.parent or "",
            table.cost,
            table.cadence,
            "yes" if table.default else "",
            ", ".join(column.name for column in table.columns if column.personal),
        )
        for table in CATALOGUE.values()
    ]
    heads = ["table", "key", "parent", "requests of a full refresh", "cadence", "by default"]
    return _table([*heads, "personal data"], rows)


def views() -> str:
    """Every view with what it tells, and the tables for it that are not read by default."""
    rows = [
        (
            f"`{view.name}`",
            view.description.split(". ")[0].removesuffix("."),
            ", ".join(
                name
                for name, table in CATALOGUE.items()
                if name in tables_of(view) and not table.default
            ),
        )
        for view in ALL_VIEWS.values()
    ]
    return _table(["view", "what it tells", "tables to switch on"], rows)


def attributes() -> str:
    """Every attribute of the component with its default; those of a block after its name."""
    rows: list[tuple[object, ...]] = []
    for name, field in CampaignMonitorComponent.model_fields.items():
        block = BLOCKS.get(name)
        if block is None:
            rows.append((f"`{name}`", *_meaning(field)))
            continue
        rows += [
            (f"`{name}.{shown_name(block, inner)}`", *_meaning(each))
            for inner, each in block.model_fields.items()
        ]
    return _table(["attribute", "default", "meaning"], rows)


def commands() -> str:
    """Every command with its options."""
    rows = []
    for name, command in sorted(program.commands.items()):
        options = [
            f"`{option.opts[0]} {option.metavar}`"
            for option in command.params
            if isinstance(option, click.Option)
        ]
        rows.append((f"`{name}`", (command.help or "").removesuffix("."), ", ".join(options)))
    return _table(["command", "what it does", "options"], rows)


def _meaning(field: FieldInfo) -> tuple[str, str | None]:
    return _shown(field.get_default(call_default_factory=True)), field.description


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table whose cells may hold code."""
    return markdown_table(heads, rows).replace("\\`", "`")


def _shown(default: object) -> str:
    return "" if default is None or default in ([], {}) else str(default)


PARTS = {"commands": commands, "tables": tables, "views": views, "attributes": attributes}


def updated(text: str) -> str:
    """The text of a page with its generated parts, if it has any, as they are now."""
    for name, part in PARTS.items():
        start, end = marks(name)
        before, found, rest = text.partition(start)
        if found:
            _, _, after = rest.partition(end)
            text = f"{before}{start}\n{part()}\n\n{end}{after}"
    return text


def marks(name: str) -> tuple[str, str]:
    """The comments between which a generated part stands."""
    return f"<!-- {name} -->\n", f"<!-- end of {name} -->"


def main() -> None:
    """Writes the generated parts into the pages of the folder that is named."""
    for page in Path(sys.argv[1]).rglob("*.md"):
        page.write_text(updated(page.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
