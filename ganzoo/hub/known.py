"""Models that are on this machine already: those that packages ship, and those in the Hub's cache. No network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ganzoo.errors import GanzooError, nearest
from ganzoo.folder import layout
from ganzoo.folder.layout import CONFIG
from ganzoo.folder.model import ModelFolder
from ganzoo.hub.fetch import MAIN
from ganzoo.hub.shipped import shipped
from ganzoo.registry.loading import registry
from ganzoo.registry.lookup import MODEL, known_names, known_provider
from ganzoo.registry.recipe import HEAD_KINDS, Recipe

LISTING = "'ganzoo models' lists those on this machine"


@dataclass(frozen=True)
class KnownModel:
    """A model that is on this machine.

    Attributes:
        ref: what ``ganzoo.load`` takes.
        where: ``"shipped"`` or ``"cached"``.
        source: the package that ships it, or the Hub.
        folder: of it.
    """

    ref: str
    where: str
    source: str
    folder: Path


def known() -> list[KnownModel]:
    """Every whole folder among shipped models and in the Hub's cache; what it holds is not looked at."""
    own = [KnownModel(name, "shipped", *found[0]) for name, found in shipped().items()]
    return [*own, *(KnownModel(ref, "cached", "the Hub", folder) for ref, folder in _cached().items())]


def find(name: str) -> ModelFolder | None:
    """The folder of the model that is called ``name``, or the folder ``name`` itself; None if there is neither."""
    folders = [model.folder for model in known() if model.ref == name]
    path = Path(name)
    found = folders[0] if folders else path if (path / CONFIG).is_file() else None
    return None if found is None else ModelFolder(found)


def like(name: str, most: int = 3) -> list[str]:
    """References of models whose names begin like ``name``, all of them; else the ``most`` nearest.

    Args:
        name: as somebody wrote it, in any case, with ``_`` for ``-``.
        most: how many, where none begins so.
    """
    plain = {_plain(model.ref): model.ref for model in reversed(known())}
    asked = _plain(name)
    begun = sorted(found for found in plain if asked and found.startswith(asked))
    return [plain[found] for found in begun or nearest(asked, plain, most)]


def hint(name: str) -> str:
    """What to say to someone for whom no model is called ``name``: what has it, else the nearest ones."""
    if provider := known_provider(MODEL, name):
        return "{} has it: {}".format(*provider)
    found = like(name)
    near = f"nearest: {', '.join(found)} ({LISTING})" if found else nothing_here()
    return f"{near}{_recipe(name)}"


def nothing_here() -> str:
    """What to say where no model is on this machine: which package has some."""
    example, *more = known_names(MODEL)
    who, command = known_provider(MODEL, example) or ("", "")
    return f"no model is on this machine; {who} has {example} and {len(more)} more: {command}"


def _recipe(name: str) -> str:
    """What to say of a recipe, which is no trained model."""
    try:
        head = registry().find(Recipe.parse(name).head.spelling, HEAD_KINDS)
    except GanzooError:
        return ""
    return f"; {name} is a recipe of the {head.kind} {head.name}: ganzoo.build({name!r}) makes it with fresh weights"


def _plain(ref: str) -> str:
    """A name for comparison: without organisation and revision, and however it was written."""
    return ref.partition("@")[0].rpartition("/")[2].lower().replace("_", "-")


def _cached() -> dict[str, Path]:
    """Whole snapshots in the Hub's cache, by reference, each commit once: under ``org/name`` where that is ``main``."""
    from huggingface_hub import constants

    found: dict[str, Path] = {}
    for repo in sorted(Path(constants.HF_HUB_CACHE).glob("models--*--*")):
        name = "/".join(repo.name.split("--")[1:])
        commits = {file.name: file.name for file in repo.glob("snapshots/*")}
        for ref in sorted((file for file in repo.glob("refs/**/*") if file.is_file()), reverse=True):
            revision = ref.relative_to(repo / "refs").as_posix()
            if commits.get(commit := ref.read_text("ascii", "replace").strip()) != MAIN and commit in commits:
                commits[commit] = revision
        for commit, revision in sorted(commits.items()):
            folder = repo / "snapshots" / commit
            if (folder / CONFIG).is_file() and (folder / layout.MODEL).is_file():
                found[name if revision == MAIN else f"{name}@{revision}"] = folder
    return found
