"""timm for GANs: build, train, score and share GANs by name.

Nothing heavy is imported until it is used, so that ``ganzoo --help`` and ``ganzoo list`` start without torch.

Example:
    >>> import ganzoo
    >>> gan = ganzoo.build("sagan+sn+hinge", resolution=32, classes=10)
    >>> run = ganzoo.train("dcgan+sn+hinge", data="digits", steps=200, out="runs/first")
    >>> ganzoo.load("./runs/first").sample(16, seed=0, output="pil")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ganzoo.compat.lookup import install, old_names
from ganzoo.errors import (
    CardError,
    DataError,
    GanzooError,
    HubError,
    HubUnreachable,
    ModelError,
    NotOnHub,
    PluginError,
    RecipeError,
    ResolutionError,
    RunError,
    UnknownPart,
    UsageError,
    either,
    nearest,
    within,
)
from ganzoo.files.paths import provide_cache
from ganzoo.registry.about import VERSION as __version__
from ganzoo.registry.hookspecs import PLUGIN_API, Register, hookimpl
from ganzoo.registry.leads import lead
from ganzoo.schedules import Number

if TYPE_CHECKING:
    from ganzoo import testing
    from ganzoo.api import create, directions, info, list, list_models, load, register
    from ganzoo.demos.page import demo
    from ganzoo.foreign.importing import load_foreign
    from ganzoo.gan.adversary import Adversary
    from ganzoo.gan.builder import build
    from ganzoo.gan.game import Game, Turn
    from ganzoo.gan.gan import GAN
    from ganzoo.gan.kit import Discriminator, Generator, Kit
    from ganzoo.gan.noise import NoiseGame
    from ganzoo.gan.style import StyleGenerator
    from ganzoo.parts.conditioning import Conditioning
    from ganzoo.parts.context import Batch, Critic, TurnContext
    from ganzoo.parts.output import Output
    from ganzoo.publish.hub import pull, push
    from ganzoo.scoring.inspection import inspect
    from ganzoo.scoring.neighbours import neighbours
    from ganzoo.scoring.score import evaluate
    from ganzoo.training.finished import Run
    from ganzoo.training.loop import Trainer
    from ganzoo.training.train import train

_HOMES = {
    "create": "ganzoo.api",
    "directions": "ganzoo.api",
    "demo": "ganzoo.demos.page",
    "info": "ganzoo.api",
    "list": "ganzoo.api",
    "list_models": "ganzoo.api",
    "load": "ganzoo.api",
    "load_foreign": "ganzoo.foreign.importing",
    "register": "ganzoo.api",
    "build": "ganzoo.gan.builder",
    "Adversary": "ganzoo.gan.adversary",
    "GAN": "ganzoo.gan.gan",
    "Batch": "ganzoo.parts.context",
    "Critic": "ganzoo.parts.context",
    "Game": "ganzoo.gan.game",
    "Turn": "ganzoo.gan.game",
    "TurnContext": "ganzoo.parts.context",
    "Conditioning": "ganzoo.parts.conditioning",
    "Discriminator": "ganzoo.gan.kit",
    "Generator": "ganzoo.gan.kit",
    "Kit": "ganzoo.gan.kit",
    "StyleGenerator": "ganzoo.gan.style",
    "NoiseGame": "ganzoo.gan.noise",
    "Output": "ganzoo.parts.output",
    "pull": "ganzoo.publish.hub",
    "push": "ganzoo.publish.hub",
    "Trainer": "ganzoo.training.loop",
    "evaluate": "ganzoo.scoring.score",
    "inspect": "ganzoo.scoring.inspection",
    "neighbours": "ganzoo.scoring.neighbours",
    "Run": "ganzoo.training.finished",
    "train": "ganzoo.training.train",
}

__all__ = [
    "GAN",
    "PLUGIN_API",
    "Adversary",
    "Batch",
    "CardError",
    "Conditioning",
    "Critic",
    "DataError",
    "Discriminator",
    "Game",
    "GanzooError",
    "Generator",
    "HubError",
    "HubUnreachable",
    "Kit",
    "ModelError",
    "NoiseGame",
    "NotOnHub",
    "Number",
    "Output",
    "PluginError",
    "RecipeError",
    "Register",
    "ResolutionError",
    "Run",
    "RunError",
    "StyleGenerator",
    "Trainer",
    "Turn",
    "TurnContext",
    "UnknownPart",
    "UsageError",
    "__version__",
    "build",
    "create",
    "demo",
    "directions",
    "either",
    "evaluate",
    "hookimpl",
    "info",
    "inspect",
    "list",
    "list_models",
    "load",
    "load_foreign",
    "nearest",
    "neighbours",
    "pull",
    "push",
    "register",
    "testing",
    "train",
    "within",
]

_of_before = old_names(__name__, depth=4)
install()
provide_cache()


if not TYPE_CHECKING:  # for type checkers a misspelt name stays an error

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first used."""
        if name == "testing":
            return import_module("ganzoo.testing")
        if name in _HOMES:
            return getattr(import_module(_HOMES[name]), name)
        try:
            return _of_before(name)
        except AttributeError as error:
            raise AttributeError(f"{error}{_meant(name)}", name=name) from None


def _meant(name: str) -> str:
    """What somebody may have meant by a name that is none of ours; nothing for what Python itself looks for."""
    if name.startswith("_"):
        return ""
    return lead(name, "name", __all__) or f"; nearest: {', '.join(nearest(name, __all__))}"


def __dir__() -> Any:  # ``list`` is a name of this module
    return sorted(__all__)
