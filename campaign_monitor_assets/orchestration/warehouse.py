"""The warehouse resource: the DuckDB file that assets, checks, views and the IO manager share."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import dagster as dg
import duckdb
from dagster_duckdb import DuckDBResource
from pydantic import Field, PrivateAttr, ValidationError

from campaign_monitor_assets.errors import ConfigurationError, DatabaseError
from campaign_monitor_assets.orchestration.metadata import CLEANED
from campaign_monitor_assets.paths import absolute
from campaign_monitor_assets.warehouse.copy import publish_copy
from campaign_monitor_assets.warehouse.forget import forget
from campaign_monitor_assets.warehouse.maintenance import leave_nothing
from campaign_monitor_assets.warehouse.privacy import Privacy
from campaign_monitor_assets.warehouse.privacy_settings import PrivacySettings
from campaign_monitor_assets.warehouse.settings import PublishSettings, WarehouseSettings
from campaign_monitor_assets.warehouse.target import Database


class WarehouseResource(WarehouseSettings, DuckDBResource):
    """A DuckDB file, as dagster-duckdb's resource, with the settings of this package.

    The file is open only as long as a connection is needed, and waited for while another process
    has it open.
    """

    privacy: dict[str, Any] = Field(
        default={},
        description="What becomes of personal data, as the component's attribute privacy: preset,"
        " columns, keep_custom_fields, email_domain and hash_key_variable.",
    )

    _has_written: bool = PrivateAttr(default=False)

    @property
    def resolved_privacy(self) -> Privacy:
        """What becomes of personal data; the key of hashes is in the environment.

        Raises:
            ConfigurationError: It is not accepted, or there is no key.
        """
        try:
            return PrivacySettings(**self.privacy).resolve(os.environ)
        except ValidationError as error:
            raise ConfigurationError(f"privacy: {error}") from None

    def publish_settings(self, table: str) -> PublishSettings:
        """How the snapshots of a table are published.

        Raises:
            ConfigurationError: What is said of privacy is not accepted.
        """
        return replace(super().publish_settings(table), privacy=self.resolved_privacy)

    def note_written(self) -> None:
        """Notes that something was committed, so that a copy is due at the end of the run."""
        self._has_written = True

    def rewrite_where_cleaned(
        self, metadata: Mapping[str, Any], warn: Callable[[str], None]
    ) -> None:
        """Writes the file anew after a snapshot where bytes of what was removed may be left."""
        if CLEANED not in metadata:
            return
        target = self.target
        warn(
            "What was stored before was brought under the setting privacy, or somebody was"
            f" forgotten. The {target.label} is written anew, so that nothing of it stays in"
            " there."
        )
        leave_nothing(target, warn)

    def forget(
        self, schema: str, addresses: Sequence[str], warn: Callable[[str], None]
    ) -> list[str]:
        """Removes people from all that is stored of an account, and makes the copy anew.

        Args:
            schema: The schema of the account's snapshots.
            addresses: Their e-mail addresses.
            warn: Told of waiting for the file.

        Returns:
            What was done and what can't be reached, without any address.

        Raises:
            CampaignMonitorError: They can't be removed.
        """
        said = forget(self.target, schema, addresses, self.resolved_privacy, warn).lines()
        if self.publish_copy is not None:
            self._publish_copy(self.publish_copy, warn)
            said.insert(-1, f"The copy {self.publish_copy} was made anew.")
        return said

    def _publish_copy(self, copy: str, warn: Callable[[str], None]) -> None:
        publish_copy(self.target, absolute(copy, "publish_copy"), warn)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Publishes the copy when a run ends, or a step that runs in a process of its own."""
        if self.publish_copy is None or not self._has_written:
            return
        warn = context.log.warning if context.log else print
        try:
            self._publish_copy(self.publish_copy, warn)
        except DatabaseError as error:
            # The tables arrived all the same.
            warn(str(error))

    @property
    def target(self) -> Database:
        """The DuckDB file with its settings."""
        return Database.of(self)

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection in one transaction: committed at the end, undone at an exception.

        Raises:
            DatabaseError: The file can't be opened, or another process has it for too long.
        """
        with self.target.connect() as connection:
            yield connection
