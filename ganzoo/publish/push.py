"""What a push would send: the published files of a folder, once nothing keeps them from being published."""

from __future__ import annotations

import logging
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from ganzoo.card import check_card, make_card
from ganzoo.card.check import known_licences, stated_licence
from ganzoo.card.facts import reference_to
from ganzoo.errors import ModelError, UsageError, command, nearest
from ganzoo.files.untrusted import file_digest, quoted
from ganzoo.files.write import atomic_folder, check_writable, lock, private_copy, remove_torn, write_text
from ganzoo.folder.config import UNPACKAGED, warn_of_unpackaged
from ganzoo.folder.cost import with_cost
from ganzoo.folder.layout import (
    CARD,
    CONFIG,
    DISCRIMINATOR,
    LOCK,
    MODEL,
    MOST_FILES,
    PUBLISHED_FOLDERS,
    checkpoints,
    largest,
)
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.weights import write_tensors
from ganzoo.hub.push import PushRequest, PushResult, send

EXAMPLES = "apache-2.0, mit, cc-by-4.0, cc-by-nc-4.0 or other"  # of licences

log = logging.getLogger("ganzoo")


@dataclass(frozen=True)
class Manifest:
    """What goes to the Hub.

    Attributes:
        sizes: bytes by file, in the order of names.
        stays: what else is in the folder, and stays there.
        license: of the weights.
        summary: the model in a few words.
    """

    sizes: Mapping[str, int]
    stays: tuple[str, ...]
    license: str
    summary: str


def push(
    folder: ModelFolder,
    request: PushRequest,
    license: str | None = None,
    unscored: bool = False,
    with_discriminator: bool = False,
    dry_run: bool = False,
    show: Callable[[Manifest], None] | None = None,
    ask: Callable[[], str] | None = None,
) -> PushResult | None:
    """Publish a folder's model in one commit; a push that was interrupted can be repeated and sends what is missing.

    Args:
        folder: of the model.
        request: the repository and how to change it.
        license: of the weights; the one that the folder or its card states, by default.
        unscored: publish a model that has no score.
        with_discriminator: publish D too, for fine-tuning.
        dry_run: find out what would go, and write and send nothing.
        show: called with what goes, before it does.
        ask: called for the licence where none is stated; by default that is refused.

    Returns:
        What came of it; None for a dry run.

    Raises:
        UsageError: what a person can decide otherwise: the licence, a missing score.
        ModelError: what the folder holds must not be published; the text says what to do about it.
        HubError: what the Hub refused.
    """
    if not os.path.lexists(folder.path / CONFIG):
        _ = folder.config  # says what is missing; where it is there, it is read once, when no training can change it
    with ExitStack() as stack:
        if not dry_run:
            request.check()
            stack.enter_context(lock(folder.path))
            remove_torn(folder.path)
        chosen = _licence(folder, license, ask)
        folder.load()  # what cannot be loaded is not published
        _ = folder.digest  # of what was loaded: hashed once, and what is sent is compared with it
        warn_of_unpackaged(folder.config.get(UNPACKAGED, ()))
        _check_scored(folder, unscored)
        if os.path.lexists(folder.path / CARD):
            stated = folder.config["license"] is None and _stated(folder) is not None
            _check_card(_with_licence(folder, chosen) if stated else folder)
        if not dry_run:
            _write(folder, with_cost(folder.config, folder.path), chosen, request.repo, with_discriminator)
        manifest = pack(folder, chosen, with_discriminator)
        if show is not None:
            show(manifest)
        return None if dry_run else _send(folder, manifest, request)


