"""Standard streams as they may be: closed, taken away, a stand-in without ``isatty``, of an encoding with few letters.

What is shown of a work must not be what ends it: a terminal that is closed while a run goes on ends no run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

_quiet: ContextVar[bool] = ContextVar("quiet", default=False)


def is_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal; one that is none, is closed or cannot say so is not."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError, OSError):
        return False


def is_unicode(stream: Any) -> bool:
    """Whether a stream takes every letter; one that does not say its encoding, as of a test or a notebook, does."""
    return str(getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")


def tell(text: str, stream: Any = None) -> None:
    """Write a line to standard error, or to another stream, if it can be written to; letters that it lacks as
    ``\\u03b8``.
    """
    stream = sys.stderr if stream is None else stream
    with suppress(AttributeError, OSError, ValueError):  # there is none; its terminal is gone; it is closed
        try:
            stream.write(f"{text}\n")
        except UnicodeEncodeError:
            stream.write(f"{text}\n".encode(stream.encoding, "backslashreplace").decode(stream.encoding))
        stream.flush()


def escape_letters() -> None:
    """Let the standard streams write the letters that their encoding lacks as ``\\u03b8``, in place of an error."""
    for stream in (sys.stdout, sys.stderr):
        if not is_unicode(stream):
            with suppress(AttributeError, OSError, ValueError):
                stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


@contextmanager
def quiet(wanted: bool = True) -> Iterator[None]:
    """Show no progress of anything that is done in the block, where that is ``wanted``."""
    before = _quiet.set(wanted or _quiet.get())
    try:
        yield
    finally:
        _quiet.reset(before)


def is_quiet() -> bool:
    """Whether progress is not to be shown now."""
    return _quiet.get()
