"""Reparametrisations of ``module.weight``: functions ``(module, *, options)`` applied last, after initialisation.

They take Conv*, ConvTranspose*, Linear and Embedding layers. Each is a ``torch.nn.utils.parametrize`` parametrization:
what is trained lies at ``module.parametrizations.weight.original``, and ``parametrize.cached()`` around a turn makes
the real and the fake pass share one weight.
"""

from __future__ import annotations

import math
from typing import Annotated, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize

from ganzoo.errors import within
from ganzoo.gan.weights import output_dim
from ganzoo.parts import Positive, Range, accurate

START_ITERATIONS = 15  # enough for a usable first estimate of a random matrix, and cheap
KEPT_ITERATIONS = 100  # for an estimate that a whole training goes by
MOST_ITERATIONS = 1000  # of a step, which would not end with more
Iterations: TypeAlias = Annotated[int, Range(1, MOST_ITERATIONS)]


class SpectralNorm(nn.Module):
    """The parametrization behind :func:`spectral_norm`: ``weight -> weight / sigma(weight)``.

    The buffers ``u`` and ``v`` are the estimates of the first singular vectors. They move in training mode, and only
    while the weight is being trained: a network that is frozen for the other player's turn keeps its vectors.
    """

    u: Tensor
    v: Tensor

    def __init__(self, weight: Tensor, dim: int, iterations: int, eps: float) -> None:
        super().__init__()
        self.dim, self.iterations, self.eps = dim, iterations, eps
        matrix = self.matrix(weight.detach())
        rows, columns = matrix.shape
        self.register_buffer("u", F.normalize(matrix.new_empty(rows).normal_(), dim=0, eps=eps))
        self.register_buffer("v", F.normalize(matrix.new_empty(columns).normal_(), dim=0, eps=eps))

    def matrix(self, weight: Tensor) -> Tensor:
        """``weight`` in float32 at least, outputs first, all else flattened."""
        return accurate(weight).movedim(self.dim, 0).flatten(1)

    @torch.no_grad()
    def iterate(self, matrix: Tensor, times: int) -> None:
        """Move ``u`` and ``v`` by ``times`` power iterations."""
        u, v = self.u.to(matrix.dtype), self.v.to(matrix.dtype)
        for _ in range(times):
            v = F.normalize(torch.mv(matrix.t(), u), dim=0, eps=self.eps)
            u = F.normalize(torch.mv(matrix, v), dim=0, eps=self.eps)
        self.u.copy_(u)
        self.v.copy_(v)

    def sigma(self, matrix: Tensor) -> Tensor:
        """The estimate of the largest singular value, differentiable in ``matrix`` with the vectors held constant."""
        # Clones, because a later pass may move the buffers before this one's backward.
        u, v = self.u.to(matrix.dtype, copy=True), self.v.to(matrix.dtype, copy=True)
        return torch.dot(u, torch.mv(matrix, v)).clamp_min(self.eps)

    def forward(self, weight: Tensor) -> Tensor:
        """``weight`` as the layer uses it, of the same shape."""
        with torch.autocast("cpu" if weight.is_meta else weight.device.type, enabled=False):  # meta has none
            matrix = self.matrix(weight)
            # Frozen for the other player's turn: its pass must not move the vectors, or the sigma of a network would
            # depend on how often others look at it.
            if self.training and weight.requires_grad:
                self.iterate(matrix, self.iterations)
            return weight / self.sigma(matrix)

    def right_inverse(self, weight: Tensor) -> Tensor:
        """What is stored, given a weight to start from: itself, once the vectors are estimated for it.

        So a weight of norm 1, as an exported one is, is used as it is.
        """
        if not weight.is_meta:
            self.iterate(self.matrix(weight), START_ITERATIONS)
        return weight

    def extra_repr(self) -> str:
        """The arguments that ``print`` shows."""
        return f"dim={self.dim}, iterations={self.iterations}"


