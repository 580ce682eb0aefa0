"""A DuckLake: its catalogue in PostgreSQL or in a file, its rows as Parquet files."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.warehouse.extensions import load_extension
from campaign_monitor_assets.warehouse.file import make_folder, only_here
from campaign_monitor_assets.warehouse.instance import Instance
from campaign_monitor_assets.warehouse.lake_options import (
    beside_others,
    fit_row_groups,
    note_options,
    noted_row_groups,
)
from campaign_monitor_assets.warehouse.lake_settings import Lake
from campaign_monitor_assets.warehouse.memory import Memory, Rows, apply, row_group_rows
from campaign_monitor_assets.warehouse.opening import NotThereError, Opening
from campaign_monitor_assets.warehouse.private import private_files
from campaign_monitor_assets.warehouse.quoting import identifier, literal

_NOT_THERE: Final = "creating a new DuckLake is explicitly disabled"
_LARGEST_UPLOAD: Final = "50GB"
"""DuckDB sizes the parts of an upload for the largest file: for its 800 GB they take 80 MB each,
several at a time."""
_ROW_GROUP_SHARE: Final = 16
"""Each thread that reads has a row group as it comes from the storage beside what DuckDB counts,
and each that writes one as it is compressed."""
_GIVEN_BACK: Final = {"allocator_flush_threshold": "1MB"}
"""By default DuckDB keeps up to 128 MB that it needs no more, and the extensions take 50 MB more
than a file does."""
_OF_EXTENSIONS: Final = re.compile(r"http_(?!logging|proxy)|httpfs_|s3_|pg_|ducklake_")
"""How the settings begin that DuckDB has only with an extension."""


@dataclass(frozen=True, kw_only=True)
class LakeOpening(Opening):
    """How a DuckLake is opened.

    Attributes:
        lake: Where it is.
    """

    lake: Lake

    @property
    def label(self) -> str:
        """What people call it."""
        return f"DuckLake {self.lake.catalogue}"

    @property
    def key(self) -> str:
        """What tells its instance of DuckDB from those of others, and of other settings."""
        return f"{self.label} {self._settings_of_extensions}"

    @property
    def file(self) -> Path | None:
        """The file of an embedded catalogue."""
        return self.lake.file

    @property
    def stays_attached(self) -> bool:
        """PostgreSQL lets others in meanwhile; the file of an embedded catalogue is locked."""
        return self.file is None

    @property
    def spill(self) -> Path:
        """A folder beside an embedded catalogue, otherwise one of the process's own."""
        if self.file is not None:
            return Path(f"{self.file}.tmp")
        return local_folder(self.label) / f"{os.getpid()}.tmp"

    @property
    def settings(self) -> dict[str, Any]:
        """DuckDB's configuration, without what only its extensions know."""
        return {
            name: value
            for name, value in (_GIVEN_BACK | super().settings).items()
            if not _OF_EXTENSIONS.match(name)
        }

    def exists(self) -> bool:
        """Whether it has been made already.

        Raises:
            DatabaseError: Its catalogue can't be reached.
        """
        if self.file is not None and not self.file.exists():
            return False
        try:
            with self.use(lambda _: None, read_only=True):
                return True
        except NotThereError:
            return False

    @private_files()
    def attach(self, instance: Instance, *, read_only: bool, rows: Rows) -> Memory:
        """Attaches the lake to an instance, unless it is attached already."""
        memory = apply(instance.connection, instance.defaults, self.memory_limit, self.threads)
        if not instance.is_attached:
            self._attach_first(instance, read_only=read_only)
        if not read_only:
            fit_row_groups(instance, row_group_rows(memory.limit, rows, _ROW_GROUP_SHARE))
        return memory

    def _attach_first(self, instance: Instance, *, read_only: bool) -> None:
        connection = instance.connection
        for extension in self._extensions:
            load_extension(connection, extension)
        for kind, options in self.lake.secrets.items():
            self._make_secret(connection, kind, options)
        for name, value in self._settings_of_extensions.items():
            # Of the connection alone, those that are made from it would not have it.
            connection.execute(f"set global {identifier(name)} = {literal(str(value))}")
        try:
            self._attach(instance, read_only=read_only)
        except duckdb.Error as error:
            if _NOT_THERE in str(error):
                raise NotThereError(self.label) from None
            raise self._hidden(error) from None

    @property
    def _extensions(self) -> Iterator[str]:
        """What DuckDB has to load for it."""
        yield "ducklake"
        if self.file is None:
            yield "postgres_scanner"
        if "s3" in self.lake.secrets:
            yield "httpfs"

    @property
    def _settings_of_extensions(self) -> dict[str, Any]:
        """What its extensions are told."""
        ours = {"s3_uploader_max_filesize": _LARGEST_UPLOAD} if "s3" in self.lake.secrets else {}
        said = {name: value for name, value in self.config.items() if _OF_EXTENSIONS.match(name)}
        return ours | said

    def _attach(self, instance: Instance, *, read_only: bool) -> None:
        # DuckLake would put a few rows into PostgreSQL's own tables, where it loses quotation marks
        # and backslashes inside of STRUCTs.
        options = ["data_inlining_row_limit 0"]
        if self.lake.data_path is not None:
            options.append(f"data_path {literal(self.lake.data_path)}")
        if "postgres" in self.lake.secrets:
            options.append("meta_secret 'of_postgres'")
        if read_only:
            options.append("create_if_not_exists false")
        if self.file is None:
            beside_others(lambda: instance.attach(self.lake.address, options))
        else:
            make_folder(self.file, self)
            # Where half a commit is in its log, DuckDB before 2 leaves empty texts in the place of
            # NULL in what is written like this, and DuckLake can't read such bounds of columns.
            # Said in the configuration, it would be ignored.
            instance.connection.execute("set disabled_compression_methods = 'dict_fsst'")
            with only_here(self.file, read_only=read_only):
                instance.attach(self.lake.address, options)
        if not read_only:
            note_options(instance.connection)
            instance.row_group_rows = noted_row_groups(instance.connection)

    def _make_secret(
        self,
        connection: duckdb.DuckDBPyConnection,
        kind: str,
        options: Mapping[str, str | bool],
    ) -> None:
        said = ", ".join(
            f"{name} {literal(value) if isinstance(value, str) else str(value).lower()}"
            for name, value in options.items()
        )
        try:
            connection.execute(f"create or replace secret of_{kind} (type {kind}, {said})")
        except duckdb.Error as error:
            raise self._hidden(error) from None

    def refused(self, error: Exception) -> DatabaseError:
        """What is said of a lake that can't be opened or read."""
        said = self.without_secrets(error)
        if self._is_of_files(error):
            return DatabaseError(f"The {self.label} can't be read: {said}.", self._look_at_files)
        return DatabaseError(
            f"The {self.label} can't be opened: {said}.",
            "look whether its catalogue runs and can be reached from here, and whether `database`,"
            " `data_path`, the user and the password are right; then run it again.",
        )

    def not_written(self, error: Exception) -> DatabaseError:
        """What is said of a lake that can't be written."""
        unless, todo = "", self._look_at_files
        if not self._is_of_files(error):
            todo = (
                f"look whether its catalogue and its files ({self._place}) can be reached and have"
                " room; then run it again."
            )
            if self.file is None:
                # One that is gone as it commits has done so or not, and nobody is there to say.
                unless = ", unless PostgreSQL was lost in the midst of the commit: `sync_log` tells"
        return DatabaseError(
            f"The {self.label} could not be written: {self.without_secrets(error)}. What it held"
            f" before is unchanged{unless}.",
            todo,
        )

    def _is_of_files(self, error: Exception) -> bool:
        """Whether the lake's files, or the storage that has them, brought an error about."""
        return " HTTP " in str(error) or self._place in str(error)

    @property
    def _place(self) -> str:
        """Where its files are."""
        return self.lake.data_path or f"{self.file}.files/"

    @property
    def _look_at_files(self) -> str:
        """What to do where its files can't be read or written."""
        key = ", whether the key that `s3` names may read and write there" * (
            "s3" in self.lake.secrets
        )
        return (
            f"look whether {self._place} is there and can be reached from here{key}, and whether it"
            " has room; then run it again."
        )

    def require_writable(self) -> None:
        """Tries the lake before anything is fetched for it.

        Raises:
            DatabaseError: It can't be opened.
        """
        with self.use(lambda _: None, read_only=False):
            return

    def without_secrets(self, error: Exception) -> str:
        """What an error says, on one line, without what is hidden."""
        said = " ".join(str(error).split())
        for value in self.lake.hidden:
            said = said.replace(value, "…")
        return said

    def _hidden(self, error: duckdb.Error) -> duckdb.Error:
        return type(error)(self.without_secrets(error))


def local_folder(name: str) -> Path:
    """A folder of the machine's own for what concerns a lake: nothing of it is shared."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    return Path(tempfile.gettempdir()) / f"campaign_monitor_assets-{user}" / digest
