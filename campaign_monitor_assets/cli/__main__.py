"""Reads the command line, calls the command, and prints an expected error as one sentence."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console

from campaign_monitor_assets import __version__
from campaign_monitor_assets.cli import commands
from campaign_monitor_assets.cli.env_file import use_env_file
from campaign_monitor_assets.errors import CampaignMonitorError
from campaign_monitor_assets.orchestration import CONFIG_VARIABLE
from campaign_monitor_assets.warehouse.interrupts import was_interrupted

_CONFIG: Final = click.option(
    "--config",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    expose_value=False,
    callback=lambda _, __, file: _use_config(file),
    help="A defs.yaml of your own in the place of the built-in one.",
)
_SELECT: Final = click.option(
    "--select",
    metavar="SELECTION",
    help="Only some assets, in Dagster's syntax, such as 'key:\"*/lists\"+' or group:lists.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: The command line; that of the process by default.

    Returns:
        The exit status: 1 where a table or a check failed, or a setting is not accepted; 2 where
        the command line is not.
    """
    console = _console()
    try:
        status = program.main(arguments, "campaign-monitor", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except CampaignMonitorError as error:
        console.print(f"[red]{type(error).__name__}[/]: ", end="")
        console.print(str(error), markup=False)
        return 1
    except (KeyboardInterrupt, click.Abort):
        return _stopped(console)
    except RuntimeError as error:
        if was_interrupted(error):
            return _stopped(console)
        raise
    return int(status or 0)


def _stopped(console: Console) -> int:
    console.print("Stopped.")
    return 130


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="The account's key is read from CAMPAIGN_MONITOR_API_KEY, unless the configuration names"
    " another variable.",
)
@click.version_option(__version__, "-V", "--version")
@_CONFIG
def program() -> None:
    """Brings a Campaign Monitor account into DuckDB."""


def _command(
    run: Callable[..., int], *options: Callable[[Callable[..., int]], Callable[..., int]]
) -> None:
    """Adds a command that is called as its function, and told in the words of its docstring."""

    def call(**given: Any) -> int:
        if _CONFIG in options:
            use_env_file()
        return run(_console(), **given)

    call.__doc__ = run.__doc__
    for option in options:
        call = option(call)
    program.command(run.__name__.replace("_", "-"))(call)


_command(commands.demo, _SELECT)
_command(commands.cluster_demo)
_command(commands.sync, _SELECT, _CONFIG)
_command(commands.check, _CONFIG)
_command(
    commands.dev,
    click.option(
        "--port",
        metavar="PORT",
        type=click.IntRange(1, 65535),
        help="The UI's port; by default 3000, or a free one where that is taken.",
    ),
    _CONFIG,
)
_command(
    commands.report,
    click.option(
        "--target",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path("data/report.html"),
        show_default=True,
        help="Where the page goes.",
    ),
    _CONFIG,
)
_command(commands.doctor, _CONFIG)
_command(commands.compact, _CONFIG)
_command(commands.maintain, _CONFIG)
_command(
    commands.move,
    click.option(
        "--from",
        "source",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        required=True,
        help="The DuckDB file, which stays as it is.",
    ),
    _CONFIG,
)
_command(commands.forget, _CONFIG)


def _use_config(file: str | None) -> None:
    if file is not None:
        # What loads the definitions may be another process, such as a code server.
        os.environ[CONFIG_VARIABLE] = file


def _console() -> Console:
    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


if __name__ == "__main__":
    sys.exit(main())