def _send(folder: ModelFolder, manifest: Manifest, request: PushRequest) -> PushResult:
    """Send files as they are now, whatever is written to the folder meanwhile.

    Raises:
        ModelError: the weights are no longer those that were checked.
        HubError: what the Hub refused, or holds otherwise than it was sent.
    """
    names = list(manifest.sizes)
    with private_copy(folder.path, names) as copy:
        _refuse_other_weights(copy, folder)
        _check_card(ModelFolder(copy, folder.config))
        result = send(copy, names, request, manifest.summary)
    with suppress(ModelError):
        if file_digest(folder.path / MODEL) == folder.digest:
            return result
    log.warning("%s changed while it was sent: what is published is the file as it was before", folder.path / MODEL)
    return result


def _refuse_other_weights(copy: Path, folder: ModelFolder) -> None:
    """Refuse a copy of weights that is not of those that were read, scored and checked.

    Raises:
        ModelError: something else writes to the folder.
    """
    if file_digest(copy / MODEL) != folder.digest:
        raise ModelError(
            f"{folder.path / MODEL} changed while it was to be published, so nothing was: wait until what writes it is"
            " done, then do this again"
        )


def export(
    folder: ModelFolder,
    target: Path,
    license: str | None = None,
    unscored: bool = False,
    with_discriminator: bool = False,
    ask: Callable[[], str] | None = None,
) -> Manifest:
    """Write what the Hub would hold of a folder's model to a new folder, whose name its card calls the model by.

    Args:
        folder: of the model; it stays as it is.
        target: must be free.
        license: of the weights; the one that the folder or its card states, by default.
        unscored: take a model that has no score.
        with_discriminator: take D too, where the folder holds it.
        ask: called for the licence where none is stated; by default that is refused.

    Raises:
        UsageError: what a person can decide otherwise: the licence, a missing score, another target.
        ModelError: what the folder holds must not be published.
    """
    check_target(target, ", or an organisation/name of the Hub")
    chosen = _licence(folder, license, ask)
    folder.load()
    _ = folder.digest  # of what was loaded
    warn_of_unpackaged(folder.config.get(UNPACKAGED, ()))
    _check_scored(folder, unscored)
    manifest = pack(folder, chosen, with_discriminator)
    with atomic_folder(target) as copy:
        copy_files(folder.path, copy, manifest.sizes)
        _refuse_other_weights(copy, folder)
        published = with_cost(folder.config, folder.path)
        _write(ModelFolder(copy, folder.config), published, chosen, reference_to(target), False)
    return manifest


def check_target(target: Path, otherwise: str = "") -> None:
    """Refuse a folder to be made that is there already, or that could not be written to.

    Args:
        target: the folder.
        otherwise: what else than a new folder may be named.
    """
    if os.path.lexists(target):
        raise UsageError(f"{target} is there already: name a new folder{otherwise}")
    check_writable(target)


