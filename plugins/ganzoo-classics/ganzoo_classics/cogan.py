"""CoGAN: two domains learnt together without pairs, by networks that share what they have in common.

Coupled Generative Adversarial Networks (Liu & Tuzel 2016, arXiv 1606.07536), sections 3 and 4. Of one z two generators
draw an image each; all of their layers but the last are the same, and so are all layers of the two discriminators but
the first. Each pair of G_k and D_k plays by itself, so no D ever sees two images that belong together:

    D_1, D_2:  Σ_k  -E log D_k(x_k) - E log(1 - D_k(G_k(z)))
    G_1, G_2:  Σ_k  -E log D_k(G_k(z))

The second domain is made of the data, as in the paper's section 4: negatives of images, or their edges, which are what
a dilation adds. How ours differs: every D_k sees images of the whole batch, in its own domain, where the paper splits
the data; heads are two, so that each D has the conditioning that a recipe says; networks as of DCGAN, for images of any
size, with the paper's layer of 500 units at the end of D.

``G(z, y)`` is an image of the first domain, ``gan.game.pair(z, y)`` both. D judges the first domain, E the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo import GAN, Adversary, Batch, Discriminator, Generator, Kit, NoiseGame, Turn, TurnContext, within
from ganzoo.layers import TransposedConv2d
from ganzoo.parts import global_draw
from ganzoo_classics.convolutions import Looking, Maps, check_widths
from ganzoo_classics.encoding import Couples

Domain = Literal["inverted", "edges"]


def inverted(x: Tensor) -> Tensor:
    """The negative of images in [-1, 1]."""
    return -x


def edges(x: Tensor) -> Tensor:
    """What a dilation by 3x3 pixels adds to images ``(B, C, H, W)`` in [-1, 1], in that range again."""
    return F.max_pool2d(x, 3, stride=1, padding=1) - x - 1


DOMAINS: Mapping[str, Callable[[Tensor], Tensor]] = {"inverted": inverted, "edges": edges}


class CoupledGenerator(Generator):
    """Two generators with one trunk, and a last layer each."""

    def __init__(self, kit: Kit, ch: int) -> None:
        super().__init__(kit, Maps("cogan", kit, kit.latent, ch))
        self.images = nn.ModuleList(TransposedConv2d(ch, kit.channels) for _ in range(2))

    def maps(self, z: Tensor, y: Tensor) -> Tensor:
        """What both images are drawn from."""
        maps: Tensor = super().forward(z, y)
        return maps

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` in [-1, 1] of the first domain, of noise ``(B, z_dim)`` and label vectors."""
        return torch.tanh(self.images[0](self.maps(z, y)))

    def second(self, z: Tensor, y: Tensor) -> Tensor:
        """The same of the second domain."""
        return torch.tanh(self.images[1](self.maps(z, y)))

    def pair(self, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Images of both."""
        first, second = (torch.tanh(image(self.maps(z, y))) for image in self.images)
        return first, second


class Common(nn.Module):
    """What the discriminators share: all stages but the first, and a layer of units."""

    def __init__(self, stages: nn.ModuleList, features: int, units: int) -> None:
        super().__init__()
        self.stages, self.joint = stages, nn.Linear(features, units)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Features ``(B, units)`` of maps."""
        for stage in self.stages:
            x = stage(x, y)
        return F.leaky_relu(self.joint(x.flatten(1)), 0.2)


class CoupledTrunk(nn.Module):
    """A first stage of its own, and what both discriminators have in common.

    Args:
        first: takes images.
        common: the rest.
        owner: whether ``common`` is part of this network; the other one only uses it, and so it is learnt, saved and
            reparametrised once.
    """

    def __init__(self, first: nn.Module, common: Common, owner: bool) -> None:
        super().__init__()
        self.first = first
        if owner:
            self.common = common
        else:
            self.__dict__["common"] = common  # past the modules that belong to this one

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        return [(self.first,), *((stage,) for stage in self.common.stages), (self.common.joint,)]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Features ``(B, units)`` of images."""
        features: Tensor = self.common(self.first(x, y), y)
        return features


class Second(Discriminator):
    """The discriminator that uses what the other one owns; so its layers cannot be counted by themselves."""

    def __init__(self, kit: Kit, trunk: nn.Module, features: int) -> None:
        super().__init__(kit, trunk, features)
        self.shapes = None  # type: ignore[assignment]


def cogan(g: Kit, d: Kit, *, ch: int = 64, ch_d: int | None = None, joint: int = 500) -> dict[str, nn.Module]:
    """Two GANs with layers in common learn two domains without pairs (Liu & Tuzel 2016, arXiv 1606.07536).

    Of one noise they draw the same image twice, as each domain has it. Attention sites of G and D are all maps below
    the image's size; own ones the largest of them, 32 at most.

    Args:
        g, d: kits of the two sides.
        ch: channels of the largest map of G below the image's size; they double with every halving.
        ch_d: the same of D; ``ch`` by default.
        joint: units of the layer that both D end in.
    """
    wide = check_widths("cogan", ch, ch_d)
    within("cogan:joint", joint, 1)
    looking, other = (Looking("cogan", d, d.inputs, wide) for _ in range(2))
    common = Common(looking.stages[1:], looking.features, joint)
    return {
        "G": CoupledGenerator(g, ch),
        "D": Discriminator(d, CoupledTrunk(looking.stages[0], common, owner=True), joint),
        "E": Second(d, CoupledTrunk(other.stages[0], common, owner=False), joint),
    }


class CoupledGame(Couples, NoiseGame):
    """Two adversaries, one noise.

    Args:
        gan: whose networks play.
        domain: what the second domain shows: negatives of images (``inverted``), or what a dilation adds (``edges``).
    """

    players: ClassVar[Mapping[str, tuple[str, ...]]] = {"d": ("D", "E"), "g": ("G",)}
    critics: ClassVar[tuple[str, ...]] = ("D", "E")
    accumulates = False

    def __init__(self, gan: GAN, *, domain: Domain = "inverted") -> None:
        super().__init__(gan)
        self.second, self.moved_to = Adversary(gan, "E"), DOMAINS[domain]

    def turns(self) -> list[Turn]:
        """Both critics judge, then G answers."""
        return [Turn("d", self.discriminator_loss, after=self.after), Turn("g", self.generator_loss)]

    def discriminator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The terms of both critics, those of the second domain marked."""
        return {
            f"{name}{mark}": term
            for mark, adversary, ctx in self.contexts(batch, step, "d")
            for name, term in adversary.discriminator_loss(ctx).items()
        }

    def generator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """G's terms in both domains."""
        return {
            f"{name}{mark}": term
            for mark, adversary, ctx in self.contexts(batch, step, "g")
            for name, term in adversary.generator_loss(ctx).items()
        }

    def contexts(self, batch: Batch, step: int, side: str) -> Iterator[tuple[str, Adversary, TurnContext]]:
        """For each domain the mark of its terms, its adversary and this turn's images, of one noise."""
        gan: Any = self.gan
        real, labels = batch["image"], batch.get("label")
        z = global_draw(lambda n: gan.G.prior(n, torch.default_generator), len(real)).to(real, non_blocking=True)
        asked = None if labels is None else self.draw_labels(gan, labels, len(real))
        y_fake = None if asked is None else gan.label_vectors(asked, len(real)).to(real, non_blocking=True)
        first = self.adversary.context(batch, step, side, real, z, gan.G, y_fake=y_fake)
        yield "", self.adversary, first
        moved = {**batch, "image": self.moved(real)}
        yield (
            "_second",
            self.second,
            self.second.context(moved, step, side, moved["image"], z, gan.G.second, y_fake=y_fake),
        )

    def after(self) -> None:
        """What the loss does to both critics once they have stepped."""
        self.adversary.after()
        self.second.after()

    def pair(self, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Images of both domains, of one noise."""
        gan: Any = self.gan
        first, second = gan.G.pair(z, y)
        return first, second

    def moved(self, x: Tensor) -> Tensor:
        """Images of the first domain as the second one has them."""
        return self.moved_to(x)
