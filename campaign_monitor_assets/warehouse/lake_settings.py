"""Where a DuckLake is: its catalogue, its files, and the secrets of both."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from campaign_monitor_assets.errors import ConfigurationError
from campaign_monitor_assets.paths import absolute

PREFIX: Final = "ducklake:"
_POSTGRES: Final = "postgres:"
_S3: Final = "s3://"
_PATIENCE: Final = {
    # Seconds to be let in; then those after which a silent connection is tried, again and again.
    "connect_timeout": 30,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    # Milliseconds in which what was sent has to arrive.
    "tcp_user_timeout": 60_000,
}
"""How long PostgreSQL is waited for, as libpq takes it: by itself it would wait for hours."""
_OTHER_CATALOGUE: Final = re.compile(r"(?!postgres:)[A-Za-z][A-Za-z0-9+.-]+:")
_VARIABLE: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"
_Variable = Annotated[str, Field(pattern=_VARIABLE)]


class S3Settings(BaseModel):
    """How S3-compatible storage is reached; secrets by the names of environment variables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str | None = Field(
        default=None,
        min_length=1,
        description="Host and port, such as minio:9000; by default Amazon's.",
    )
    region: str | None = Field(
        default=None,
        min_length=1,
        description="The bucket's region; by default that of AWS_REGION, or us-east-1.",
    )
    url_style: str = Field(
        default="vhost",
        pattern="^(vhost|path)$",
        description="vhost, or path for most other storage than Amazon's.",
    )
    use_ssl: bool = Field(default=True, description="Whether the endpoint speaks HTTPS.")
    key_id_variable: _Variable = Field(
        default="AWS_ACCESS_KEY_ID",
        description="Name of the environment variable with the access key's ID.",
    )
    secret_variable: _Variable = Field(
        default="AWS_SECRET_ACCESS_KEY",
        description="Name of the environment variable with the secret access key.",
    )
    session_token_variable: _Variable = Field(
        default="AWS_SESSION_TOKEN",
        description="Name of the environment variable with a session token, if one is needed.",
    )


@dataclass(frozen=True, kw_only=True)
class Lake:
    """Where a DuckLake is.

    Attributes:
        catalogue: The path of an embedded catalogue, or how PostgreSQL is reached
            (`postgres:dbname=…`), without a password.
        data_path: The folder of its Parquet files, or their place on S3; None: beside an embedded
            catalogue, where DuckLake puts it by itself.
        secrets: The options of DuckDB's secrets, by their kind: `postgres` and `s3`.
    """

    catalogue: Path | str
    data_path: str | None
    secrets: Mapping[str, Mapping[str, str | bool]] = field(repr=False)

    @property
    def address(self) -> str:
        """What DuckDB attaches."""
        return f"{PREFIX}{self.catalogue}{self._patience}"

    @property
    def _patience(self) -> str:
        """How long PostgreSQL is waited for, as far as the address doesn't say it."""
        if self.file is not None:
            return ""
        said = f"{self.catalogue}"
        missing = [
            f"{name}={value}"
            for name, value in _PATIENCE.items()
            if not re.search(rf"\b{name}\s*=", said)
        ]
        if not missing:
            return ""
        if "://" not in said:
            return f" {' '.join(missing)}"
        return f"{'&' if '?' in said else '?'}{'&'.join(missing)}"

    @property
    def file(self) -> Path | None:
        """The file of an embedded catalogue."""
        return self.catalogue if isinstance(self.catalogue, Path) else None

    @property
    def hidden(self) -> tuple[str, ...]:
        """What no text may repeat."""
        return tuple(
            value
            for options in self.secrets.values()
            for name, value in options.items()
            if isinstance(value, str) and name in {"password", "secret", "key_id", "session_token"}
        )


def is_lake(database: str) -> bool:
    """Whether a setting means a DuckLake."""
    return database.strip().lower().startswith(PREFIX)


