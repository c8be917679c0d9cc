"""Fetching models into the Hub's own cache: the small file first, each size checked before it is downloaded.

A model that was fetched once is there without a network. What is newest is asked once for each load.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.errors import HubError, HubUnreachable, ModelError, NotOnHub
from ganzoo.files.untrusted import LARGEST_HEADER
from ganzoo.folder.layout import CONFIG, EXAMPLE_FILES, MODEL, largest
from ganzoo.folder.model import ModelFolder
from ganzoo.hub.client import client, hub_errors, page

COMMIT = re.compile(r"[0-9a-f]{40}")
MAIN = "main"
NEEDED = (CONFIG, MODEL)
PATIENCE = 10.0  # seconds to wait for an answer about what there is

log = logging.getLogger("ganzoo")


@dataclass(frozen=True)
class Listing:
    """What a repository holds at one commit: published files only, with their sizes in bytes."""

    repo: str
    commit: str
    sizes: Mapping[str, int]

    def check(self, name: str, most: int | None = None) -> None:
        """Refuse a file that is larger than it can be.

        Raises:
            ModelError: naming it and both sizes.
        """
        most, size = most or largest(name) or 0, self.sizes[name]
        if size > most:
            raise ModelError(f"{self.repo}: {name} has {size:,} bytes, and no {name} has more than {most:,}")


def fetch(repo: str, revision: str | None = None, token: str | None = None, also: Collection[str] = ()) -> ModelFolder:
    """The folder, in the Hub's cache, of a model: config, weights and examples.

    Args:
        repo: ``org/name``.
        revision: branch, tag or commit; ``main`` by default.
        token: of the Hub, for a private model; that of the login by default.
        also: further published files to fetch where the repository has them.

    Raises:
        HubError: there is no such model for this token, or it cannot be reached and is not in the cache.
        ModelError: it is no model of ganzoo, or a size cannot be true.
    """
    revision = revision or MAIN
    kept = cached(repo, revision)
    if kept is not None and COMMIT.fullmatch(revision) and all((kept / name).exists() for name in also):
        return ModelFolder(kept)
    try:
        with hub_errors(repo, token, revision):
            return _fetch_now(repo, revision, token, also)
    except HubUnreachable as error:
        kept = cached(repo, revision)
        if kept is None:
            raise HubUnreachable(f"{error}; {repo} is not in the cache of this machine either") from error
        log.warning("%s; using the copy of %s in the cache", error, repo)
        return ModelFolder(kept)


def cached(repo: str, revision: str) -> Path | None:
    """The folder of a model that the cache holds whole, as it was when last fetched."""
    from huggingface_hub import try_to_load_from_cache

    with hub_errors(repo):
        found = [try_to_load_from_cache(repo, name, revision=revision) for name in NEEDED]
    paths = [Path(path) for path in found if isinstance(path, str)]
    return paths[0].parent if len(paths) == len(NEEDED) else None


def listing(api: Any, repo: str, revision: str) -> Listing:
    """What the repository holds now; one call, never tried twice."""
    info = api.model_info(repo, revision=revision, files_metadata=True, timeout=PATIENCE)
    files = {file.rfilename: file.size or 0 for file in info.siblings or [] if largest(file.rfilename) is not None}
    if not COMMIT.fullmatch(info.sha or ""):
        raise HubError(f"the Hub names no commit of {repo}; see {page(repo)}")
    return Listing(repo, info.sha, files)


def _fetch_now(repo: str, revision: str, token: str | None, also: Collection[str]) -> ModelFolder:
    from huggingface_hub import try_to_load_from_cache

    api = client(token)
    there = listing(api, repo, revision)
    for name in NEEDED:
        if name not in there.sizes:
            raise NotOnHub(f"{repo} has no {name}: it is no model of ganzoo; see {page(repo)}/tree/{revision}")
    there.check(CONFIG)
    folder = ModelFolder(Path(api.hf_hub_download(repo, CONFIG, revision=there.commit)).parent)
    there.check(MODEL)
    if not isinstance(try_to_load_from_cache(repo, MODEL, revision=there.commit), str):
        _check_weights(there, folder)
    for name in (MODEL, *EXAMPLE_FILES, *also):
        if name in there.sizes:
            there.check(name)
            api.hf_hub_download(repo, name, revision=there.commit)
    if cached(repo, revision) != folder.path:  # remember which commit the branch is, for the day without a network
        with suppress(HubUnreachable), hub_errors(repo, token, revision):
            api.hf_hub_download(repo, CONFIG, revision=revision)
    return folder


def _check_weights(there: Listing, folder: ModelFolder) -> None:
    """Refuse weights that cannot be those of the config, before they are downloaded."""
    try:
        expected = folder.expected_tensors()
    except ModelError as error:
        raise ModelError(renamed(error, folder, there.repo)) from error
    needed = sum(tensor.numel() * tensor.element_size() for tensor in expected.values())
    there.check(MODEL, needed + LARGEST_HEADER + 8)
    if there.sizes[MODEL] < needed:
        has = there.sizes[MODEL]
        raise ModelError(f"{there.repo}: {MODEL} has {has:,} bytes; the weights of its recipe have {needed:,}")


def renamed(error: Exception, folder: ModelFolder, label: str) -> str:
    """An error's text with the model as a person calls it in place of a folder of the cache."""
    return str(error).replace(str(folder), label)
