"""Repairs a body that is JSON but for single characters that are none, such as half an emoji.

Without it one such value would keep its table from being read, run after run.
"""

import re
from typing import Final

_REPLACEMENT: Final = rb"\ufffd"

_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)

_SUSPECT: Final = re.compile(
    rb"(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb'|(?P<escape>\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt]))'
    rb"|(?P<unknown>\\u[0-9a-fA-F]{0,3}|\\.)"
    rb"|(?P<control>[\x00-\x1f])",
    re.DOTALL,
)
"""What in a string is, or may be, no character: an escape of any kind or a bare control."""


def repair(body: bytes) -> tuple[bytes, int]:
    """Replaces what is no character by U+FFFD: half a surrogate pair, bytes that are not UTF-8.

    Control characters that are not escaped, which JSON forbids, are escaped and so stay.

    Args:
        body: A body that could not be decoded.

    Returns:
        The repaired body, and how many characters were repaired; 0: nothing of the kind is wrong
        with it.
    """
    repaired = 0
    try:
        body.decode()
    except UnicodeDecodeError:
        text = body.decode(errors="replace")
        repaired += text.count("\ufffd") - body.count("\ufffd".encode())
        body = text.encode()

    def replace(match: re.Match[bytes]) -> bytes:
        nonlocal repaired
        found = match.group()
        if match.lastgroup in {"pair", "escape"}:
            return found
        repaired += 1
        return b"\\u%04x" % found[0] if match.lastgroup == "control" else _REPLACEMENT

    return _STRING.sub(lambda match: _SUSPECT.sub(replace, match.group()), body), repaired
