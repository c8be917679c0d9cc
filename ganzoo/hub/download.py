"""What a repository holds, and its files in the Hub's cache, each compared with the digest that the Hub gives of it.

Every file is hashed whenever it is taken, from the network or from the cache: see :mod:`ganzoo.files.hub_cache`.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.errors import HubError, HubUnreachable, ModelError
from ganzoo.files.hub_cache import BLOB, SHA256, intact, remove
from ganzoo.folder.layout import CONFIG, largest
from ganzoo.hub.client import hub_errors, page

COMMIT = re.compile(r"[0-9a-f]{40}")
PATIENCE = 10.0  # seconds to wait for an answer about what there is

log = logging.getLogger("ganzoo")


@dataclass(frozen=True)
class Listing:
    """What a repository holds at one commit: published files only.

    Attributes:
        repo: ``org/name``.
        commit: 40 hex digits.
        sizes: bytes by file.
        digests: by file, sha256 of those that are stored as LFS objects, git's id (sha1) of others; a file of which
            the server gives none is not among them.
    """

    repo: str
    commit: str
    sizes: Mapping[str, int]
    digests: Mapping[str, str]

    def check(self, name: str, most: int | None = None) -> None:
        """Refuse a file that is larger than it can be.

        Raises:
            ModelError: naming it and both sizes.
        """
        most, size = most or largest(name) or 0, self.sizes[name]
        if size > most:
            raise ModelError(f"{self.repo}: {name} has {size:,} bytes, and no {name} has more than {most:,}")


def listing(api: Any, repo: str, revision: str) -> Listing:
    """What the repository holds at a revision; one call, never tried twice.

    Raises:
        HubUnreachable: the answer is none that the Hub gives.
    """
    info = api.model_info(repo, revision=revision, files_metadata=True, timeout=PATIENCE)
    if not isinstance(info.sha, str) or not COMMIT.fullmatch(info.sha):
        raise HubUnreachable(f"the Hub names no commit of {repo}; see {page(repo)}")
    files = [file for file in info.siblings or [] if isinstance(file.rfilename, str)]
    files = [file for file in files if largest(file.rfilename) is not None]
    for file in files:
        if type(file.size) is not int or file.size < 0:
            raise HubUnreachable(f"the Hub gives no size of {file.rfilename} of {repo}; see {page(repo)}/tree/main")
    digests = {file.rfilename: digest for file in files if (digest := _listed(file)) is not None}
    return Listing(repo, info.sha, {file.rfilename: file.size for file in files}, digests)


def _listed(file: Any) -> str | None:
    """The digest of a listed file's content; of an LFS file git's id would be that of a pointer to it."""
    digest, form = (file.blob_id, BLOB) if file.lfs is None else (file.lfs.sha256, SHA256)
    return digest if isinstance(digest, str) and form.fullmatch(digest) else None


def download(api: Any, there: Listing, name: str) -> Path:
    """A file of a repository in the cache, fetched if it must be: what the Hub says it is, to the bit.

    Raises:
        ModelError: it is larger than it can be.
        HubError: what arrives, twice, is something else than what the Hub lists; none of it is kept.
    """
    there.check(name)
    for again in (False, True):
        path = Path(api.hf_hub_download(there.repo, name, revision=there.commit, force_download=again))
        if intact(path, there.digests.get(name)):
            return path
        log.warning("%s of %s is damaged%s", name, there.repo, "" if again else ": it is fetched again")
    remove(path)
    raise HubError(
        f"what arrives as {name} of {there.repo} is not what the Hub lists: its digest is another, twice, and none of"
        f" it is kept; try again later or over another network, or tell the authors at {page(there.repo)}/discussions"
    )


def remember(api: Any, there: Listing, revision: str, token: str | None) -> None:
    """Note in the cache which commit a branch or tag is now, for the day without a network."""
    if not COMMIT.fullmatch(revision):
        with suppress(HubUnreachable), hub_errors(there.repo, token, revision):
            api.hf_hub_download(there.repo, CONFIG, revision=revision)


def damaged(folder: Path, names: Iterable[str]) -> list[str]:
    """Those of a snapshot's files that are not what they were stored as; they are taken out of the cache."""
    found = [name for name in names if os.path.lexists(folder / name) and not intact(folder / name)]
    for name in found:
        remove(folder / name)
    return found
