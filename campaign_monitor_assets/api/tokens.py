"""OAuth tokens, and the private file in which the newest ones are kept.

The API gives a new refresh token with each renewal, and the one before may be used up. The
environment's variables stay as they are, so what was renewed is kept here: by a hash of the refresh
token of the environment that it descends from. A variable that is set anew has another hash.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import filelock
import msgspec
import platformdirs

from campaign_monitor_assets.errors import ConfigurationError

_FILE_NAME: Final = "campaign_monitor_tokens.json"
_LOCK_SECONDS: Final = 120.0


class Tokens(msgspec.Struct, frozen=True):
    """An access token, and what renews it."""

    access_token: str
    refresh_token: str | None = None


def default_token_file() -> Path:
    """Where tokens are kept: in Dagster's home, or in the user's state folder."""
    home = os.environ.get("DAGSTER_HOME")
    folder = Path(home) if home else platformdirs.user_state_path("campaign_monitor_assets")
    return folder.expanduser().absolute() / _FILE_NAME


@dataclass(frozen=True)
class TokenFile:
    """A file that only its owner can read, for the tokens of any number of accounts."""

    path: Path

    def read(self, origin: str) -> Tokens | None:
        """The newest tokens that descend from a refresh token; None where there are none."""
        return self._read_all().get(_fingerprint(origin))

    def write(self, origin: str, tokens: Tokens) -> None:
        """Keeps tokens in one step; to be called under the lock.

        Raises:
            ConfigurationError: The file can't be written.
        """
        kept = self._read_all() | {_fingerprint(origin): tokens}
        try:
            # Made with mode 0600.
            descriptor, fresh = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(msgspec.json.encode(kept))
                    file.flush()
                    os.fsync(file.fileno())
                Path(fresh).replace(self.path)
            except BaseException:
                Path(fresh).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise self._refused(error) from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes from renewing meanwhile.

        Raises:
            ConfigurationError: The file can't be written, or another process holds it for long.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = filelock.FileLock(f"{self.path}.lock", timeout=_LOCK_SECONDS, mode=0o600)
            lock.acquire()
        except filelock.Timeout:
            raise ConfigurationError(
                f"Another process has kept {self.path}.lock for {_LOCK_SECONDS:g} s to renew the"
                " OAuth token. End it, or run again later."
            ) from None
        except OSError as error:
            raise self._refused(error) from None
        try:
            if not os.access(self.path.parent, os.W_OK):
                raise self._refused(PermissionError(0, "no permission to write there"))
            yield
        finally:
            lock.release()

    def _read_all(self) -> dict[str, Tokens]:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=dict[str, Tokens])
        except (FileNotFoundError, msgspec.DecodeError):
            # None yet, or a file that something else has written over.
            return {}
        except OSError as error:
            raise self._refused(error) from None

    def _refused(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"The OAuth tokens can't be kept in {self.path}: {error.strerror}. A renewal uses the"
            " refresh token up, so there is none without a place for the new one. Set"
            " CAMPAIGN_MONITOR_TOKEN_FILE to a file in a folder that you may write to."
        )


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
