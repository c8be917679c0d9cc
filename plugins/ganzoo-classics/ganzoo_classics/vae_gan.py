"""VAE-GAN: a variational autoencoder that measures likeness by what a discriminator sees.

Autoencoding beyond pixels using a learned similarity metric (Larsen et al. 2015, arXiv 1512.09300), algorithm 1. Three
players, each with a loss of its own; x̃ = G(E(x)), and f is what D's last layer sees:

    E:  kl·KL(E(x) ‖ N(0, I)) + ½·E‖f(x) - f(x̃)‖²
    G:  γ·½·E‖f(x) - f(x̃)‖² - log D(x̃) - log D(G(z))
    D:  -log D(x) - log(1 - D(x̃)) - log(1 - D(G(z)))

How ours differs: the squared distance and the divergence are means over their dimensions where the paper sums, so
``kl`` and γ are other numbers; the two kinds of fakes have half of the loss each, with any loss; the features are those
of D's last convolution, without augmentations; each player moves in a pass of its own, D first; networks as of DCGAN,
with 4x4 convolutions where the paper has 5x5; Adam in place of RMSProp.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganzoo import GAN, Batch, Discriminator, Generator, Kit, NoiseGame, Turn, TurnContext, UsageError, within
from ganzoo.parts import accurate, global_draw
from ganzoo_classics.convolutions import Drawing, Encoder, Looking, check_widths
from ganzoo_classics.encoding import Encodes


def vae_gan(g: Kit, d: Kit, *, ch: int = 64, ch_d: int | None = None) -> dict[str, nn.Module]:
    """A VAE whose likelihood is of D's features (Larsen et al. 2015, arXiv 1512.09300): encoder, decoder, D.

    E finds the noise of an image, and what is like it lies near. Attention sites of G and D are all maps below the
    image's size; own ones the largest of them, 32 at most.

    Args:
        g, d: kits of the two sides.
        ch: channels of the largest map of G and E below the image's size; they double with every halving.
        ch_d: the same of D; ``ch`` by default.
    """
    trunk = Looking("vae-gan", d, d.inputs, check_widths("vae-gan", ch, ch_d))
    return {
        "G": Generator(g, Drawing("vae-gan", g, g.latent, ch)),
        "D": Discriminator(d, trunk, trunk.features),
        "E": Encoder("vae-gan", g, 2 * g.z_dim, ch),
    }


class SimilarityGame(Encodes, NoiseGame):
    """E, G and D move in turn, each by a loss of its own.

    Args:
        gan: whose networks play.
        gamma: weight of the likeness of x and x̃ in G's loss.
        kl: weight of the divergence of E(x) from the prior in E's.
    """

    players: ClassVar[Mapping[str, tuple[str, ...]]] = {"d": ("D",), "g": ("G",), "e": ("E",)}
    published: ClassVar[tuple[str, ...]] = ("E",)
    accumulates = False

    def __init__(self, gan: GAN, *, gamma: float = 1.0, kl: float = 0.1) -> None:
        super().__init__(gan)
        within("vae-gan:gamma", gamma, 0)
        within("vae-gan:kl", kl, 0)
        if (prior := str(gan.plan["prior"])) != "normal":
            raise UsageError(f"prior={prior} does not work with vae-gan, whose codes are normal: leave it out")
        self.gamma, self.kl = gamma, kl

    def turns(self) -> list[Turn]:
        """D's update, then G's, then E's."""
        return [*super().turns(), Turn("e", self.encoder_loss)]

    def discriminator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """D's terms: real images up; fakes of noise and rebuilt images down."""
        ctx = self.context(batch, step, "d")
        terms, loss = self.adversary.discriminator_loss(ctx), self.adversary.parts.loss
        if ctx.at.own_step:
            return terms
        with torch.no_grad():
            rebuilt = self.rebuilt(ctx)
        return {**terms, "loss": (terms["loss"] + loss.discriminator(with_fakes(ctx, rebuilt))) / 2}

    def generator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """G's terms: both kinds of fakes up, and rebuilt images like real ones."""
        ctx = self.context(batch, step, "g")
        terms, loss = self.adversary.generator_loss(ctx), self.adversary.parts.loss
        if ctx.at.own_step:
            return terms
        rebuilt = self.rebuilt(ctx)
        adversarial = (terms["loss"] + loss.generator(with_fakes(ctx, rebuilt))) / 2
        return {**terms, "loss": adversarial, "likelihood": self.gamma * self.likelihood(ctx, rebuilt)}

    def encoder_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """E's terms: codes like the prior, and rebuilt images like real ones."""
        gan: Any = self.gan
        real = batch["image"]
        y = gan.label_vectors(batch.get("label"), len(real)).to(real, non_blocking=True)
        mean, spread = accurate(gan.E(real, y)).chunk(2, 1)
        rebuilt = gan.G(drawn(mean, spread), y)
        return {"kl": self.kl * divergence(mean, spread), "likelihood": unlike(gan.D, real, rebuilt, y)}

    def rebuilt(self, ctx: TurnContext) -> Tensor:
        """x̃ ``(B, C, H, W)`` of this update's real images."""
        gan: Any = self.gan
        with torch.no_grad():  # E moves in its own turn
            mean, spread = accurate(gan.E(ctx.real, ctx.y_real)).chunk(2, 1)
        image: Tensor = accurate(gan.G(drawn(mean, spread), ctx.y_real))
        return image

    def likelihood(self, ctx: TurnContext, rebuilt: Tensor) -> Tensor:
        """Half the mean squared distance of what D sees of real and of rebuilt images."""
        return unlike(self.gan.D, ctx.real, rebuilt, ctx.y_real)

    def encode(self, x: Tensor, y: Tensor) -> Tensor:
        """The mean of E's law of the noise ``(B, z_dim)`` of images."""
        gan: Any = self.gan
        mean: Tensor = gan.E(x, y).chunk(2, 1)[0]
        return mean


def with_fakes(ctx: TurnContext, images: Tensor) -> TurnContext:
    """The same update with other fakes, which have the labels of the real images."""
    other = copy(ctx)
    other.fake, other.y_fake = images, ctx.y_real
    return other


def drawn(mean: Tensor, spread: Tensor) -> Tensor:
    """Codes ``(B, z_dim)`` of N(mean, exp(spread)), with a gradient to both; ``spread`` is the log of the variance."""
    return mean + (spread / 2).exp() * global_draw(torch.randn, *mean.shape).to(mean, non_blocking=True)


def divergence(mean: Tensor, spread: Tensor) -> Tensor:
    """KL(N(mean, exp(spread)) ‖ N(0, I)), a mean over dimensions and images."""
    return 0.5 * (mean.square() + spread.exp() - 1 - spread).mean()


def unlike(discriminator: nn.Module, real: Tensor, rebuilt: Tensor, y: Tensor) -> Tensor:
    """``½·‖f(x) - f(x̃)‖²``, a mean over features and images: -log p of N(f(x̃), I), but for a constant."""
    with torch.no_grad():
        seen = accurate(discriminator(real, y).features)
    return 0.5 * (accurate(discriminator(rebuilt, y).features) - seen).square().mean()