def spectral_norm(module: nn.Module, *, iterations: Iterations = 1, eps: Positive = 1e-12) -> None:
    """Divide the weight by its largest singular value, so that the layer is 1-Lipschitz.

    ``W/σ(W)``, with σ(W) ≈ ``uᵀ W v`` by power iteration: ``v = Wᵀu/‖Wᵀu‖``, ``u = Wv/‖Wv‖``.

    Spectral Normalization for Generative Adversarial Networks (Miyato et al. 2018, arXiv 1802.05957). As the paper's
    Algorithm 1, with a few power iterations more at the start; the vectors stay put in evaluation and while the
    weight is frozen.

    Args:
        module: a layer with a ``weight`` that is already initialised.
        iterations: power iterations per step.
        eps: least norm and least singular value divided by.
    """
    _normalise("sn", SpectralNorm, module, iterations, eps)


def _normalise(name: str, made: type[SpectralNorm], module: nn.Module, iterations: int, eps: float) -> None:
    """Put a parametrization of the part ``name`` on a layer's weight."""
    within(f"{name}:iterations", iterations, 1, MOST_ITERATIONS)
    weight = module.weight
    assert isinstance(weight, Tensor)
    parametrization = made(weight, output_dim(module), iterations, eps)
    # unsafe only skips torch's trial call, which would spend a power iteration on checking the shape.
    parametrize.register_parametrization(module, "weight", parametrization, unsafe=True)


class KeptSpectralNorm(SpectralNorm):
    """The parametrization behind :func:`improved_spectral_norm`: ``weight -> sigma(start) / sigma(weight) * weight``.

    The buffer ``start`` is the largest singular value of the weight that a training began with.
    """

    start: Tensor

    def __init__(self, weight: Tensor, dim: int, iterations: int, eps: float) -> None:
        super().__init__(weight, dim, iterations, eps)
        self.register_buffer("start", torch.ones(()))

    def forward(self, weight: Tensor) -> Tensor:
        """``weight`` as the layer uses it, of the same shape."""
        return self.start * super().forward(weight)

    @torch.no_grad()
    def right_inverse(self, weight: Tensor) -> Tensor:
        """What is stored, given a weight to start from: itself, which is then used as it is."""
        stored = super().right_inverse(weight)
        if not weight.is_meta:
            self.iterate(self.matrix(weight), KEPT_ITERATIONS)
            self.start.copy_(self.sigma(self.matrix(weight)))
        return stored


def improved_spectral_norm(module: nn.Module, *, iterations: Iterations = 1, eps: Positive = 1e-12) -> None:
    """Keep the largest singular value of the weight at what it was when the training began (ISN).

    ViTGAN: Training GANs with Vision Transformers (Lee et al. 2022, arXiv 2107.04589), section 3: ``σ(W₀)·W/σ(W)``. A
    transformer whose every layer is 1-Lipschitz, as by ``sn``, learns next to nothing. σ is estimated as ``sn`` does.

    Args:
        module: a layer with a ``weight`` that is already initialised.
        iterations: power iterations per step.
        eps: least norm and least singular value divided by.
    """
    _normalise("isn", KeptSpectralNorm, module, iterations, eps)


def weight_norm(module: nn.Module) -> None:
    """Learn length and direction of each output's weight vector apart.

    ``w = g·v/‖v‖`` for each output, with g and v learnt.

    Weight Normalization: A Simple Reparameterization (Salimans & Kingma 2016, arXiv 1602.07868). Lengths start at those
    of the initial weights; the paper's data-dependent start is left out.

    Args:
        module: a layer with a ``weight`` that is already initialised.
    """
    parametrizations.weight_norm(module, "weight", dim=output_dim(module))


