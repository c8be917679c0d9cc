"""Fetching models into the Hub's own cache: the small file first, each size checked before it is downloaded, each
digest after.

A model that was fetched once is there without a network. What is newest is asked once for each load.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

from ganzoo.errors import HubUnreachable, ModelError, NotOnHub, either
from ganzoo.files.untrusted import LARGEST_HEADER
from ganzoo.folder.layout import CONFIG, EXAMPLE_FILES, MODEL
from ganzoo.folder.model import ModelFolder
from ganzoo.hub.client import client, hub_errors, page
from ganzoo.hub.download import COMMIT, Listing, damaged, download, listing, remember

MAIN = "main"
NEEDED = (CONFIG, MODEL)

log = logging.getLogger("ganzoo")


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
    revision, names = revision or MAIN, (*NEEDED, *EXAMPLE_FILES, *also)
    kept = cached(repo, revision)
    if kept is not None and COMMIT.fullmatch(revision) and all((kept / name).exists() for name in also):
        spoilt = damaged(kept, names)
        if not spoilt:
            return ModelFolder(kept)
        log.warning("%s of %s in the cache is damaged: it is fetched again", either(spoilt, "and"), repo)
    try:
        with hub_errors(repo, token, revision):
            return _fetch_now(repo, revision, token, also)
    except HubUnreachable as error:
        kept = cached(repo, revision)
        if kept is None:
            raise HubUnreachable(f"{error}; {repo} is not in the cache of this machine either") from error
        spoilt = damaged(kept, names)
        if spoilt:
            gone = f"{either(spoilt, 'and')} of {repo} in the cache of this machine was damaged, and is removed"
            raise HubUnreachable(f"{error}; {gone}") from error
        log.warning("%s; using the copy of %s in the cache", error, repo)
        return ModelFolder(kept)


def cached(repo: str, revision: str) -> Path | None:
    """The folder of a model that the cache holds whole, as it was when last fetched."""
    from huggingface_hub import try_to_load_from_cache

    with hub_errors(repo):
        found = [try_to_load_from_cache(repo, name, revision=revision) for name in NEEDED]
    paths = [Path(path) for path in found if isinstance(path, str)]
    return paths[0].parent if len(paths) == len(NEEDED) else None


def _fetch_now(repo: str, revision: str, token: str | None, also: Collection[str]) -> ModelFolder:
    from huggingface_hub import try_to_load_from_cache

    api = client(token)
    there = listing(api, repo, revision)
    for name in NEEDED:
        if name not in there.sizes:
            raise NotOnHub(f"{repo} has no {name}: it is no model of ganzoo; see {page(repo)}/tree/{revision}")
    folder = ModelFolder(download(api, there, CONFIG).parent)
    there.check(MODEL)
    if not isinstance(try_to_load_from_cache(repo, MODEL, revision=there.commit), str):
        _check_weights(there, folder)
    for name in (MODEL, *EXAMPLE_FILES, *also):
        if name in there.sizes:
            download(api, there, name)
    if cached(repo, revision) != folder.path:
        remember(api, there, revision, token)
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
