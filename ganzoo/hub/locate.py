"""From a reference to a folder: one on this machine, one that a package ships, or one fetched from the Hub."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import HubError, ModelError
from ganzoo.folder.model import ModelFolder
from ganzoo.hub.references import Reference, default_repo, parse
from ganzoo.hub.shipped import shipped_folder

if TYPE_CHECKING:
    from ganzoo.gan.gan import GAN


@dataclass(frozen=True)
class ModelReference:
    """A reference followed to its end.

    Attributes:
        folder: of the model, on this machine.
        label: what a person calls the model.
    """

    folder: ModelFolder
    label: str

    def load(self, device: str = "cpu", step: int | str | None = None) -> GAN:
        """The model, ready to sample, as :meth:`ModelFolder.load` has it; errors call it by its label."""
        try:
            return self.folder.load(device, step)
        except ModelError as error:
            raise ModelError(str(error).replace(str(self.folder), self.label)) from error


def locate(
    ref: str | PathLike[str], revision: str | None = None, token: str | None = None, also: Collection[str] = ()
) -> ModelReference:
    """Find a model, fetching it if it is on the Hub.

    Args:
        ref: as :func:`ganzoo.load` takes it.
        revision: branch, tag or commit of a model of the Hub.
        token: of the Hub.
        also: further published files to fetch, such as ``metrics.json``, where the model has them.

    Raises:
        UsageError: for a reference that is none.
        HubError: the Hub does not have it, or cannot be reached and the model is not in the cache.
        ModelError: what the Hub has is no model of ganzoo.
    """
    asked = parse(ref, revision)
    if asked.folder is not None:
        return ModelReference(ModelFolder(asked.folder), str(asked.folder))
    folder = shipped_folder(asked.name) if asked.name and asked.revision is None else None
    if folder is not None:
        return ModelReference(ModelFolder(folder), str(asked.name))
    from ganzoo.hub.fetch import fetch

    repo = repo_of(asked)
    try:
        fetched = fetch(repo, asked.revision, token, also)
    except HubError as error:
        here = Path(ref)
        hint = f"; the folder of that name is ./{ref}" if here.is_dir() else ""
        raise type(error)(f"{error}{hint}") from error
    say_whose(asked, repo)
    return ModelReference(fetched, f"{repo}@{asked.revision or fetched.path.name[:7]}")


def repo_of(asked: Reference) -> str:
    """The repository that a reference to the Hub means; a bare name is one of the default organisation's."""
    return asked.repo or default_repo(str(asked.name))


def say_whose(asked: Reference, repo: str) -> None:
    """Print what a bare name was taken for, on stderr; an error names the repository itself."""
    if asked.repo is None:
        print(f"ganzoo: {asked.name} is {repo} of the Hub; no package ships it", file=sys.stderr)


def on_command_line(model: str, also: Collection[str] = ()) -> ModelReference:
    """What a command calls MODEL: that folder if there is one, else a reference.

    Raises:
        GanzooError: as :func:`locate`; of what is not found the message says that there is no such folder either.
    """
    from ganzoo.errors import UsageError

    folder = Path(model).expanduser()
    if folder.is_dir():
        return ModelReference(ModelFolder(folder), model)
    try:
        return locate(model, also=also)
    except (HubError, UsageError) as error:
        raise type(error)(f"{error}; and there is no folder {model}") from error
