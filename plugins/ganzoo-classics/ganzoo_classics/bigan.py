"""BiGAN: an encoder learns to invert G by one adversary, which judges images together with their codes.

Adversarial Feature Learning (Donahue et al. 2016, arXiv 1605.09782), section 3; ALI (arXiv 1606.00704) is the same with
a stochastic encoder.

    D:     -E log D(x, E(x)) - E log(1 - D(G(z), z))
    G, E:  -E log(1 - D(x, E(x))) - E log D(G(z), z)

The second line is the paper's "inverse" objective, D's with real and fake exchanged; so it is here with any loss.
How ours differs: convolutional networks as of DCGAN for images of any size, where the paper has layers of 1024 units
for MNIST and AlexNet for ImageNet; D sees the code in one linear layer beside the features of its image.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo import Batch, Discriminator, Generator, Kit, NoiseGame, Output, TurnContext, within
from ganzoo.parts import as_weights
from ganzoo_classics.convolutions import Drawing, Encoder, Looking, check_widths
from ganzoo_classics.encoding import Encodes


class PairDiscriminator(Discriminator):
    """Scores of images together with codes.

    Args:
        kit: of D's side.
        trunk: of images.
        codes: length of a code.
        width: units of the layer that sees image and code.
    """

    def __init__(self, kit: Kit, trunk: Looking, codes: int, width: int) -> None:
        super().__init__(kit, trunk, width)
        self.shapes = (kit.image, (kit.y_dim,), (codes,))
        self.joint = nn.Linear(trunk.features + codes, width)

    def forward(self, x: Tensor, y: Tensor, code: Tensor) -> Output:  # type: ignore[override]
        """Score images ``(B, C, H, W)`` in [-1, 1] with codes ``(B, codes)`` under label vectors ``(B, y_dim)``."""
        seen = self.trunk(self.conditioning.embed(x, y), y).flatten(1)
        features = F.leaky_relu(self.joint(torch.cat([seen, code.to(seen.dtype)], 1)), 0.2)
        with torch.autocast(features.device.type, enabled=False):
            said: Output = self.head(*as_weights(self.head, features, y))
        return said


def bigan(g: Kit, d: Kit, *, ch: int = 64, ch_d: int | None = None, joint: int = 1024) -> dict[str, nn.Module]:
    """G and an encoder that inverts it, against one D of pairs (Donahue et al. 2016, arXiv 1605.09782).

    What E makes of an image is a feature vector learnt without labels. Attention sites of G and D are all maps below
    the image's size; own ones the largest of them, 32 at most.

    Args:
        g, d: kits of the two sides.
        ch: channels of the largest map of G and E below the image's size; they double with every halving.
        ch_d: the same of D; ``ch`` by default.
        joint: units of D's layer that sees image and code.
    """
    wide = check_widths("bigan", ch, ch_d)
    within("bigan:joint", joint, 1)
    return {
        "G": Generator(g, Drawing("bigan", g, g.latent, ch)),
        "E": Encoder("bigan", g, g.z_dim, ch),
        "D": PairDiscriminator(d, Looking("bigan", d, d.inputs, wide), g.z_dim, joint),
    }


class PairGame(Encodes, NoiseGame):
    """D tells (x, E(x)) from (G(z), z); G and E make them alike."""

    players: ClassVar[Mapping[str, tuple[str, ...]]] = {"d": ("D",), "g": ("G", "E")}

    def context(self, batch: Batch, step: int, side: str) -> TurnContext:
        """Draw noise, make fakes of it, and encode real images: each image has a code."""
        ctx = super().context(batch, step, side)
        gan: Any = self.gan
        ctx.y_fake = ctx.y_fake.clone()  # tells images made of fakes, whose code is another, from all others
        with torch.set_grad_enabled(ctx.player != "d"):
            ctx.conditions["code"] = gan.E(ctx.real, ctx.y_real)
        ctx.fake_conditions["code"] = ctx.z
        return ctx

    def generator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """G's and E's terms: D's loss with real and fake exchanged, and those of conditioning and regularizers."""
        ctx = self.context(batch, step, "g")
        terms = self.adversary.generator_loss(ctx)
        return terms if ctx.at.own_step else {**terms, "loss": self.adversary.parts.loss.discriminator(exchanged(ctx))}


def exchanged(ctx: TurnContext) -> TurnContext:
    """The same update with real in the place of fake, and fake in that of real: images, labels and conditions."""
    other = copy(ctx)
    other.real, other.fake, other.y_real, other.y_fake = ctx.fake, ctx.real, ctx.y_fake, ctx.y_real
    other.conditions = {**ctx.conditions, **ctx.fake_conditions}
    other.fake_conditions = {name: ctx.conditions[name] for name in ctx.fake_conditions}
    return other
