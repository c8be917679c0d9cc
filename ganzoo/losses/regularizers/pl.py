"""Path length, of Analyzing and Improving the Image Quality of StyleGAN, Karras et al. 2020, arXiv 1912.04958."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import within
from ganzoo.losses.gradient import check_every
from ganzoo.parts import NotNegative, Regularizer, TurnContext, accurate, exact, global_draw, global_mean

TINY = 1e-12  # under the root, whose slope at 0 is infinite


class Lengths(nn.Module, Regularizer):
    """A step in the latent space is to change an image equally much, wherever it is taken.

    Args:
        weight: of the term.
        every: it acts once in so many updates of G.
        decay: of the mean length.
        own_step: whether it takes a step of its own: see :class:`ganzoo.parts.Regularizer`.

    Attributes:
        name: of its term.
        mean: the mean length so far.
    """

    players = ("g",)
    name: str
    mean: Tensor

    def __init__(
        self, *, weight: NotNegative = 2.0, every: int = 4, decay: float = 0.99, own_step: bool = True
    ) -> None:
        super().__init__()
        within(f"{self.name}:decay", decay, 0, 1)
        self.weight, self.every = weight, check_every(self.name, every)
        self.decay, self.own_step = decay, own_step
        self.register_buffer("mean", torch.zeros(()))

    @abstractmethod
    def latents(self, ctx: TurnContext) -> tuple[Tensor, Tensor]:
        """Points ``(n, ...)`` of the latent space with a gradient, and their images ``(n, C, H, W)``."""

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The term in this update, in float32."""
        with torch.enable_grad(), exact(ctx.z.device):
            lengths = self.lengths(*self.latents(ctx))
        with torch.no_grad():
            self.mean.lerp_(global_mean(lengths).to(self.mean), 1 - self.decay)
        ctx.report(self.name, lengths)
        return {self.name: self.weight * (lengths - self.mean.clone()).square().mean()}

    def lengths(self, latent: Tensor, images: Tensor) -> Tensor:
        """How much each image ``(n, C, H, W)`` changes with its latent, along a random direction of images: ``(n,)``.

        Of several latents an image has, ``(n, layers, w_dim)``, the root of the mean square.
        """
        direction = global_draw(torch.randn, len(images), *images.shape[1:]).to(images, non_blocking=True)
        along = (images * direction).sum() / math.sqrt(images.shape[2] * images.shape[3])
        # of 0 where G makes nothing of its latents
        (slope,) = torch.autograd.grad(along, latent, create_graph=True, materialize_grads=True)
        if not slope.requires_grad:  # the whole loss of its own step: a function of G, if a flat one
            slope = slope + 0 * along
        return slope.square().sum(-1).reshape(len(slope), -1).mean(1).clamp(min=TINY).sqrt()


class PathLength(Lengths):
    """A step in w is to change an image equally much, wherever it is taken (path length, Karras et al. 2020).

    ``weight·E(ℓ - a)²`` with ``ℓ = ‖∇_w ⟨G(w), y⟩‖₂``, ``y ~ N(0, I)/√(H·W)``, the root of the mean square over the
    layers of w, and a the moving average of ℓ, which takes this update's in first and lets no gradient through. Source:
    arXiv 1912.04958, section 3.2 and appendix B; every 4 updates, on half of the batch, by a step of its own.

    Args:
        weight: of the term.
        every: it acts once in so many updates of G.
        decay: of the mean length a.
        own_step: whether it takes a step of its own of G's optimiser; false adds it to G's loss.
    """

    name = "pl"

    def latents(self, ctx: TurnContext) -> tuple[Tensor, Tensor]:
        """The w ``(n, layers, w_dim)`` of every other noise of the batch, and their images."""
        generator: Any = ctx.networks["G"]
        w = generator.styles(ctx.z.detach()[::2], ctx.y_fake[::2])
        return w, accurate(generator.synthesis(w))


class LatentPathLength(Lengths):
    """``pl`` of a generator without w: a step in the noise is to change an image equally much, wherever it is taken.

    ``weight·E(ℓ - a)²`` with ``ℓ = ‖∇_z ⟨G(z), y⟩‖₂``: see ``pl``. Source: arXiv 1912.04958, where the space is W. Here
    on the whole batch, to whose rows a G may be given more than noise, such as captions.

    Args:
        weight: of the term.
        every: it acts once in so many updates of G.
        decay: of the mean length a.
        own_step: whether it takes a step of its own of G's optimiser; false adds it to G's loss.
    """

    name = "pl-z"

    def latents(self, ctx: TurnContext) -> tuple[Tensor, Tensor]:
        """The noise ``(B, z_dim)`` of the batch, and its images."""
        z = ctx.z.detach().requires_grad_()
        return z, ctx.generate(z, ctx.y_fake, exact=True)
