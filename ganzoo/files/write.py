"""Files that are either the old ones or the new ones, never something between; and the lock of a folder."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from ganzoo.errors import RunError
from ganzoo.files.names import as_text

LOCK = ".lock"
TORN = ".new-"  # what a file or folder is called, with the process's id, until it is whole


def sync(path: Path) -> None:
    """Wait until the file or folder at ``path`` is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot_write(path: Path, error: OSError) -> RunError:
    return RunError(f"cannot write {path}: {error.strerror or error}; make room or choose another folder")


def _temporary(path: Path) -> Path:
    return path.with_name(f"{TORN}{os.getpid()}-{path.name}")


def remove_torn(folder: Path) -> None:
    """Remove what a killed process had begun to write, there and in the folders below."""
    for path in list(folder.rglob(f"{TORN}*")):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Hand out a temporary path beside ``path`` (same ending) that replaces it when the block ends well.

    The file is on the disk before it takes the name. When the block fails, the temporary file goes and ``path``
    stays as it was.

    Raises:
        RunError: the folder cannot be written to, or the disk is full.
    """
    path = Path(path)
    temporary = _temporary(path)
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)  # the name itself is on the disk only once its folder is
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Hand out a temporary folder that takes the name ``path``, which must be free, when the block ends well."""
    path = Path(path)
    temporary = _temporary(path)
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for file in temporary.rglob("*"):
            sync(file)
        sync(temporary)
        os.rename(temporary, path)
        sync(path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def set_aside(path: Path) -> Path:
    """Give what is at ``path``, a file or anything else, a free name beside it: ``log.jsonl.old``, ``.old-2``, ...

    Raises:
        RunError: the folder cannot be written to.
    """
    names = (path.with_name(f"{path.name}.old{f'-{number}' if number > 1 else ''}") for number in count(1))
    free = next(name for name in names if not os.path.lexists(name))
    try:
        os.rename(path, free)
    except OSError as error:
        raise _cannot_write(path, error) from error
    return free


@contextmanager
def private_copy(folder: Path, names: Iterable[str]) -> Iterator[Path]:
    """Hand out a folder with copies of files, which nobody else writes to, for as long as the block runs.

    Args:
        folder: where the files are, and the copies for that time, under a name that :func:`remove_torn` knows.
        names: of the files, such as ``pictures/curves.png``.

    Raises:
        RunError: there is no room for them, or one of them is gone.
    """
    copy = _temporary(folder / "copy")
    try:
        try:
            for name in names:
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / name, copy / name, follow_symlinks=False)
        except OSError as error:
            raise _cannot_write(copy, error) from error
        yield copy
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def write_text(path: str | Path, text: str) -> None:
    """Replace the file at ``path`` by ``text`` in UTF-8; names in it that are no text are spelled out."""
    with atomic(path) as temporary:
        temporary.write_text(as_text(text), encoding="utf-8")


def write_json(path: str | Path, value: object) -> None:
    """Replace the file at ``path`` by ``value``, as :func:`json_text` has it."""
    write_text(path, json_text(value))


def json_text(value: object) -> str:
    """``value`` as JSON on lines: keys in the order given, NaN refused.

    Text that is none, such as a name of other bytes than UTF-8 that a folder gave us, is written in JSON's escapes.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2, allow_nan=False)
    return text + "\n"


def check_writable(folder: Path) -> None:
    """Refuse a folder that could not be made or written to; makes nothing.

    Raises:
        RunError: naming the path that is in the way.
    """
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise RunError(f"cannot write to {folder}: {existing} is a file; choose another folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise RunError(f"cannot write to {folder}: no permission for {existing}; choose another folder with --out")


def make_folder(folder: Path) -> None:
    """Make a folder and those above it; one that is there already is fine.

    Raises:
        RunError: naming it, when it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(folder, error) from error


def append_line(path: Path, line: str) -> None:
    """Add a line of text to a file.

    Raises:
        RunError: the disk is full or the folder cannot be written to.
    """
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise _cannot_write(path, error) from error


def _locked(descriptor: int, path: Path) -> bool:
    """Take the lock; False when the file was removed while we waited, by the process that held it."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "another process"
        raise RunError(f"{path.parent} is in use by {holder}: wait for it, or stop it") from None
    with suppress(FileNotFoundError):
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    return False


@contextmanager
def lock(folder: str | Path) -> Iterator[None]:
    """Hold ``folder`` for this process. The kernel lets go when the process ends, however it ends.

    Raises:
        RunError: another process holds it; the message has its id and host.
    """
    path = Path(folder) / LOCK
    # The holder removes the file when it is done. Who opened it before may then lock a file that has no name any more,
    # and a third process a new one: so a lock counts only if the name still leads to the file that was locked.
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise _cannot_write(path, error) from error
        try:
            if _locked(descriptor, path):
                break
        except RunError:
            os.close(descriptor)
            raise
        os.close(descriptor)
    try:
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)
