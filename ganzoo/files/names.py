"""Names of files that are no text: on Unix a name is bytes, and half surrogates in Python where they are no UTF-8.

No file in UTF-8, no JSON and no page takes those, so they end here. In a locale without UTF-8, such as ``LC_ALL=C``,
Python has every name outside ASCII so, whatever text it is to everybody else.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

URI = "file://"


def as_text(name: str) -> str:
    """A name as text that can be written anywhere: bytes that are no UTF-8 are spelled out, as in ``caf\\xe9``."""
    try:
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half surrogates that stand for no byte, as JSON may hold them
        return name.encode("utf-8", "backslashreplace").decode()


def path_text(path: Path) -> str:
    """An absolute path as text from which :func:`native` finds it again: a ``file://`` URI where it is no text."""
    try:
        return os.fsencode(path).decode()
    except UnicodeDecodeError:
        return path.as_uri()


def native(text: str) -> str:
    """The path that text means, a ``file://`` URI among it, as this system has it."""
    if text.startswith(f"{URI}/"):
        return os.fsdecode(unquote_to_bytes(text[len(URI) :]))
    try:
        return os.fsdecode(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:  # half surrogates that stand for no byte: nothing can be called so
        return text
