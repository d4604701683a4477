"""Canonical JSON: one text for one content, so that a hash designates the content.

Keys sorted, no insignificant white space, UTF-8 kept as is. Dates and decimals are refused rather than
guessed: whoever builds a content writes them as text.
"""

import hashlib
import json
from typing import Any


def canonical_json(content: Any) -> str:
    """Return the only JSON text of ``content`` (mappings, lists, strings, integers, booleans, null).

    Raises:
        TypeError: a value that JSON cannot hold exactly (float, date, Decimal…).
    """
    _refuse_inexact(content)
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def sha256_hex(text: str | bytes) -> str:
    """Return the SHA-256 of ``text`` (UTF-8) as 64 hexadecimal characters."""
    data = text.encode() if isinstance(text, str) else text
    return hashlib.sha256(data).hexdigest()


def _refuse_inexact(value: Any) -> None:
    match value:
        case None | bool() | int() | str():
            return
        case dict():
            for key, item in value.items():
                if not isinstance(key, str):
                    raise TypeError(f"canonical JSON: key {key!r} is not a text")
                _refuse_inexact(item)
        case list() | tuple():
            for item in value:
                _refuse_inexact(item)
        case _:
            raise TypeError(f"canonical JSON: {type(value).__name__} has no exact form")
