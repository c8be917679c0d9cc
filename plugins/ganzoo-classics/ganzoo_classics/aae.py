"""AAE: an autoencoder whose codes an adversary makes look like a prior.

Adversarial Autoencoders (Makhzani et al. 2015, arXiv 1511.05644), sections 2 and 3, with the networks of its
likelihoods on MNIST: E, G and D have two hidden layers of 1000 ReLUs, codes 8 dimensions.

    D:       -E log D(z) - E log(1 - D(E(x))),  z of the prior
    E:       -E log D(E(x)) + λ·E‖x - G(E(x))‖²
    G:       λ·E‖x - G(E(x))‖²

How ours differs: the deterministic encoder of the paper's three; reconstruction and adversary in one update of E, where
the paper takes one after the other, so their balance is the option ``reconstruction``; the squared error is a mean over
pixels; images end in tanh, as they are in [-1, 1] here; Adam stands for SGD with momentum. Any loss, and any
regularizer of scores or gradients, plays on codes, which D is shown as images of one pixel with a channel for each
number; augmentations have nothing to change there, but colours that they would refuse.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganzoo import GAN, Adversary, Batch, Discriminator, Game, Generator, Kit, Turn, TurnContext, within
from ganzoo.layers import relu_after
from ganzoo.parts import accurate, global_draw
from ganzoo_classics.encoding import Encodes

DEEPEST = 100  # hidden layers


class Hidden(nn.Module):
    """Linear, norm, ReLU; the norm is of a kit, or none."""

    def __init__(self, inputs: int, outputs: int, norm: nn.Module, bias: bool) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(inputs, outputs, bias=bias), norm
        self.relu = relu_after(norm)

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        """``(B, inputs)`` to ``(B, outputs)``."""
        return self.relu(self.norm(self.linear(h), c))


class Layers(nn.Module):
    """Hidden layers one after the other.

    Args:
        kit: whose norms.
        widths: of the input and of each layer.
        labels: whether norms may see labels, or another context.
    """

    def __init__(self, kit: Kit, widths: Sequence[int], labels: bool = True) -> None:
        super().__init__()
        self.hidden = nn.ModuleList(Hidden(a, b, kit.norm(b, labels=labels), kit.bias) for a, b in pairwise(widths))

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the input on."""
        return [(layer,) for layer in self.hidden]

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """``(B, ...)``, flattened, to ``(B, widths[-1])``."""
        h = x.flatten(1)
        for layer in self.hidden:
            h = layer(h, c)
        return h


class Decoder(nn.Module):
    """``(B, latent)`` to an image ``(B, C, H, W)`` in [-1, 1]."""

    def __init__(self, kit: Kit, width: int, depth: int) -> None:
        super().__init__()
        self.shape = kit.image
        self.layers = Layers(kit, [kit.latent, *[width] * depth])
        self.image = nn.Linear(width, math.prod(self.shape))

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        """Images of codes."""
        return torch.tanh(self.image(self.layers(h, c))).unflatten(1, self.shape)


class Encoder(nn.Module):
    """Images ``(B, C, H, W)`` to codes ``(B, z_dim)``; it is told no labels."""

    def __init__(self, kit: Kit, width: int, depth: int) -> None:
        super().__init__()
        self.shapes = (kit.image, (kit.y_dim,))
        self.layers = Layers(kit, [math.prod(kit.image), *[width] * depth], labels=False)
        self.code = nn.Linear(width, kit.z_dim)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Codes of images; ``y`` ``(B, y_dim)`` is for norms that are called with it."""
        return self.code(self.layers(x, y))


class CodeDiscriminator(Discriminator):
    """Scores of codes, which come as images ``(B, z_dim, 1, 1)`` of one pixel.

    Args:
        kit: of D's side.
        codes: length of a code.
        width: units of a hidden layer.
        depth: hidden layers.
    """

    def __init__(self, kit: Kit, codes: int, width: int, depth: int) -> None:
        added = kit.inputs - kit.channels  # planes of labels
        super().__init__(kit, Layers(kit, [codes + added, *[width] * depth]), width)
        self.shapes = ((codes, 1, 1), (kit.y_dim,))


def aae(g: Kit, d: Kit, *, ch: int = 1000, ch_d: int | None = None, depth: int = 2) -> dict[str, nn.Module]:
    """An autoencoder with an adversary on its codes (Makhzani et al. 2015, arXiv 1511.05644): fully connected.

    The codes of images follow the prior, so that G draws from it, and E finds the code of an image. For images of any
    size. Norms may stand in every hidden layer.

    Args:
        g, d: kits of the two sides.
        ch: units in each hidden layer of E and G.
        ch_d: units in each hidden layer of D; ``ch`` by default.
        depth: hidden layers of each network.
    """
    within("aae:ch", ch, 1)
    within("aae:ch.d", ch_d, 1)
    within("aae:depth", depth, 1, DEEPEST)
    return {
        "G": Generator(g, Decoder(g, ch, depth)),
        "E": Encoder(g, ch, depth),
        "D": CodeDiscriminator(d, g.z_dim, ch if ch_d is None else ch_d, depth),
    }


class CodeGame(Encodes, Game):
    """E and G rebuild images; D tells codes of the prior from those of images, and E makes them alike.

    Args:
        gan: whose networks play.
        reconstruction: weight of the mean squared error of a pixel in [-1, 1].
    """

    players: ClassVar[Mapping[str, tuple[str, ...]]] = {"d": ("D",), "g": ("G", "E")}

    def __init__(self, gan: GAN, *, reconstruction: float = 100.0) -> None:
        super().__init__(gan)
        within("aae:reconstruction", reconstruction, 0)
        self.reconstruction, self.adversary = reconstruction, Adversary(gan)

    def turns(self) -> list[Turn]:
        """D judges codes, then E and G learn together."""
        return [Turn("d", self.discriminator_loss, after=self.adversary.after), Turn("g", self.autoencoder_loss)]

    def discriminator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """D's terms: codes of the prior up, those of images down."""
        return self.adversary.discriminator_loss(self.context(batch, step, "d"))

    def autoencoder_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """E's and G's terms: codes of images up, and images rebuilt."""
        ctx = self.context(batch, step, "g")
        rebuilt = self.gan.G(ctx.fake.flatten(1), ctx.y_fake)
        error = (accurate(rebuilt) - batch["image"]).square().mean()
        return {**self.adversary.generator_loss(ctx), "reconstruction": self.reconstruction * error}

    def context(self, batch: Batch, step: int, side: str) -> TurnContext:
        """Draw codes of the prior, and encode this turn's images."""
        gan: Any = self.gan
        images = batch["image"]
        drawn = global_draw(lambda n: gan.G.prior(n, torch.default_generator), len(images)).to(
            images, non_blocking=True
        )
        return self.adversary.context(batch, step, side, as_images(drawn), images, lambda x, y: as_images(gan.E(x, y)))

    def accuracy(self) -> tuple[float, float] | None:
        """Shares of the last codes of the prior and of images that D told apart."""
        return self.adversary.accuracy()


def as_images(codes: Tensor) -> Tensor:
    """Codes ``(B, z_dim)`` as images ``(B, z_dim, 1, 1)``, which D is shown."""
    return codes[:, :, None, None]