def lake_of(
    database: str,
    data_path: str | None,
    *,
    password_variable: str | None,
    s3: Mapping[str, Any],
    environment: Mapping[str, str] | None,
) -> Lake:
    """Where the DuckLake of a setting is.

    Args:
        database: `ducklake:` with the path of an embedded catalogue, or `ducklake:postgres:` with
            PostgreSQL's `dbname=… host=…`.
        data_path: The folder of its files, or their place on S3.
        password_variable: The variable with PostgreSQL's password; None: there is none, or
            PostgreSQL's own PGPASSWORD or .pgpass has it.
        s3: What `S3Settings` takes.
        environment: Where the secrets are; None: they are not looked up.

    Raises:
        ConfigurationError: One of them is not accepted, or a secret is missing.
    """
    catalogue = _catalogue_of(database.strip()[len(PREFIX) :].strip())
    secrets: dict[str, Mapping[str, str | bool]] = {}
    if isinstance(catalogue, str):
        if data_path is None:
            raise ConfigurationError(
                "data_path: a DuckLake with its catalogue in PostgreSQL needs one. Allowed: a"
                " folder that every machine reaches, or s3://bucket/prefix/."
            )
        if password_variable is not None and environment is not None:
            setting = "database_password_variable"
            password = _from_environment(environment, password_variable, setting)
            secrets["postgres"] = {"password": password}
    files = None if data_path is None else _checked_files(data_path)
    storage = _s3_settings(s3)
    if files is not None and files.startswith(_S3) and environment is not None:
        secrets["s3"] = _s3_secret(storage, environment)
    return Lake(catalogue=catalogue, data_path=files, secrets=secrets)


def _catalogue_of(given: str) -> Path | str:
    if given.lower().startswith(_POSTGRES):
        return f"{_POSTGRES}{_checked_connection(given[len(_POSTGRES) :])}"
    if not given or _OTHER_CATALOGUE.match(given):
        raise ConfigurationError(
            f"database: '{PREFIX}{given.partition(':')[0]}…' is not accepted. Allowed:"
            " ducklake:some.ducklake, an embedded catalogue for one machine, or"
            " ducklake:postgres:dbname=… host=…"
        )
    return absolute(given, "database")


def _checked_files(given: str) -> str:
    """The place of a lake's files, with a slash at its end."""
    if given.lower().startswith(_S3):
        return f"{_S3}{given[len(_S3) :].rstrip('/')}/"
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", given):
        raise ConfigurationError(
            f"data_path: {given!r} is not accepted. Allowed: a folder, or s3://bucket/prefix/ (with"
            " `s3: {endpoint: …}` for other storage than Amazon's)."
        )
    return f"{absolute(given, 'data_path')}/"


def _checked_connection(given: str) -> str:
    if not re.search(r"\bdbname\s*=|^postgres(ql)?://", given):
        raise ConfigurationError(
            "database: ducklake:postgres: lacks its database. Allowed:"
            " ducklake:postgres:dbname=… host=… port=… user=…, as libpq takes them."
        )
    if re.search(r"\bpassword\s*=|://[^/@]*:[^/@]*@", given):
        raise ConfigurationError(
            "database: it holds a password, which would stand in files and logs. Put it into an"
            " environment variable, and name that: `database_password_variable: LAKE_PASSWORD`."
        )
    return given


def _s3_settings(given: Mapping[str, Any]) -> S3Settings:
    try:
        return S3Settings(**given)
    except ValidationError as error:
        raise ConfigurationError(f"s3: {_first_problem(error)}") from None


def _s3_secret(settings: S3Settings, environment: Mapping[str, str]) -> dict[str, str | bool]:
    found: dict[str, str | bool] = {
        "key_id": _from_environment(environment, settings.key_id_variable, "s3.key_id_variable"),
        "secret": _from_environment(environment, settings.secret_variable, "s3.secret_variable"),
        "url_style": settings.url_style,
        "use_ssl": settings.use_ssl,
        "region": settings.region or environment.get("AWS_REGION") or "us-east-1",
    }
    if token := environment.get(settings.session_token_variable):
        found["session_token"] = token
    if settings.endpoint is not None:
        found["endpoint"] = settings.endpoint
    return found


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_input=False)[0]
    return (
        f"{'.'.join(map(str, problem['loc']))} is not accepted: {problem['msg']}. Allowed:"
        f" {', '.join(S3Settings.model_fields)}."
    )


def _from_environment(environment: Mapping[str, str], variable: str, setting: str) -> str:
    value = environment.get(variable)
    if not value:
        raise ConfigurationError(
            f"{setting}: the environment variable {variable} is not set. Set it, or name another"
            " one."
        )
    return value
