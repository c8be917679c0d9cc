"""The images that a generator can draw, as a surface to move on: noise in, image out, with gradients."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import ganzoo
from ganzoo import UsageError
from ganzoo.cli.kit import quoted
from ganzoo.parts import NOISE

PIECE = 64  # images computed at once where no gradient is asked for
EDGE = 0.999  # of bounded noise: its free coordinates stay finite

COLOURED = (1, 3)  # channels of images that can be painted on


class Manifold:
    """The generator of a noise-to-image model, frozen, in float32 and in eval mode.

    Noise of a normal prior is free to move, and drawn back where its mean square exceeds 1, where the prior has next
    to no mass (:meth:`strain`). Noise of a uniform prior is the tanh of what moves, as in iGAN, and cannot leave its
    cube.

    Args:
        gan: a trained model.
        name: how errors call it.
        painted: whether its images are to be painted on, which squares of grey or RGB can be.

    Raises:
        UsageError: the model does not turn noise, with or without a class, into images.
    """

    def __init__(self, gan: ganzoo.GAN, name: str, painted: bool = True) -> None:
        network: Any = getattr(gan, "G", None)
        if gan.input_names != {NOISE} or not callable(getattr(network, "prior", None)) or gan.z_dim < 1:
            raise UsageError(f"{name} draws no images from noise (its recipe is {quoted(gan.plan.recipe)}): {WANTED}")
        if gan.classes and gan.label_kind != "class":
            raise UsageError(f"{name} is told {gan.label_kind} labels; here they are classes, or there are none")
        self.gan, self.name = gan, name
        self.G = network.float().eval().requires_grad_(False)
        self.device = next(self.G.parameters()).device
        self.size = gan.image
        if painted and (gan.height != gan.width or gan.channels not in COLOURED):
            shape = f"{gan.height} x {gan.width} pixels and {gan.channels} channels"
            raise UsageError(f"{name} draws images of {shape}; what is painted on are squares of 1 or 3 channels")
        self.bounded = gan.plan["prior"] == "uniform"
        drawn = self._probe()
        if tuple(drawn) != self.size:
            raise UsageError(f"{name} draws {list(drawn)} numbers, not images of {list(self.size)}: {WANTED}")

    def _probe(self) -> torch.Size:
        """Shape of one thing that it draws."""
        with torch.no_grad():
            return self.G(self.gan.noise(1, 0).to(self.device), self.labels(None, 1)).shape[1:]

    @property
    def z_dim(self) -> int:
        """Length of the noise."""
        return self.gan.z_dim

    @property
    def classes(self) -> int:
        """How many classes it is told; 0 for none."""
        return self.gan.classes

    def class_name(self, number: int | None) -> str | None:
        """What a class is called; None for a model without classes."""
        return None if number is None else self.gan.class_names[number]

    @property
    def learned(self) -> tuple[int, ...]:
        """The classes, by number, that the model learned pictures of; empty for a model without classes."""
        return self.gan.drawn_classes if self.classes else ()

    def labels(self, numbers: Tensor | None, n: int) -> Tensor:
        """Label vectors ``(n, classes)``; class 0 where no numbers are given."""
        if numbers is None and self.classes:
            numbers = torch.zeros(n, dtype=torch.int64)
        return self.gan.label_vectors(numbers, n).to(self.device)

    def noise(self, n: int, seed: int) -> Tensor:
        """Noise ``(n, z_dim)`` of the prior; the first k are the same for every n."""
        return self.gan.noise(n, seed).to(self.device)

    def draw(self, z: Tensor, y: Tensor) -> Tensor:
        """Images ``(n, C, H, W)`` in [0, 1], with gradients to ``z``."""
        return (self.G(z, y).float() + 1) / 2

    def draw_w(self, w: Tensor) -> Tensor:
        """Images ``(n, C, H, W)`` in [0, 1] of ``w`` ``(n, layers, w_dim)``, with gradients to it."""
        return (self.G.synthesis(w).float() + 1) / 2

    @torch.no_grad()
    def look(self, z: Tensor, y: Tensor) -> Tensor:
        """Images ``(n, C, H, W)`` in [0, 1] without gradients, a piece at a time."""
        return torch.cat([self.draw(z[i : i + PIECE], y[i : i + PIECE]) for i in range(0, len(z), PIECE)]).clamp_(0, 1)

    def free(self, z: Tensor) -> Tensor:
        """Coordinates that may take any value, of noise."""
        return torch.atanh(z.clamp(-EDGE, EDGE)) if self.bounded else z.clone()

    def bound(self, free: Tensor) -> Tensor:
        """Noise, of coordinates that may take any value."""
        return torch.tanh(free) if self.bounded else free

    def strain(self, z: Tensor) -> Tensor:
        """How far each row is outside of what the prior draws, ``(n,)``; 0 inside."""
        return (z.square().mean(1) - 1).clamp_min(0).square()

    def between(self, a: Tensor, b: Tensor, t: float) -> Tensor:
        """The noise ``t`` of the way from ``a`` to ``b``: an arc for a normal prior, a line for a uniform one."""
        return self.gan.interpolate(a, b, t)

    def state(self) -> dict[str, Any]:
        """The generator's tensors, by which one model is told from another."""
        return self.G.state_dict()


WANTED = "give a noise-to-image model, such as one trained with dcgan, sngan or sagan"
