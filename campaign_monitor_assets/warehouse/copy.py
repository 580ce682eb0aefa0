"""The copy of the whole DuckDB file for readers, who neither wait nor keep anybody waiting."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from campaign_monitor_assets.errors import DatabaseError
from campaign_monitor_assets.warehouse.private import private_files
from campaign_monitor_assets.warehouse.target import Database

_COPY_BYTES: Final = 1 << 22


@private_files()
def publish_copy(
    database: Database, copy: Path, warn: Callable[[str], None] = lambda _: None
) -> None:
    """Puts a copy of the whole file in the place of the one before, in one step.

    Whoever has the one before open goes on reading that. Only the user can read it, unless the
    one before is readable for others, too.

    Args:
        database: The file.
        copy: Where the copy goes; its folder is made where missing.
        warn: Told of waiting for the file.

    Raises:
        DatabaseError: The file can't be opened, or the copy can't be written.
    """
    opening = database.file_opening("publish_copy")
    connection, _ = opening.open(warn, read_only=False)
    try:
        connection.execute("checkpoint")
        copy.parent.mkdir(parents=True, exist_ok=True)
        # Made with mode 0600, and in the same folder, since only there it can be swapped in.
        descriptor, fresh = tempfile.mkstemp(dir=copy.parent, prefix=f".{copy.name}.")
        try:
            with os.fdopen(descriptor, "wb") as target, opening.path.open("rb") as source:
                shutil.copyfileobj(source, target, _COPY_BYTES)
                # Closing any handle of the file ends DuckDB's lock, so DuckDB goes first.
                connection.close()
            # Others may be meant to read it: whoever lets them does so once.
            if copy.exists():
                shutil.copymode(copy, fresh)
            Path(fresh).replace(copy)
        except BaseException:
            Path(fresh).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise DatabaseError(
            f"The copy {copy} (publish_copy) can't be written: {error.strerror}. The DuckDB"
            " file itself is whole, and the copy before stays.",
            "choose another place, or make room there.",
        ) from error
    finally:
        connection.close()
