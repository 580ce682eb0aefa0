"""Reads the command line, calls the command, and prints an expected error as one sentence."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from campaign_monitor_assets.cli.commands import COMMANDS
from campaign_monitor_assets.errors import CampaignMonitorError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: The command line; that of the process by default.

    Returns:
        The exit status: 1 where a table or a check failed, or a setting is not accepted.
    """
    options = _parser().parse_args(arguments)
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    try:
        return COMMANDS[options.command](options, console)
    except CampaignMonitorError as error:
        console.print(f"[red]{type(error).__name__}[/]: ", end="")
        console.print(str(error), markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="campaign_monitor_assets", description="Brings a Campaign Monitor account into DuckDB."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    added = {
        name: commands.add_parser(name, help=help_)
        for name, help_ in (
            ("demo", "bring the demo account into DuckDB and leave nothing running"),
            ("sync", "bring the account of CAMPAIGN_MONITOR_API_KEY into DuckDB"),
            ("check", "say whether the credentials work and what the first sync will cost"),
            ("dev", "open Dagster's UI on the account, or on the demo where no key is set"),
            ("report", "write an HTML report of what is in DuckDB"),
            ("compact", "write the DuckDB file anew, without the room of what was deleted"),
            ("forget", "remove a person from all that is stored; asks for the e-mail address"),
        )
    }
    for name in ("demo", "sync"):
        added[name].add_argument(
            "--select", help="an asset selection of Dagster's, such as 'key:*/lists+'"
        )
    added["dev"].add_argument("--port", type=int, help="the port of the UI; 3000 by default")
    added["report"].add_argument("--target", type=Path, default=Path("data/report.html"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
