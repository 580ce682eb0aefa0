"""OAuth tokens, and the private file in which the newest ones are kept.

The API gives a new refresh token with each renewal, and the one before may be used up. The
environment's variables stay as they are, so what was renewed is kept here: by a hash of the refresh
token of the environment that it descends from. A variable that is set anew has another hash.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import filelock
import msgspec
import platformdirs

from campaign_monitor_assets.errors import ConfigurationError, RequestCancelledError
from campaign_monitor_assets.paths import absolute

_FILE_NAME: Final = "campaign_monitor_tokens.json"
_LOCK_SECONDS: Final = 120.0
_SECONDS_BETWEEN_LOOKS: Final = 0.5
_MALFORMED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Tokens(msgspec.Struct, frozen=True):
    """An access token, and what renews it."""

    access_token: str
    refresh_token: str | None = None


def default_token_file() -> Path:
    """Where tokens are kept: in Dagster's home, or in the user's state folder."""
    home = os.environ.get("DAGSTER_HOME")
    folder = home or platformdirs.user_state_dir("campaign_monitor_assets")
    return absolute(folder, "The folder of OAuth tokens") / _FILE_NAME


@dataclass(frozen=True)
class Wait:
    """How waiting is told and ended.

    Attributes:
        warn: Told what is waited for.
        is_over: Whether nobody waits any more.
    """

    warn: Callable[[str], None]
    is_over: Callable[[], bool]


@dataclass(frozen=True)
class TokenFile:
    """A file that only its owner can read, for the tokens of any number of accounts."""

    path: Path

    def read(self, origin: str) -> Tokens | None:
        """The newest tokens that descend from a refresh token; None where there are none."""
        return _tokens((self._entries() or {}).get(_fingerprint(origin)))

    def write(self, origin: str, tokens: Tokens) -> None:
        """Keeps tokens in one step; to be called under the lock.

        Raises:
            ConfigurationError: The file can't be written.
        """
        # What others keep there stays as it is, whatever it is.
        entry = msgspec.Raw(msgspec.json.encode(tokens))
        self._write((self._entries() or {}) | {_fingerprint(origin): entry})

    def set_aside_if_corrupt(self, origin: str, warn: Callable[[str], None]) -> None:
        """Moves a file that can't be read to another name; to be called under the lock.

        Args:
            origin: The refresh token whose descendants are looked for.
            warn: Told where the file is now.

        Raises:
            ConfigurationError: The file can't be moved.
        """
        entries = self._entries()
        own = None if entries is None else entries.pop(_fingerprint(origin), None)
        if entries is not None and (own is None or _tokens(own)):
            return
        try:
            with tempfile.NamedTemporaryFile(
                dir=self.path.parent, prefix=f"{self.path.name}.corrupt-", delete=False
            ) as file:
                aside = Path(file.name)
            self.path.chmod(0o600)
            self.path.replace(aside)
        except OSError as error:
            raise self._refused(error) from None
        if entries:
            self._write(entries)
        warn(
            f"The OAuth tokens in {self.path} can't be read: something else has written there. The"
            f" file is {aside} now, and a new one is begun. If the API refuses to renew the token,"
            " the newest refresh token may stand in that file; otherwise authorize anew."
        )

    @contextmanager
    def locked(self, wait: Wait) -> Iterator[None]:
        """Keeps other processes from renewing meanwhile.

        Raises:
            ConfigurationError: The file can't be written, or another process holds it for long.
            RequestCancelledError: Nobody waits for the tokens any more.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = filelock.FileLock(f"{self.path}.lock", mode=0o600)
            self._acquire(lock, wait)
        except OSError as error:
            raise self._refused(error) from None
        try:
            if not os.access(self.path.parent, os.W_OK):
                raise self._refused(PermissionError(0, "no permission to write there"))
            yield
        finally:
            lock.release()

    def _acquire(self, lock: filelock.BaseFileLock, wait: Wait) -> None:
        deadline, is_told = time.monotonic() + _LOCK_SECONDS, False
        while True:
            if wait.is_over():
                raise RequestCancelledError("the renewal of the OAuth token")
            try:
                lock.acquire(timeout=_SECONDS_BETWEEN_LOOKS)
            except filelock.Timeout:
                if time.monotonic() > deadline:
                    raise ConfigurationError(
                        f"Another process has kept {self.path}.lock for {_LOCK_SECONDS:g} s to"
                        " renew the OAuth token. End it, or run again later."
                    ) from None
            else:
                return
            if not is_told:
                is_told = True
                wait.warn(
                    f"Waiting for another process that renews the OAuth token: it has locked"
                    f" {self.path}.lock. It is waited for {_LOCK_SECONDS:g} s at most. To wait no"
                    " longer, end that process, or terminate the run (Ctrl-C)."
                )

    def _entries(self) -> dict[str, msgspec.Raw] | None:
        """What stands in the file; None where it can't be read as what it should be."""
        try:
            body = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._refused(error) from None
        try:
            return msgspec.json.decode(body or b"{}", type=dict[str, msgspec.Raw])
        except _MALFORMED:
            return None

    def _write(self, entries: dict[str, msgspec.Raw]) -> None:
        try:
            # Made with mode 0600.
            descriptor, fresh = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(msgspec.json.encode(entries))
                    file.flush()
                    os.fsync(file.fileno())
                Path(fresh).replace(self.path)
            except BaseException:
                Path(fresh).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise self._refused(error) from None

    def _refused(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"The OAuth tokens can't be kept in {self.path}: {error.strerror}. A renewal uses the"
            " refresh token up, so there is none without a place for the new one. Set"
            " CAMPAIGN_MONITOR_TOKEN_FILE to a file in a folder that you may write to."
        )


def _tokens(entry: msgspec.Raw | None) -> Tokens | None:
    try:
        return None if entry is None else msgspec.json.decode(entry, type=Tokens)
    except _MALFORMED:
        return None


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
