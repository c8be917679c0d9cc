"""A published model as a folder of one's own: regular files, all of them or none."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from ganzoo.errors import ModelError, NotOnHub, UsageError
from ganzoo.files.untrusted import open_regular
from ganzoo.files.write import atomic_folder, check_writable
from ganzoo.folder.layout import CONFIG, MOST_FILES, largest
from ganzoo.folder.model import ModelFolder
from ganzoo.hub.client import client, hub_errors, page
from ganzoo.hub.fetch import MAIN, NEEDED, listing, renamed
from ganzoo.hub.locate import repo_of, say_whose
from ganzoo.hub.references import parse
from ganzoo.hub.shipped import shipped_folder


def pull(
    ref: str, target: Path | None = None, revision: str | None = None, token: str | None = None
) -> tuple[Path, list[str]]:
    """Make a folder of all that a model publishes.

    Args:
        ref: ``org/name``, ``org/name@revision``, or the bare name of a model that a package ships.
        target: the folder to make; ``./name`` by default.
        revision: branch, tag or commit.
        token: of the Hub; that of the login by default.

    Returns:
        The folder, and the names of its files.

    Raises:
        UsageError: ``ref`` is a folder, or ``target`` is there already.
        HubError: there is no such model for this token, or it cannot be reached.
        ModelError: it is no model of ganzoo, or a size cannot be true.
    """
    asked = parse(ref, revision)
    if asked.folder is not None:
        raise UsageError(f"{ref} is a folder already: give a model of the Hub, such as org/name")
    name = str(asked.repo or asked.name).rpartition("/")[2]
    target = target or Path(name)
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target} is there already: name a new folder, or remove it")
    check_writable(target.parent)
    folder = shipped_folder(asked.name) if asked.name and asked.revision is None else None
    if folder is not None:
        files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
        paths = {name: path for name, path in files.items() if largest(name) is not None}
    else:
        repo = repo_of(asked)
        paths = _download(repo, asked.revision or MAIN, token)
        say_whose(asked, repo)
    _copy(paths, target)
    return target, list(paths)


def _download(repo: str, revision: str, token: str | None) -> dict[str, Path]:
    """All published files of a repository, in the Hub's cache; every size is checked before the first is fetched."""
    with hub_errors(repo, token, revision):
        api = client(token)
        there = listing(api, repo, revision)
        if not set(NEEDED) <= there.sizes.keys() or len(there.sizes) > MOST_FILES:
            raise NotOnHub(f"{repo} is no model of ganzoo: it needs {' and '.join(NEEDED)}; see {page(repo)}")
        for name in there.sizes:
            there.check(name)
        folder = ModelFolder(Path(api.hf_hub_download(repo, CONFIG, revision=there.commit)).parent)
        try:
            _ = folder.config  # what is no model of ganzoo is refused before its weights are fetched
        except ModelError as error:
            raise ModelError(renamed(error, folder, repo)) from error
        return {name: Path(api.hf_hub_download(repo, name, revision=there.commit)) for name in sorted(there.sizes)}


def _copy(paths: Mapping[str, Path], target: Path) -> None:
    """Make the folder ``target`` of regular files, by name."""
    with atomic_folder(target) as folder:
        for name, path in paths.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with open_regular(path) as source, open(folder / name, "wb") as copy:
                shutil.copyfileobj(source, copy)
