"""The files of a Space that shows a model: an app of two lines, what it needs, and the card that the Hub reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

from ganzoo.errors import HubError, UsageError, either
from ganzoo.folder.config import UNPACKAGED
from ganzoo.folder.layout import CARD
from ganzoo.folder.model import ModelFolder
from ganzoo.hub.client import page
from ganzoo.hub.push import PushRequest, PushResult
from ganzoo.hub.references import check_repo
from ganzoo.hub.space import APP, MARK, SDK, SpaceRequest, SpaceResult, check_space, send_space
from ganzoo.publish.push import Manifest
from ganzoo.registry.about import DISTRIBUTION, requirement

README, REQUIREMENTS = CARD, "requirements.txt"  # what a repository of the Hub is described by has one name
EMOJI, FROM, TO = "🎲", "yellow", "indigo"  # of a Space's card


def space_request(space: str | bool | None, request: PushRequest) -> SpaceRequest:
    """The Space that was asked for beside a push.

    Args:
        space: ``org/name``; True for the name of the model.
        request: of the model.

    Raises:
        UsageError: it has no such name, or the push is a proposal.
    """
    if request.create_pr:
        raise UsageError("--create-pr proposes a change, and a Space would show the model without it: leave one out")
    name = check_repo(request.repo if space is True else str(space))
    return SpaceRequest(name, request.repo, request.private, request.token)


def space_files(config: Mapping[str, Any], request: PushRequest, space: str, license: str) -> dict[str, str]:
    """The texts of a Space's files by name.

    Args:
        config: of the model.
        request: its push.
        space: ``org/name``.
        license: of the weights.

    Raises:
        UsageError: no other program can load the model.
    """
    if config.get(UNPACKAGED):
        raise UsageError(
            f"no Space can load this model: {either(config[UNPACKAGED], 'and')} is of no package; leave --space out"
        )
    ref = request.repo if request.revision is None else f"{request.repo}@{request.revision}"
    needs = [requirement("demo"), *(f"{name}>={number}" for name, number in sorted(config["plugins"].items()))]
    return {
        APP: f'# {MARK}\nimport ganzoo\n\nganzoo.demo("{ref}").launch()\n',
        REQUIREMENTS: "\n".join([f"# {MARK}", *needs, ""]),
        README: _card(config, request.repo, space, license),
    }


def _card(config: Mapping[str, Any], model: str, space: str, license: str) -> str:
    from huggingface_hub import SpaceCardData

    facts = SpaceCardData(
        title=space.rpartition("/")[2],
        emoji=EMOJI,
        colorFrom=FROM,
        colorTo=TO,
        sdk=SDK,
        sdk_version=gradio_version(),
        app_file=APP,
        models=[model],
        license=license,
    )
    text = f"[{model}]({page(model)}), a GAN of ganzoo to play with: seeds, and whatever else it takes."
    return f"---\n# {MARK}\n{facts.to_yaml()}\n---\n\n{text}\n"


def gradio_version() -> str:
    """The version of Gradio that a Space is made with: the one that is here, else the oldest that will do."""
    from packaging.requirements import Requirement

    try:
        return version(SDK)
    except PackageNotFoundError:
        wanted = [Requirement(text) for text in requires(DISTRIBUTION) or ()]
        (oldest,) = (bound.version for one in wanted if one.name == SDK for bound in one.specifier)
        return oldest


class SpacePush:
    """The Space of a model that is being pushed: looked at before the model goes, and sent after it.

    It is called with what goes, as ``show`` of :func:`ganzoo.publish.push.push` is.

    Args:
        folder: of the model.
        request: its push.
        space: as :func:`space_request` gives it.
        look: whether the Hub is asked what is there; not in a dry run.
        show: called with the manifest first.

    Attributes:
        files: texts by name, once it was called.

    Raises:
        UsageError, HubError: when called: what keeps the Space from being made. Nothing was sent.
    """

    def __init__(
        self,
        folder: ModelFolder,
        request: PushRequest,
        space: SpaceRequest,
        look: bool = True,
        show: Callable[[Manifest], None] | None = None,
    ) -> None:
        self.folder, self.request, self.space, self.look, self.show = folder, request, space, look, show
        self.files: dict[str, str] = {}

    def __call__(self, manifest: Manifest) -> None:
        """Make the files, and refuse what can be known to fail."""
        if self.show is not None:
            self.show(manifest)
        self.files = space_files(self.folder.config, self.request, self.space.space, manifest.license)
        if self.look:
            check_space(self.space, self.files[README])

    def send(self, pushed: PushResult) -> SpaceResult:
        """Send the Space of a model that was pushed.

        Raises:
            UsageError, HubError: what the Hub refused, and that the model is there.
        """
        try:
            return send_space(self.space, self.files)
        except (HubError, UsageError) as error:
            raise type(error)(
                f"{pushed.url} was pushed, and its Space {self.space.space} was not: {error}. The same command again"
                " makes it, and sends nothing twice"
            ) from error
