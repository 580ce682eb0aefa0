"""Run the sandbox: `python -m campaign_monitor_assets.sandbox`."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from .account import Size
from .api import Api
from .build import Bulk, build_account, build_bulk_account
from .faults import Faults, parse_rules
from .server import BASE, Server


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m campaign_monitor_assets.sandbox",
        description="An imitation of the Campaign Monitor API, over HTTP on this machine.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=0, help="port to listen on; 0: any free one")
    add("--key", default="sandbox-account-key", help="API key of the account")
    add("--seed", type=int, default=1, help="what chance starts from")
    add(
        "--today",
        type=date.fromisoformat,
        default=datetime.now().astimezone().date(),
        metavar="YYYY-MM-DD",
        help="the account's day, of which it is noon there (default: this machine's)",
    )
    add("--clients", type=int, default=3, help="clients")
    add("--lists", type=int, default=10, help="lists, of all clients together")
    add("--subscribers", type=int, help="active subscribers on each list (default: varied)")
    add("--campaigns", type=int, default=25, help="sent campaigns, of all clients together")
    add("--bulk", type=Bulk.parse, metavar="LISTSxSUBSCRIBERS[xCLIENTS]", help="benchmark account")
    add("--latency", type=float, default=0.0, help="seconds before each answer")
    add("--rate", type=int, default=0, help="requests a second before 429; 0: no limit")
    add("--reticent", action="store_true", help="tell of the limit only where it refuses")
    add("--gzip", action="store_true", help="compress answers for those who accept it")
    add("--non-agency", action="store_true", help="an account without clients and admins paths")
    add("--faults", type=Path, help="JSON file of fault rules")
    add("--ready-file", type=Path, help="file to write the URL to when ready")
    add("--exit-with-parent", type=int, metavar="PID", help="exit when this parent is gone")
    return parser.parse_args(arguments)


def server_of(chosen: argparse.Namespace) -> Server:
    """The server that the options describe."""
    faults = Faults(parse_rules(chosen.faults.read_bytes()) if chosen.faults else ())
    size = Size(
        chosen.seed,
        chosen.today,
        chosen.clients,
        chosen.lists,
        chosen.subscribers,
        chosen.campaigns,
    )
    account = build_bulk_account(size, chosen.bulk) if chosen.bulk else build_account(size)
    api = Api(account, chosen.key, agency=not chosen.non_agency)
    return Server(
        api, faults, chosen.latency, chosen.rate, gzip=chosen.gzip, reticent=chosen.reticent
    )


async def serve(chosen: argparse.Namespace) -> None:
    """Serve until a signal comes or the parent goes."""
    server = await server_of(chosen).start(chosen.host, chosen.port)
    host, port = server.sockets[0].getsockname()[:2]
    url = f"http://{host}:{port}{BASE}"
    if chosen.ready_file:
        chosen.ready_file.write_text(url)
    print(f"sandbox ready at {url}", flush=True)  # noqa: T201 - the parent waits for this line
    if chosen.exit_with_parent is None:
        said = f"export CAMPAIGN_MONITOR_BASE_URL={url} CAMPAIGN_MONITOR_API_KEY={chosen.key}"
        print(said, flush=True)  # noqa: T201 - a person started it, and may want to read it
    done, loop = asyncio.Event(), asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        # The loop's own way, add_signal_handler, is missing on Windows.
        signal.signal(each, lambda *_: loop.call_soon_threadsafe(done.set))
    # Polling is the one way that works however the parent ends.
    while not done.is_set() and chosen.exit_with_parent in (None, os.getppid()):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), 0.5)
    server.close()


def main() -> int:
    """Run the sandbox as a process of its own."""
    asyncio.run(serve(options()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
