"""A GAN: networks that take turns.

The trainer asks for :meth:`GAN.turns`, calls each turn's ``loss`` and steps that player's networks; what a loss
means, which parts add to it and how labels enter is settled by the game (see :mod:`ganzoo.gan.game`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from ganzoo.compat.lookup import old_attribute
from ganzoo.gan.explored import Explored
from ganzoo.gan.game import Game, Parts, Turn
from ganzoo.gan.kit import Kit
from ganzoo.gan.module import Networks
from ganzoo.gan.published import Published
from ganzoo.gan.sampled import Sampled
from ganzoo.gan.shown import Shown
from ganzoo.gan.styled import Styled
from ganzoo.parts.freeze import frozen_networks
from ganzoo.parts.regularizer import Regularizer
from ganzoo.parts.update import Update
from ganzoo.registry.sizes import Size, height_width, size_of

if TYPE_CHECKING:
    from ganzoo.plan.plan import Plan


class GAN(Sampled, Styled, Explored, Published, Shown, Networks):
    """Networks, and the game (the training scheme) that they play.

    Args:
        networks: by name; each becomes a direct child, such as ``gan.G``.
        critics: what acts in turns, for each critic; parts with state become children too, so that they are saved.
        plan: what it was built from.
        resolution: of the images: the side of squares, or height and width.
        channels: of the images.
        classes: length of the label vectors, the number of classes; 0 for an unconditional GAN.
        z_dim: length of the noise without the codes of regularizers.
        kits: what the networks were built from, by side.

    Attributes:
        G: the generator, or the first of several.
        D: the discriminator, or the first of several; a model that was loaded to sample has none.
    """

    G: nn.Module
    D: nn.Module

    def __init__(
        self,
        networks: Mapping[str, nn.Module],
        critics: Mapping[str, Parts],
        plan: Plan,
        game: Callable[[GAN], Game],
        *,
        resolution: Size,
        channels: int,
        classes: int,
        z_dim: int,
        kits: Mapping[str, Kit],
    ) -> None:
        super().__init__()
        self.plan, self.critics = plan, dict(critics)
        self.height, self.width = height_width(resolution)
        self.channels, self.classes, self.z_dim = channels, classes, z_dim
        self.class_names: tuple[str, ...] = tuple(str(k) for k in range(classes))
        self.class_counts: tuple[int, ...] | None = None  # pictures of each class that it learned from, where known
        self.bits = 8  # of each value of the data it learned from, which pictures of its samples keep
        self.kits = kits
        for name, network in networks.items():
            self.add_module(name, network)
        for name, part in self._acting():
            if isinstance(part, nn.Module):
                self.add_module(name, part)
        # Names of frozen networks that its training looks through; a score on one of them flatters it.
        self.looked_through = frozenset(str(inner.name) for inner in frozen_networks(self))
        self.examples: Mapping[str, Tensor] = {}
        self.sources_are_final = False  # whether examples as large as images are what a person wants enlarged
        self.data_count: int | None = None  # images that it learns from, in a training
        self.data_labels: Tensor | None = None  # of all its data, in a training
        self.label_rows: Sequence[Tensor] = ()  # label vectors of its training, which samples take in turn
        self.update: Update | None = None  # the one under way, which the trainer says
        self.game = game(self)

    @property
    def resolution(self) -> int:
        """Height of the images in pixels: the side of squares."""
        return self.height

    @property
    def size(self) -> Size:
        """What ``resolution=`` built it: the side of squares, or height and width."""
        return size_of(self.height, self.width)

    @property
    def takes(self) -> frozenset[str]:
        """What 0.1.0 called :attr:`input_names`."""
        return old_attribute(self, "takes")

    @property
    def players(self) -> dict[str, tuple[str, ...]]:
        """Networks by player, such as ``{"d": ("D",), "g": ("G",)}``."""
        return dict(self.game.players)

    @property
    def parts(self) -> Parts:
        """The loss, regularizers and augmentations of the first critic."""
        return next(iter(self.critics.values()))

    def _acting(self) -> Iterator[tuple[str, Any]]:
        """The parts that act in turns, by the name of the child that one with a state is."""
        for critic, parts in self.critics.items():
            own = "" if parts is self.parts else f"{critic}_"
            for name, part in parts.all().items():
                yield f"part_{own}{name.replace('.', '_')}", part

    def modules_of(self, player: str) -> dict[str, nn.Module]:
        """What learns in the updates of a player, by name: its networks, and the regularizers that it owns."""
        owned = {
            name: part
            for name, part in self._acting()
            if isinstance(part, nn.Module) and isinstance(part, Regularizer) and part.owner == player
        }
        return {**{name: self.get_submodule(name) for name in self.players[player]}, **owned}

    @property
    def regularizers(self) -> list[Regularizer]:
        """The regularizers of every critic."""
        return [part for parts in self.critics.values() for part in parts.regularizers.values()]

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The networks of every player by name."""
        return {name: self.get_submodule(name) for names in self.players.values() for name in names}

    @property
    def sites(self) -> dict[str, dict[int, bool]]:
        """Heights of the maps where attention can stand, by side; True where it does unless a recipe says a number."""
        return {side: kit.sites for side, kit in self.kits.items()}

    def turns(self) -> list[Turn]:
        """The updates of one step, in order: see :meth:`Game.turns`."""
        return self.game.turns()

    def one_hot(self, labels: Tensor | None, n: int) -> Tensor:
        """What 0.1.0 called :meth:`label_vectors`."""
        return old_attribute(self, "one_hot")(labels, n)
