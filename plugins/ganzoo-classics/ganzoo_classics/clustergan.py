"""ClusterGAN: noise with a discrete part, which an encoder reads back from images: clusters without labels.

ClusterGAN: Latent Space Clustering in Generative Adversarial Networks (Mukherjee et al. 2018, arXiv 1809.03627),
sections 3 and 4. Noise is z = (z_c, z_n): one of K clusters, one-hot, and N(0, σ²·I).

    D:     the loss of the recipe: WGAN-GP
    G, E:  the same, + β_c·E[CE(z_c, E_c(G(z)))] + β_n·E‖z_n - E_n(G(z))‖²

σ = 0.1, β_c = β_n = 10, z_n of 30 dimensions, five updates of D in each step, Adam 1e-4 with betas 0.5/0.9, as its
table for MNIST. How ours differs: the squared distance is a mean over dimensions; convolutional networks as of DCGAN,
where the paper has those of InfoGAN, with layers of 1024 units.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo import GAN, Batch, Discriminator, Generator, Kit, NoiseGame, TurnContext, within
from ganzoo.parts import accurate
from ganzoo_classics.convolutions import Drawing, Encoder, Looking, check_widths
from ganzoo_classics.encoding import Clusters, Encodes

MOST = 100_000  # clusters


class ClusterGenerator(Generator):
    """A generator whose noise begins with a cluster.

    Args:
        kit: of G's side.
        ch: channels of the largest map below the image's size.
        clusters: K.
        sigma: σ of the rest of the noise.
    """

    def __init__(self, kit: Kit, ch: int, clusters: int, sigma: float) -> None:
        super().__init__(kit, Drawing("clustergan", kit, clusters + kit.latent, ch))
        self.clusters, self.sigma = clusters, sigma
        self.shapes = ((clusters + kit.z_dim,), (kit.y_dim,))

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` in [-1, 1] of noise ``(B, clusters + z_dim)`` and label vectors ``(B, y_dim)``."""
        cluster, rest = z.split([self.clusters, z.shape[1] - self.clusters], 1)
        noise, context = self.codes(rest, self.conditioning.context(rest, y))
        image: Tensor = self.trunk(torch.cat([cluster, self.conditioning.embed(noise, y)], 1), context)
        return image

    def prior(self, n: int, rng: torch.Generator, truncation: float | None = None) -> Tensor:
        """Noise ``(n, clusters + z_dim)``, drawn on the CPU with ``rng``: every cluster as often."""
        rest = self.sigma * self.draw(n, self.z_dim, rng, truncation)
        return torch.cat(
            [F.one_hot(torch.randint(self.clusters, (n,), generator=rng), self.clusters).to(rest), rest], 1
        )


def clustergan(
    g: Kit, d: Kit, *, ch: int = 64, ch_d: int | None = None, clusters: int = 10, sigma: float = 0.1
) -> dict[str, nn.Module]:
    """G draws K clusters, and E finds the cluster of an image (Mukherjee et al. 2018, arXiv 1809.03627).

    Attention sites of G and D are all maps below the image's size; own ones the largest of them, 32 at most.

    Args:
        g, d: kits of the two sides.
        ch: channels of the largest map of G and E below the image's size; they double with every halving.
        ch_d: the same of D; ``ch`` by default.
        clusters: K, how many there are.
        sigma: standard deviation of the continuous noise; small, so that clusters stay apart.
    """
    wide = check_widths("clustergan", ch, ch_d)
    within("clustergan:clusters", clusters, 1, MOST)
    within("clustergan:sigma", sigma, 0)
    trunk = Looking("clustergan", d, d.inputs, wide)
    return {
        "G": ClusterGenerator(g, ch, clusters, sigma),
        "E": Encoder("clustergan", g, clusters + g.z_dim, ch),
        "D": Discriminator(d, trunk, trunk.features),
    }


class ClusterGame(Clusters, Encodes, NoiseGame):
    """G fools D, and draws what E reads the noise back from.

    Args:
        gan: whose networks play.
        beta_c: weight of the cross-entropy of clusters.
        beta_n: weight of the mean squared distance of the continuous noise.
    """

    players: ClassVar[Mapping[str, tuple[str, ...]]] = {"d": ("D",), "g": ("G", "E")}

    def __init__(self, gan: GAN, *, beta_c: float = 10.0, beta_n: float = 10.0) -> None:
        super().__init__(gan)
        within("clustergan:beta.c", beta_c, 0)
        within("clustergan:beta.n", beta_n, 0)
        self.beta_c, self.beta_n = beta_c, beta_n

    def generator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """G's and E's terms: fakes up, and their noise read back."""
        ctx = self.context(batch, step, "g")
        terms = self.adversary.generator_loss(ctx)
        return terms if ctx.at.own_step else {**terms, **self.read_back(ctx)}

    def read_back(self, ctx: TurnContext) -> dict[str, Tensor]:
        """How far E is from the noise of this update's fakes."""
        gan: Any = self.gan
        logits, rest = self.split(accurate(gan.E(ctx.fake, ctx.y_fake)))
        cluster, noise = self.split(ctx.z)
        return {
            "cluster": self.beta_c * F.cross_entropy(logits, cluster),
            "noise": self.beta_n * (rest - noise).square().mean(),
        }

    def split(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Clusters ``(B, clusters)`` and the rest of noise, or of what E says."""
        clusters = self.gan.G.clusters
        cluster, rest = z.split([clusters, z.shape[1] - clusters], 1)
        return cluster, rest

    def encode(self, x: Tensor, y: Tensor) -> Tensor:
        """Noise of images: the most likely cluster, one-hot, and the rest."""
        logits, rest = self.split(self.gan.E(x, y))
        return torch.cat([F.one_hot(logits.argmax(1), logits.shape[1]).to(rest), rest], 1)

    def cluster(self, x: Tensor, y: Tensor) -> Tensor:
        """The most likely cluster, int64 ``(B,)``, of images."""
        return self.split(self.gan.E(x, y))[0].argmax(1)