class RuntimeScale(nn.Module):
    """The parametrization behind :func:`equalized_lr`: ``weight -> scale * weight``."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, weight: Tensor) -> Tensor:
        """``weight`` as the layer uses it, of the same shape."""
        return weight * self.scale

    def right_inverse(self, weight: Tensor) -> Tensor:
        """What is stored, given the weight that the layer shall use."""
        return weight / self.scale

    def extra_repr(self) -> str:
        """The arguments that ``print`` shows."""
        return f"scale={self.scale:.4g}"


def fan_in(module: nn.Module) -> int:
    """How many inputs each output of the layer sums over; an embedding looks one up."""
    weight = module.weight
    assert isinstance(weight, Tensor)
    return 1 if isinstance(module, nn.Embedding) else weight.numel() // weight.shape[output_dim(module)]


def equalized_lr(module: nn.Module, *, gain: float = math.sqrt(2)) -> None:
    """Store the weight divided by He's constant and multiply at run time, so that all layers learn at one speed.

    ``W = gain/√fan_in · v``, with v learnt.

    Progressive Growing of GANs (Karras et al. 2018, arXiv 1710.10196), section 4.1. The paper also draws the stored
    weights from N(0, 1); ours does not redo the initialisation: the layer starts at the very weights that the
    architecture gave it, and they are stored scaled.

    Args:
        module: a layer with a ``weight`` that is already initialised.
        gain: of the run-time constant ``gain / sqrt(fan_in)``.
    """
    within("eqlr:gain", gain, 1e-6)
    scale = gain / math.sqrt(fan_in(module))
    parametrize.register_parametrization(module, "weight", RuntimeScale(scale))


class ForcedNorm(nn.Module):
    """The parametrization behind :func:`magnitude_preserving`: each output's weight vector has one length, for good.

    What is stored is brought back to a mean square of 1 in every pass of a training that learns it, so that a step
    always turns it by an angle that the learning rate alone decides.
    """

    def __init__(self, dim: int, scale: float, eps: float = 1e-4) -> None:
        super().__init__()
        self.dim, self.scale, self.eps = dim, scale, eps

    def unit(self, weight: Tensor) -> Tensor:
        """``weight`` at a mean square of 1 for each output."""
        others = [dim for dim in range(weight.dim()) if dim != self.dim]
        count = weight.numel() // weight.shape[self.dim]
        length = torch.linalg.vector_norm(accurate(weight), dim=others, keepdim=True)
        return weight / (length / math.sqrt(count) + self.eps).to(weight.dtype)

    def forward(self, weight: Tensor) -> Tensor:
        """``weight`` as the layer uses it, of the same shape."""
        if self.training and weight.requires_grad:
            # Through ``data``: an earlier pass of this update may hold the weight for its backward, and finds it there
            # as it was, to rounding, since that pass brought it to this length already.
            weight.data.copy_(self.unit(weight.data))
        return self.unit(weight) * self.scale

    def right_inverse(self, weight: Tensor) -> Tensor:
        """What is stored, given a weight to start from: its direction."""
        return self.unit(weight)

    def extra_repr(self) -> str:
        """The arguments that ``print`` shows."""
        return f"scale={self.scale:.4g}"


def magnitude_preserving(module: nn.Module, *, gain: float = math.sqrt(2)) -> None:
    """Keep the length of each output's weight vector, so that a layer neither enlarges nor shrinks what it gets.

    ``w = gain·v/‖v‖`` for each output, with v learnt.

    Analyzing and Improving the Training Dynamics of Diffusion Models (Karras et al. 2024, arXiv 2312.02696), sections
    2.3 and 2.4: weights normalised when used, and forced back to that length as they are trained. The paper has a gain
    of 1 and scales its activations; here they are what an architecture has, and the gain is He's, for ReLUs. Initial
    weights keep their direction alone.

    Args:
        module: a layer with a ``weight`` that is already initialised.
        gain: a weight vector's length, by which uncorrelated inputs of magnitude 1 are enlarged.
    """
    within("mp:gain", gain, 1e-6)
    forced = ForcedNorm(output_dim(module), gain / math.sqrt(fan_in(module)))
    parametrize.register_parametrization(module, "weight", forced)