def copy_files(source: Path, target: Path, names: Iterable[str]) -> None:
    """Copy published files, such as ``pictures/curves.png``, from one folder of a model to another."""
    for name in names:
        (target / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(source / name, target / name)


def _licence(folder: ModelFolder, given: str | None, ask: Callable[[], str] | None) -> str:
    """The licence of the weights: somebody's choice, and never ours."""
    known = folder.config["license"]
    if known is not None and not known.strip():
        raise ModelError(f"the licence in {folder.path / CONFIG} was emptied: name one, with --license, such as mit")
    chosen = known or _stated(folder) if given is None else given
    if chosen is None and ask is not None:
        chosen = ask()
    if chosen is None:
        raise UsageError(
            f"{folder} states no licence of its weights, and nobody but their owner can choose one: say --license ID,"
            f" such as {EXAMPLES}"
        )
    return check_licence(chosen)


def _with_licence(folder: ModelFolder, license: str) -> ModelFolder:
    """The folder as it will be once the licence that its card states is recorded."""
    return ModelFolder(folder.path, {**folder.config, "license": license})


def check_licence(text: str) -> str:
    """The id of a licence.

    Raises:
        UsageError: the Hub knows none of that id; the text names those like it.
    """
    if text not in (known := known_licences()):
        like = f"; nearest: {', '.join(nearest(text.lower(), known))}" if text.strip() else ""
        raise UsageError(
            f"--license {quoted(text)} is no licence that the Hub knows: give one such as {EXAMPLES}{like}"
        )
    return text


def _stated(folder: ModelFolder) -> str | None:
    """The licence that the card's YAML block states, where a person wrote one that the Hub knows into it."""
    stated = stated_licence(folder) if os.path.lexists(folder.path / CARD) else None
    return stated if stated in known_licences() else None


def _check_scored(folder: ModelFolder, unscored: bool) -> None:
    """Refuse weights other than the scored ones, and a folder without a score unless that is wanted."""
    if folder.own_scores:
        return
    measure = command("eval", folder.path, "--data", "D")
    if folder.scores:
        raise ModelError(f"the scores in {folder} are of other weights than its own: measure these, {measure}")
    if not unscored:
        raise UsageError(f"{folder} has no score: measure one, {measure}, or say --unscored to publish without")


def _check_card(folder: ModelFolder) -> None:
    problems = check_card(folder)
    if problems:
        more = (
            f" (and {len(problems) - 1} more: {command('card', folder.path, '--check')})" if len(problems) > 1 else ""
        )
        raise ModelError(f"the card of {folder} is not fit to be published: {problems[0]}{more}")


def _write(
    folder: ModelFolder, config: Mapping[str, object], license: str, repo: str, with_discriminator: bool
) -> None:
    """Record licence and cost, export D if it is wanted and a training is there, and make the card say where it is."""
    folder.write_config({**config, "license": license})
    if with_discriminator:
        from ganzoo.folder.discriminator import export_discriminators

        path = folder.path / DISCRIMINATOR
        if checkpoints(folder.path) or not path.is_file():
            write_tensors(path, export_discriminators(folder.path, folder.config))
    write_text(folder.path / CARD, make_card(folder, ref=repo))
    _check_card(folder)


def pack(folder: ModelFolder, license: str, with_discriminator: bool = False) -> Manifest:
    """List what is published of a folder, and what is not.

    Raises:
        ModelError: for a published name that is no regular file, or is larger than it can be.
    """
    place = folder.path
    names = sorted(path.name for path in place.iterdir() if path.name != LOCK)
    deeper = [path for name in names if name in PUBLISHED_FOLDERS for path in _below(place / name)]
    inside = sorted(str(path.relative_to(place)) for path in deeper)
    wanted = [name for name in (*names, *inside) if largest(name) is not None]
    if not with_discriminator:
        wanted = [name for name in wanted if name != DISCRIMINATOR]
    if len(wanted) > MOST_FILES:
        raise ModelError(f"{folder} has {len(wanted):,} files to publish; a model has at most {MOST_FILES:,}")
    sizes = {name: _size(place / name, name) for name in wanted}
    stays = tuple(name for name in (*names, *inside) if name not in wanted and name not in PUBLISHED_FOLDERS)
    return Manifest(sizes, stays, license, f"{folder.config['recipe']} at step {folder.config['step']}")


def _below(place: Path) -> list[Path]:
    """The files under a folder, two levels deep; links are not followed."""
    if place.is_symlink() or not place.is_dir():
        raise ModelError(f"{place} is no folder; a model publishes regular files only")
    children = sorted(place.iterdir())
    deeper = [path for child in children if child.is_dir() and not child.is_symlink() for path in child.iterdir()]
    return [path for path in (*children, *deeper) if path.is_symlink() or not path.is_dir()]


def _size(path: Path, name: str) -> int:
    about, most = path.lstat(), largest(name) or 0
    if not stat.S_ISREG(about.st_mode):
        raise ModelError(f"{path} is not a regular file, and only those are published: remove it")
    if about.st_size > most:
        raise ModelError(f"{path} has {about.st_size:,} bytes; no {name} has more than {most:,}")
    return about.st_size
