"""How the networks of a GAN play: players, the turns that they take, and the parts that act in them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn

from ganzoo.compat.lookup import old_attribute, warn
from ganzoo.gan.inputs import NOISE
from ganzoo.parts.augment import Augment
from ganzoo.parts.complete import complete
from ganzoo.parts.context import Batch
from ganzoo.parts.loss import Loss
from ganzoo.parts.regularizer import Regularizer
from ganzoo.parts.update import Update


@dataclass
class Turn:
    """One update of one player: a forward and a backward pass and a step of its optimiser.

    Attributes:
        player: a key of ``GAN.players``; its networks learn, all others are frozen.
        loss: ``loss(batch, step)`` returns named terms, already weighted, to be summed.
        name: how logs call it; the player's name by default.
        every, start, stop: the turn is taken in steps ``start <= step < stop`` with ``step % every == 0``.
        after: called once the optimiser has stepped.
    """

    player: str
    loss: Callable[[Batch, int], dict[str, Tensor]]
    name: str = ""
    every: int = 1
    start: int = 0
    stop: int | None = None
    after: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        self.name = self.name or self.player

    def due(self, step: int) -> bool:
        """Whether the turn is taken in ``step``."""
        return step % self.every == 0 and self.start <= step and (self.stop is None or step < self.stop)


@dataclass
class Parts:
    """The parts of a plan that act in turns, built, and completed by the base class of their kind."""

    loss: Loss
    regularizers: Mapping[str, Regularizer] = field(default_factory=dict)
    augments: Mapping[str, Augment] = field(default_factory=dict)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "loss":
            made: Any = complete(value, Loss, name)
        else:
            base = Regularizer if name == "regularizers" else Augment
            made = {part: complete(value[part], base, part) for part in value}
        super().__setattr__(name, made)

    def all(self) -> dict[str, Any]:
        """Every part by name; the loss is called ``loss``."""
        return {"loss": self.loss, **self.regularizers, **self.augments}


class Game(nn.Module, ABC):
    """How the networks of a GAN play: subclasses name the players and list their turns.

    What it must remember between turns is a buffer, or a module of its own: both are saved, as ``game.…``.

    Attributes:
        players: networks by player.
        critics: discriminators; each has parts of its own in ``gan.critics``.
        inputs: of the generator: ``z`` for noise, ``source`` for images, ``text``. ``gan.G`` is called
            ``G(z, y)``, with a source image in place of noise where noise is no input, and all others by name. Data
            has to have a column for each but noise.
        published: networks of other players than ``g`` that a model is of use with, such as an encoder: they are
            averaged, saved and loaded as the generator's are.
        accumulates: whether all that its losses see of a batch is what :meth:`ganzoo.Adversary.context` gives, so that
            a batch may go through the networks in pieces.

    Args:
        gan: the networks (``gan.G``, ``gan.D``, ...) and the parts that a plan chose.

    Keyword-only arguments of a subclass are options of its architecture's name in recipes, such as ``pix2pix:l1=10``.
    """

    gan: Any  # its networks are attributes that a plan names
    players: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    critics: ClassVar[tuple[str, ...]] = ("D",)
    inputs: ClassVar[frozenset[str]] = frozenset({NOISE})
    published: ClassVar[tuple[str, ...]] = ()
    accumulates: ClassVar[bool] = False

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "takes" in vars(cls):  # as 0.1.0 called it
            warn(f"{cls.__name__}.takes", f"{cls.__name__}.inputs", depth=4)  # past ABCMeta.__new__
            cls.inputs = vars(cls)["takes"]

    def __init__(self, gan: nn.Module) -> None:
        super().__init__()
        self.__dict__["gan"] = gan  # whose child the game is, so it must not be a child of the game

    if not TYPE_CHECKING:  # for type checkers an attribute that is not there stays an error

        def __getattr__(self, name: str) -> Any:
            """What 0.1.0 called its attributes; asked only for what is not there."""
            try:
                return super().__getattr__(name)
            except AttributeError:
                return old_attribute(self, name)

    @abstractmethod
    def turns(self) -> list[Turn]:
        """The updates of one step, in the order in which they are taken; which are due, :meth:`Turn.due` says."""

    @property
    def phases(self) -> int:
        """How many phases a training has in which the networks work differently; 1 by default."""
        return 1

    def enter(self, phase: int) -> None:
        """Bring the networks into a phase, counted from 0; what a training does by itself as it goes on."""

    def phase_of(self, at: Update) -> int:
        """The phase that an update falls into; 0 by default."""
        return 0

    def hold(self, phase: int) -> None:
        """Stay in a phase whatever the update, so that a step of it can be timed."""

    def remarks(self) -> list[str]:
        """What is to be said of the images that the generator draws now, in a line each; usually nothing."""
        return []

    def accuracy(self) -> tuple[float, float] | None:
        """D's accuracy on the last real and on the last fake images, in [0, 1]; None before its first turn."""
        return None
