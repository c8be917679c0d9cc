"""Files in the cache of the Hub's client, compared with the digests that they are stored under.

The client compares sizes only, and takes what is in its cache for right: a sign-in page of a network, a broken proxy
or a bad disk would be kept for good.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from hashlib import sha1, sha256
from pathlib import Path
from typing import BinaryIO

from ganzoo.errors import ModelError
from ganzoo.files.untrusted import open_regular

SHA256, BLOB = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")


def content_digest(file: BinaryIO, like: str) -> str:
    """sha256 of an open file in hex or, where ``like`` is as short as one, git's id of it as a blob.

    Args:
        file: that can be sought; it is read from where it stands.
        like: the digest that it is to be compared with.
    """
    start = file.tell()
    size = file.seek(0, os.SEEK_END) - start
    file.seek(start)
    digest = sha256() if SHA256.fullmatch(like) else sha1(b"blob %d\0" % size, usedforsecurity=False)
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _content_digest(path: Path, like: str) -> str:
    """As :func:`content_digest`, of a regular file."""
    with open_regular(path) as file:
        return content_digest(file, like)


def _named(path: Path) -> str | None:
    """The digest that a file of the cache is stored under: links of a snapshot lead to ``blobs/DIGEST``."""
    if not path.is_symlink():
        return None  # a system without links
    name = Path(os.readlink(path)).name
    return name if SHA256.fullmatch(name) or BLOB.fullmatch(name) else None


def intact(path: Path, digest: str | None = None) -> bool:
    """Whether a file of the cache holds what the Hub says: what it lists, and what the file was stored under.

    Args:
        path: in a snapshot of the cache.
        digest: that the Hub lists, where it was asked now: sha256 of LFS objects, git's id of other files.
    """
    expected = [known for known in (digest, _named(path)) if known is not None]
    with suppress(ModelError):
        return all(_content_digest(path, known) == known for known in dict.fromkeys(expected))
    return False


def remove(path: Path) -> None:
    """Take a damaged file out of the cache, so that nobody reads it: the link of the snapshot and what it leads to."""
    for place in (Path(os.path.realpath(path)), path):
        with suppress(OSError):
            place.unlink(missing_ok=True)
