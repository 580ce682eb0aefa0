"""DuckLakes that a benchmark writes, with their catalogues and files in different places."""

import os
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import boto3
import psycopg2

from campaign_monitor_assets.cli.cluster import services
from campaign_monitor_assets_tests.benchmarks.places import FILE, FilePlace, Place

KINDS: Final = {
    FILE: "DuckDB file",
    "embedded": "lake, all in a folder",
    "folder": "lake, PostgreSQL and a folder",
    "s3": "lake, PostgreSQL and S3",
}
"""The kinds of places, and what the results call them."""

_BUCKET: Final = "lake"
_PASSWORD, _KEY_ID, _SECRET = "PLACE_PASSWORD", "PLACE_KEY_ID", "PLACE_SECRET"


class Catalogue(ABC):
    """Where a lake's catalogue is."""

    settings: Mapping[str, Any]

    @abstractmethod
    def size(self) -> int:
        """Bytes."""

    @abstractmethod
    def keep(self) -> None:
        """Keeps what is there now."""

    @abstractmethod
    def back(self) -> None:
        """Makes it what was kept, or nothing."""


class Embedded(Catalogue):
    """A catalogue in a DuckDB file."""

    def __init__(self, path: Path) -> None:
        self._file = FilePlace(path)
        self.settings = {"database": f"ducklake:{path}"}

    def size(self) -> int:
        return self._file.stored()[0]

    def keep(self) -> None:
        self._file.keep()

    def back(self) -> None:
        self._file.back()


class InPostgres(Catalogue):
    """A catalogue in a database of PostgreSQL, which copies databases itself."""

    def __init__(self, server: services.Postgres, name: str) -> None:
        self._server, self._name, self._is_kept = server, name, False
        self.settings = {
            "database": f"ducklake:postgres:dbname={name} host={server.host} port={server.port}"
            f" user={server.user}",
            "database_password_variable": _PASSWORD,
        }

    def size(self) -> int:
        """Bytes beyond those of an empty database."""
        both = f"pg_database_size('{self._name}') - pg_database_size('template0')"
        return int(self._run(f"select {both}"))

    def keep(self) -> None:
        self._run(f"drop database if exists {self._name}_kept")
        self._run(f"create database {self._name}_kept template {self._name}")
        self._is_kept = True

    def back(self) -> None:
        self._run(f"drop database if exists {self._name} with (force)")
        template = f"{self._name}_kept" if self._is_kept else "template1"
        self._run(f"create database {self._name} template {template}")

    def _run(self, sql: str) -> Any:
        server = self._server
        connection = psycopg2.connect(
            host=server.host,
            port=server.port,
            user=server.user,
            password=server.password,
            dbname="postgres",
        )
        connection.autocommit = True
        with closing(connection), connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()[0][0] if cursor.description else None


class Files(ABC):
    """Where a lake's files are."""

    settings: Mapping[str, Any]

    @abstractmethod
    def sizes(self) -> Mapping[str, int]:
        """The bytes of each file."""

    @abstractmethod
    def remove(self, names: Sequence[str]) -> None:
        """Deletes files."""


class Folder(Files):
    """Files in a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.settings = {"data_path": str(path)}

    def sizes(self) -> Mapping[str, int]:
        files = (path for path in self._path.rglob("*") if path.is_file())
        return {str(path): path.stat().st_size for path in files}

    def remove(self, names: Sequence[str]) -> None:
        for name in names:
            Path(name).unlink()


class Bucket(Files):
    """Files on an S3 server."""

    def __init__(self, server: services.S3, prefix: str) -> None:
        self._prefix = f"{prefix}/"
        self._client = boto3.client(
            "s3",
            endpoint_url=f"http://{server.endpoint}",
            region_name="us-east-1",
            aws_access_key_id=server.key_id,
            aws_secret_access_key=server.secret,
        )
        self.settings = {
            "data_path": f"s3://{server.bucket}/{prefix}/",
            "s3": {
                "endpoint": server.endpoint,
                "url_style": "path",
                "use_ssl": False,
                "key_id_variable": _KEY_ID,
                "secret_variable": _SECRET,
            },
        }

    def sizes(self) -> Mapping[str, int]:
        pages = self._client.get_paginator("list_objects_v2")
        return {
            each["Key"]: each["Size"]
            for page in pages.paginate(Bucket=_BUCKET, Prefix=self._prefix)
            for each in page.get("Contents", [])
        }

    def remove(self, names: Sequence[str]) -> None:
        for name in names:
            self._client.delete_object(Bucket=_BUCKET, Key=name)


@dataclass
class LakePlace(Place):
    """A DuckLake. Its files never change, so that what is kept of them is their names."""

    catalogue: Catalogue
    files: Files
    _kept: frozenset[str] = field(default=frozenset())

    @property
    def settings(self) -> Mapping[str, Any]:
        return {**self.catalogue.settings, **self.files.settings}

    def stored(self) -> tuple[int, int]:
        sizes = self.files.sizes()
        return self.catalogue.size() + sum(sizes.values()), len(sizes)

    def keep(self) -> None:
        self.catalogue.keep()
        self._kept = frozenset(self.files.sizes())

    def back(self) -> None:
        self.catalogue.back()
        self.files.remove([name for name in self.files.sizes() if name not in self._kept])

    def remove(self) -> None:
        self.files.remove(list(self.files.sizes()))


@contextmanager
def places(kinds: Sequence[str], folder: Path) -> Iterator[Callable[[str], Place]]:
    """Makes empty places of these kinds, with the servers that they need for as long."""
    with ExitStack() as stack:
        environment = {}
        postgres = s3 = None
        if {"folder", "s3"} & set(kinds):
            postgres = stack.enter_context(services.postgres())
            environment[_PASSWORD] = postgres.password
        if "s3" in kinds:
            s3 = stack.enter_context(services.s3(_BUCKET))
            environment |= {_KEY_ID: s3.key_id, _SECRET: s3.secret}
        stack.enter_context(patch.dict(os.environ, environment))

        def make(kind: str) -> Place:
            name = f"{kind}_{uuid.uuid4().hex[:8]}"
            if kind == FILE:
                return FilePlace(folder / f"{name}.duckdb")
            catalogue: Catalogue = Embedded(folder / f"{name}.ducklake")
            files: Files = Folder(folder / f"{name}.files")
            if kind != "embedded":
                assert postgres is not None
                catalogue = InPostgres(postgres, name)
            if kind == "s3":
                assert s3 is not None
                files = Bucket(s3, name)
            place = LakePlace(catalogue, files)
            place.back()
            return place

        yield make
