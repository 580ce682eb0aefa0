"""The job that forgets people.

Dagster keeps a run's config for as long as the run, and shows it to everybody who sees the run. So
the config names a file in which the addresses stand, which is deleted once they are forgotten.
"""

import os
import stat
from pathlib import Path
from typing import Final

import dagster as dg
from pydantic import Field

from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.orchestration.account import Account
from campaign_monitor_assets.orchestration.failing import telling_dagster
from campaign_monitor_assets.orchestration.warehouse import WarehouseResource
from campaign_monitor_assets.paths import absolute

MOST_ADDRESSES: Final = 10_000
"""Addresses of a file. A million rows are searched for so many in some ten minutes."""

_LONGEST_LINE: Final = 400
"""Bytes. No address has as many."""


class ForgetConfig(dg.Config):
    """Whom to forget."""

    address_file: str = Field(
        description="Path of a file with e-mail addresses, one a line, that only its owner can read"
        " (chmod 600). It is deleted once they are forgotten. The addresses themselves must not"
        " stand here, since Dagster keeps a run's config."
    )


def build_forget_job(account: Account) -> dg.JobDefinition:
    """The job of one account."""
    name = f"{account.name}_forget"

    @dg.op(name=f"{name}_op", required_resource_keys={account.warehouse}, pool=account.pool)
    @telling_dagster(name)
    def forget_people(context: dg.OpExecutionContext, config: ForgetConfig) -> None:
        """Removes people from tables, histories and trials, and writes the DuckDB file anew."""
        warehouse: WarehouseResource = getattr(context.resources, account.warehouse)
        file = absolute(config.address_file, "address_file")
        addresses = _addresses(file)
        for line in warehouse.forget(account.schema, addresses, context.log.warning):
            context.log.info(line)
        file.unlink()
        context.log.info(f"The file with the addresses ({len(addresses)}) was deleted.")

    return account.job_of_op(
        forget_people,
        name,
        "Forgets people: removes their addresses from every table, history and trial of the"
        " account, and their bytes from the DuckDB file.",
    )


def _addresses(file: Path) -> list[str]:
    """The addresses in a private file.

    Raises:
        ConfigurationError: It can't be read, others can read it, or it holds none.
    """
    if "@" in str(file):
        raise ConfigurationError(
            "address_file: it takes the path of a file in which addresses stand, not an address."
            " Dagster keeps what was given there: delete the run."
        )
    try:
        status = file.stat()
        if status.st_size > MOST_ADDRESSES * _LONGEST_LINE:
            raise _too_many(file, f"it has {status.st_size} bytes")
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise ConfigurationError(f"address_file: {file} can't be read: {why}.") from None
    if os.name != "nt" and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(
            f"address_file: other users of this machine can read {file}. Allowed: a file of its"
            f" owner alone, as `chmod 600 {file}` makes it."
        )
    found = [line.strip() for line in lines if line.strip()]
    if not found:
        raise ConfigurationError(f"address_file: {file} is empty. Allowed: addresses, one a line.")
    if len(found) > MOST_ADDRESSES:
        raise _too_many(file, f"it holds {len(found)}")
    return found


def _too_many(file: Path, got: str) -> ConfigurationError:
    return ConfigurationError(
        f"address_file: {file} holds too many addresses: {got}. Allowed: {MOST_ADDRESSES} addresses"
        " a file. Forget the others by a further run, with a file of their own."
    )
