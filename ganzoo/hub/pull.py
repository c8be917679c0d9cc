"""A published model as a folder of one's own: regular files, all of them or none."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ganzoo.errors import HubError, ModelError, NotOnHub, PartMissing, UsageError
from ganzoo.files.untrusted import open_regular, read_shapes, read_tensors
from ganzoo.files.write import atomic_folder, check_writable
from ganzoo.folder.layout import CONFIG, MODEL, MOST_FILES, PUBLISHED_FOLDERS, largest
from ganzoo.folder.model import ModelFolder
from ganzoo.hub.client import client, hub_errors, page
from ganzoo.hub.download import download, listing, remember
from ganzoo.hub.fetch import MAIN, NEEDED, renamed
from ganzoo.hub.known import hint
from ganzoo.hub.locate import repo_of, say_whose
from ganzoo.hub.references import parse
from ganzoo.hub.shipped import shipped_folder


@dataclass(frozen=True)
class Pulled:
    """A model that was pulled.

    Attributes:
        folder: that was made.
        names: of its files.
        left: of pictures and examples that were not taken, as a model has at most ``MOST_FILES`` files.
        missing: what keeps the model from being drawn from here: a part that no installed package brings.
    """

    folder: Path
    names: tuple[str, ...]
    left: tuple[str, ...] = ()
    missing: str = ""


def pull(ref: str, target: Path | None = None, revision: str | None = None, token: str | None = None) -> Pulled:
    """Make a folder of all that a model publishes, once its weights have been read.

    Args:
        ref: ``org/name``, ``org/name@revision``, or the bare name of a model that a package ships.
        target: the folder to make; ``./name`` by default.
        revision: branch, tag or commit.
        token: of the Hub; that of the login by default.

    Raises:
        UsageError: ``ref`` is a folder, or ``target`` is there already.
        HubError: there is no such model for this token, it cannot be reached, or what arrives is damaged.
        ModelError: it is no model of ganzoo, a size cannot be true, or the weights are not those of its recipe.
    """
    try:
        asked = parse(ref, revision)
    except UsageError as error:
        raise UsageError(f"{error}; {hint(str(ref))}") from error
    if asked.folder is not None:
        raise UsageError(f"{ref} is a folder already: give a model of the Hub, such as org/name")
    name = str(asked.repo or asked.name).rpartition("/")[2]
    target = target or Path(name)
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target} is there already: name a new folder, or remove it")
    check_writable(target.parent)
    folder = shipped_folder(asked.name) if asked.name and asked.revision is None else None
    left: tuple[str, ...] = ()
    if folder is not None:
        files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
        paths = {name: path for name, path in files.items() if largest(name) is not None}
    else:
        repo = repo_of(asked)
        try:
            paths, left = _download(repo, asked.revision or MAIN, token)
        except HubError as error:
            raise type(error)(f"{error}; {hint(ref)}") from error
        say_whose(asked, repo)
    with atomic_folder(target) as copy:
        _copy(paths, copy)
        missing = _read(ModelFolder(copy), ref)
    return Pulled(target, tuple(paths), left, missing)


def _download(repo: str, revision: str, token: str | None) -> tuple[dict[str, Path], tuple[str, ...]]:
    """All published files of a repository, in the Hub's cache, and the names of those that are too many.

    Every size is checked before the first is fetched.
    """
    with hub_errors(repo, token, revision):
        api = client(token)
        there = listing(api, repo, revision)
        if not set(NEEDED) <= there.sizes.keys():
            raise NotOnHub(f"{repo} is no model of ganzoo: it needs {' and '.join(NEEDED)}; see {page(repo)}")
        names = sorted(there.sizes, key=lambda name: (name.partition("/")[0] in PUBLISHED_FOLDERS, name))
        names, left = names[:MOST_FILES], names[MOST_FILES:]
        for name in names:
            there.check(name)
        folder = ModelFolder(download(api, there, CONFIG).parent)
        try:
            _ = folder.config  # what is no model of ganzoo is refused before its weights are fetched
        except ModelError as error:
            raise ModelError(renamed(error, folder, repo)) from error
        paths = {name: download(api, there, name) for name in sorted(names)}
        remember(api, there, revision, token)
    return paths, tuple(left)


def _copy(paths: Mapping[str, Path], folder: Path) -> None:
    """Make regular files, by name, in a folder that is there."""
    for name, path in paths.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with open_regular(path) as source, open(folder / name, "wb") as copy:
            shutil.copyfileobj(source, copy)


def _read(folder: ModelFolder, ref: str) -> str:
    """Read a model as whoever samples from it would, so that nothing is promised of weights that cannot be used.

    Returns:
        What part is missing here, if one is: then only the weights' own form and numbers can be looked at.

    Raises:
        ModelError: it cannot be sampled from; the text calls it ``ref``.
    """
    try:
        try:
            folder.load()
        except PartMissing as error:
            weights = folder.path / MODEL
            read_tensors(weights, read_shapes(weights))
            return renamed(error, folder, ref)
    except ModelError as error:
        raise ModelError(renamed(error, folder, ref)) from error
    return ""
