"""From a reference to a folder: one on this machine, one that a package ships, or one fetched from the Hub."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import HubError, ModelError, UsageError
from ganzoo.files.paths import to_path
from ganzoo.files.streams import tell
from ganzoo.folder.layout import CONFIG
from ganzoo.folder.model import ModelFolder
from ganzoo.hub.references import Reference, default_repo, parse
from ganzoo.hub.shipped import shipped_folder

if TYPE_CHECKING:
    import torch

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

    def load(
        self, device: str | torch.device = "cpu", step: int | str | None = None, discriminator: bool = False
    ) -> GAN:
        """The model, ready to sample, as :meth:`ModelFolder.load` has it; errors call it by its label."""
        try:
            gan = self.folder.load(device, step, discriminator)
        except ModelError as error:
            raise ModelError(str(error).replace(str(self.folder), self.label)) from error
        gan.loaded = None if gan.loaded is None else replace(gan.loaded, label=self.label)
        return gan


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
        UsageError: for a reference that is none, or that may mean a folder that is here as well as a model of the Hub.
        HubError: the Hub does not have it, or cannot be reached and the model is not in the cache.
        ModelError: what the Hub has is no model of ganzoo.
    """
    try:
        asked = parse(ref, revision)
    except UsageError as error:
        raise UsageError(f"{error}{_meant(str(ref))}") from error
    if asked.folder is not None:
        return ModelReference(ModelFolder(asked.folder), str(asked.folder))
    folder = shipped_folder(asked.name) if asked.name and asked.revision is None else None
    if folder is not None:
        return ModelReference(ModelFolder(folder), str(asked.name))
    from ganzoo.hub.fetch import fetch

    if asked.repo and asked.revision is None and (Path(asked.repo) / CONFIG).is_file():
        raise UsageError(
            f"{ref} is a folder here, and may be a model of the Hub too: write ./{ref} for the folder,"
            f" or {ref}@main for the Hub's"
        )
    repo = repo_of(asked)
    try:
        fetched = fetch(repo, asked.revision, token, also)
    except HubError as error:
        raise type(error)(f"{error}{_meant(str(ref))}") from error
    say_whose(asked, repo)
    return ModelReference(fetched, f"{repo}@{asked.revision or fetched.path.name[:7]}")


def _meant(ref: str) -> str:
    """What somebody may have meant by a reference to which there is no model: a folder, or one of another name."""
    from ganzoo.hub.known import hint

    folder = Path(ref) if Path(ref).is_dir() else Path(ref).parent
    return f"; for the folder of that name write ./{folder}" if (folder / CONFIG).is_file() else f"; {hint(ref)}"


def repo_of(asked: Reference) -> str:
    """The repository that a reference to the Hub means; a bare name is one of the default organisation's."""
    return asked.repo or default_repo(str(asked.name))


def say_whose(asked: Reference, repo: str) -> None:
    """Print what a bare name was taken for, on stderr; an error names the repository itself."""
    if asked.repo is None:
        tell(f"ganzoo: {asked.name} is {repo} of the Hub; no package ships it")


def on_command_line(model: str, also: Collection[str] = ()) -> ModelReference:
    """What a command calls MODEL: that folder if there is one, else a reference.

    Raises:
        GanzooError: as :func:`locate`; of what is not found the message says that there is no such folder either.
    """
    folder = to_path(model, "model")
    if folder.is_dir():
        return ModelReference(ModelFolder(folder), model)
    try:
        return locate(model, also=also)
    except (HubError, UsageError) as error:
        raise type(error)(f"{error}; and there is no folder {model}") from error
