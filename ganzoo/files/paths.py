"""Paths as a person types them, and where caches go: the home directory may not be there, and no path is empty."""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from os import PathLike
from pathlib import Path

from ganzoo.errors import UsageError
from ganzoo.files.names import native

XDG = "XDG_CACHE_HOME"
HOME = "HOME"
log = logging.getLogger("ganzoo")


def home() -> Path | None:
    """The home directory of whoever runs this; None where ``HOME`` is not set and no entry of the system names one."""
    found = os.path.expanduser("~")  # as it was given where nothing is known, and relative for a HOME that is none
    return Path(found) if os.path.isabs(found) and os.environ.get(HOME) != "" else None


def expanded(text: str, what: str = "") -> str:
    """Text that may be a path, with ``~`` and ``~name`` in front replaced by the home directory that they stand for.

    A ``file://`` URI, which is how a path that is no text is written down, becomes that path.

    What no longer starts with ``~`` may be expanded again without harm: ``./~name``, the way to write a name that
    starts so, becomes absolute.

    Args:
        text: as typed.
        what: it was given for, such as ``"out"``; in front of a refusal.

    Raises:
        UsageError: it is empty or holds a NUL, or names a home directory that is not there.
    """
    given = f"{what}={text!r} does not work" if what else f"{text!r} is no path"
    text = native(text)
    if not text.strip():
        raise UsageError(f"{given}: it is empty; write . for the working directory")
    if "\0" in text:
        raise UsageError(f"{given}: no path holds a NUL")
    if not text.startswith("~"):
        return os.path.abspath(text) if os.path.normpath(text).startswith("~") else text
    owner = text.partition("/")[0]
    if owner == "~" and home() is None:
        raise UsageError(f"{given}: no home directory is known here; set {HOME}, or write the path out")
    found = os.path.expanduser(text)
    if not os.path.isabs(found):
        raise UsageError(f"{given}: there is no user {owner[1:]!r}; write ./{text} for a name that starts with ~")
    return found


def to_path(value: str | PathLike[str], what: str = "") -> Path:
    """A path object from what a person gave: text as :func:`expanded` takes it, or a path object with ``~`` in front.

    Args:
        value: as given.
        what: it was given for, such as ``"out"``; in front of a refusal.

    Raises:
        UsageError: it is no path at all, or empty, or names a home directory that is not there.
    """
    if not isinstance(value, (str, os.PathLike)):
        raise UsageError(f"{what or 'path'}={value!r:.80} does not work: it is a path, as text or a path object")
    return Path(expanded(os.fspath(value), what))


# --- caches -------------------------------------------------------------------------------------------------


def user_cache() -> Path:
    """Where caches of all programs go: ``$XDG_CACHE_HOME``, else ``~/.cache``; without a home directory a folder of
    this user's among the temporary files.
    """
    given, own = os.environ.get(XDG, ""), home()
    if os.path.isabs(given):
        return Path(given)
    return _homeless_cache() if own is None else own / ".cache"


def provide_cache() -> None:
    """Without a home directory, name a cache to the libraries that would take ``~`` for the name of a folder.

    They and the processes that are started find it in the environment. Where there is a home directory, or a cache is
    named already, nothing changes.
    """
    if home() is None and not os.path.isabs(os.environ.get(XDG, "")):
        os.environ[XDG] = str(_homeless_cache())


def _homeless_cache() -> Path:
    """A folder among the temporary files that only this user can write to, the same in each process where it can be.

    Others can make folders there too: one that is not ours, or open to them, could bring what is then believed.
    """
    try:
        folder = Path(tempfile.gettempdir()) / f"ganzoo-{os.getuid()}"
        folder.mkdir(mode=0o700)
        log.warning(f"no home directory is known here, so that caches go to {folder}: set {HOME} or {XDG}")
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
            return Path(tempfile.mkdtemp(prefix="ganzoo-"))
    except OSError:  # nothing can be written anywhere, the working directory included
        return Path(os.devnull) / "ganzoo"  # where nothing is ever found or kept, which is no error of a cache
    return folder
